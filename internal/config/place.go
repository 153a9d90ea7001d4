package config

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/skret/skret/internal/errs"
)

// place works out where the environment's own secrets are, and how they are
// reached. bases are the environments that it extends.
func (r *resolver) place(env *value, bases []*value) {
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
	r.elsewhere = path.given() || file.given() || !env.get("provider").is(word)
	switch word {
	case ProviderAWS:
		r.refuse(provider, word, file)
		r.aws(env, provider, path, region)
		r.identity(env, who)
	case ProviderLocal:
		r.refuse(provider, word, path)
		if !slices.ContainsFunc(bases, func(b *value) bool { return b.get("provider").is(ProviderAWS) }) {
			r.refuse(provider, word, region, who.profile, who.auth, who.account, who.role)
		}
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
		if c.given() && c.origin.Name != provider.origin.Name {
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
	inFile := r.file(env.get("path"))
	if several := env.get("paths"); several != nil && len(several.items) > 0 {
		if inFile.given() {
			r.problem(inFile, "take one of them out", "environment %s has both path and paths", env.name)
		}
		last := several.items[len(several.items)-1]
		inFile = choice{text: last.text, origin: r.line(several), at: last.at}
	}
	path = r.take("path", path, inFile)
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

// texts returns the list under name, joined from these tables, and notes its origin.
func (r *resolver) texts(name string, tables ...*value) (all []string) {
	for _, v := range r.parts(name, tables...) {
		for _, it := range v.items {
			if !slices.Contains(all, it.text) {
				all = append(all, it.text)
			}
		}
	}
	return all
}

// parts returns what stands under name in these tables and is not empty, and notes
// its origin.
func (r *resolver) parts(name string, tables ...*value) (all []*value) {
	var next *Origin
	for _, t := range slices.Backward(tables) {
		if v := t.get(name); v != nil && len(v.items)+len(v.values) > 0 {
			all = append(all, v)
			o := r.line(v)
			o.Also = next
			next = &o
		}
	}
	if next != nil {
		r.p.Origins[name] = *next
	}
	slices.Reverse(all)
	return all
}
