package config

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/skret/skret/internal/errs"
)

// place works out where the secrets are, and how they are reached.
func (r *resolver) place(env *value) {
	fl := r.in.Flags
	path := cmp.Or(flag("--path", fl.Path), r.where("SKRET_PATH"))
	file := cmp.Or(flag("--file", fl.File), r.where("SKRET_FILE"))
	who := identityFlags(fl)
	region := flag("--region", fl.Region)
	provider := cmp.Or(flag("--provider", fl.Provider), r.where("SKRET_PROVIDER"), r.file(env.get("provider")))
	word := provider.text
	switch { // a path or a file alone says which provider it means
	case provider.given():
	case path.given():
		provider, word = path, ProviderAWS
	case file.given():
		provider, word = file, ProviderLocal
	case fl.Alone:
		r.probs = append(r.probs, errs.New(errs.Invalid, "a place is named by its path or its file, and there is neither"))
		return
	case env == nil:
		r.probs = append(r.probs, errs.New(errs.Config, "there is no %s in %s or above, up to the repository's root", Name, r.in.Dir).
			WithHint("make one with skret init, or say where the secrets are with --path or --file"))
		return
	}
	r.p.Origins["provider"] = provider.origin
	r.p.Place.Provider = word
	switch word {
	case ProviderAWS:
		r.refuse(provider, word, file)
		r.aws(env, provider, path, region)
		r.identity(env, who)
	case ProviderLocal:
		r.refuse(provider, word, path, region, who.profile, who.auth, who.account, who.role)
		r.local(env, file)
	default:
		if provider.origin.Kind != "file" { // that one is judged already
			r.problem(provider, "use aws or local", "this provider is not known")
		}
	}
	r.p.Place.Keys = r.texts("keys", env)
}

// refuse reports choices that are for the other provider.
func (r *resolver) refuse(provider choice, word string, others ...choice) {
	for _, c := range others {
		if c.given() && c.origin != provider.origin {
			r.problem(c, "leave one of them out, or choose another with --provider",
				"this does not go with provider %s, which is from %s", word, provider.origin)
		}
	}
}

// outside checks a choice that is not from the file; what is in there is judged
// with its environment.
func (r *resolver) outside(c choice, check func(string) string) {
	if c.given() && c.origin.Kind != "file" {
		if why := check(c.text); why != "" {
			r.problem(c, "", "%s", why)
		}
	}
}

func (r *resolver) aws(env *value, provider, path, region choice) {
	place := &r.p.Place
	path = r.take("path", path, r.file(env.get("path")))
	region = r.take("region", region, r.where("SKRET_REGION"), r.variable("AWS_REGION", "AWS_DEFAULT_REGION"), r.file(env.get("region")))
	r.outside(path, checkPath)
	r.outside(region, checkRegion)
	switch {
	case path.given():
		place.Path = cleanPath(path.text)
	case env != nil:
		r.problemAt(env.pos, "add path: /myapp/"+env.name+", or pass --path", "environment %s has no path", env.name)
	default:
		r.problem(provider, "pass --path /myapp/prod", "provider aws needs a path")
	}
	place.Region = region.text
	place.KMSKeyID = r.take("kms_key_id", r.file(env.get("kms_key_id"))).text
	place.Tier = r.take("tier", r.file(env.get("tier"))).text
}

func (r *resolver) local(env *value, file choice) {
	place := &r.p.Place
	place.Recipients = r.texts("recipients", env)
	file = r.take("file", file, r.file(env.get("file")))
	if file.given() && file.origin.Kind != "file" {
		place.File = filepath.Clean(r.absolute(file.text))
		return
	}
	name := filepath.FromSlash(cmp.Or(file.text, StandardFile))
	place.File = filepath.Join(r.p.Root, name)
	if env == nil || checkFile(name) != "" {
		return
	}
	if file.at == (pos{}) {
		file.at = env.pos
	}
	const hint = "a file elsewhere can be named with --file or SKRET_FILE"
	if place.File == r.p.File {
		r.problemAt(file.at, "", "file is the configuration itself")
	} else if err := inside(r.p.Root, name); err != nil {
		r.problemAt(file.at, hint, "file leads out of the project by a link: %w", err)
	}
}

// texts returns the list under name and notes its origin.
func (r *resolver) texts(name string, tables ...*value) (all []string) {
	for _, t := range tables {
		v := t.get(name)
		if v == nil || len(v.items) == 0 {
			continue
		}
		o, joined := r.p.Origins[name]
		if joined {
			o.Also = v.pos.line
		} else {
			o = r.line(v)
		}
		r.p.Origins[name] = o
		for _, it := range v.items {
			if !slices.Contains(all, it.text) {
				all = append(all, it.text)
			}
		}
	}
	return all
}
