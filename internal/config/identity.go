package config

import (
	"errors"
	"slices"

	"github.com/skret/skret/internal/errs"
)

// chosen are the choices of an identity that are not the file's.
type chosen struct{ auth, profile, account, role choice }

func identityFlags(fl Flags) chosen {
	return chosen{
		auth: flag("--auth", fl.Auth), profile: flag("--profile", fl.Profile),
		account: flag("--account", fl.Account), role: flag("--role", fl.Role),
	}
}

// identity works out who is to sign. A sign-in and a profile exclude each other:
// the one that is named closer to the command line is meant, and two that are
// named side by side are a mistake. env is nil without a file.
func (r *resolver) identity(env *value, who chosen) {
	place := &r.p.Place
	auth, profile := who.auth, who.profile
	if !auth.given() && !profile.given() {
		auth, profile = r.variable("SKRET_AUTH"), r.variable("SKRET_PROFILE")
	}
	if auth.given() && profile.given() {
		r.problem(auth, "leave one of them out", "this does not go with %s: a sign-in of skret's and a profile of AWS are two identities", profile.origin.Name)
	}
	place.ProfileExplicit = profile.given()
	if place.ProfileExplicit {
		r.take("auth", choice{})
	} else {
		auth = r.take("auth", auth, r.file(env.get("auth")))
		place.Auth = auth.text
	}
	profile = r.take("profile", profile, r.variable("AWS_PROFILE"), r.file(env.get("profile")))
	place.Profile = profile.text
	r.outside(auth, checkAuth)
	r.outside(profile, checkLine)
	place.Account = r.bound("account", who.account, r.variable("SKRET_ACCOUNT"), env, checkAccount)
	place.Role = r.bound("role", who.role, r.variable("SKRET_ROLE"), env, checkRole)
}

// bound works out a setting that the file binds: a flag or a variable may say
// the same, and nothing else, since the file's is there to keep a command from
// the wrong account.
func (r *resolver) bound(name string, byFlag, byVariable choice, env *value, check func(string) string) string {
	own := byFlag
	if !own.given() {
		own = byVariable
	}
	r.outside(own, check)
	inFile := r.file(env.get(name))
	if own.given() && inFile.given() && own.text != inFile.text {
		r.problem(own, "choose another environment with -e, or change the file",
			"environment %s is bound to %s %s (%s), and this is %q", r.p.Env, name, inFile.text, inFile.origin, own.text)
	}
	return r.take(name, own, inFile).text
}

// All loads every environment of the file, whichever a flag or a variable chooses, in
// the order of their names, and reports what is wrong with any of them. Without one it
// is what the flags name.
func All(in Input) ([]*Project, error) {
	r := newResolver(in)
	top, err := r.document()
	if err != nil {
		return nil, err
	}
	if r.environment(top); len(r.p.Envs) == 0 {
		p, err := Load(in)
		return []*Project{p}, err
	}
	all := make([]*Project, len(r.p.Envs))
	var probs []error
	for i, name := range r.p.Envs {
		in.Flags.Env = name
		if all[i], err = Load(in); err == nil {
			continue
		}
		for _, e := range errs.All(err) {
			// What is wrong at the top is wrong in each.
			if !slices.ContainsFunc(probs, func(p error) bool { return p.Error() == e.Error() }) {
				probs = append(probs, e)
			}
		}
	}
	return all, errors.Join(bounded(r.p.File, probs)...)
}
