package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Layer is one of the places that an environment's secrets come from.
type Layer struct {
	Env   string // whose place it is; "" without a file
	Place Place

	origins map[string]Origin
}

// Of is the project as if one of its layers were all there is of the environment.
func (p *Project) Of(l Layer) *Project {
	q := *p
	q.Env, q.Place, q.Origins, q.Layers = l.Env, l.Place, l.origins, []Layer{l}
	return &q
}

// Remote tells whether a layer is kept by a service.
func (p *Project) Remote() bool {
	return slices.ContainsFunc(p.Layers, func(l Layer) bool { return l.Place.Provider == ProviderAWS })
}

// Files are the files that the project lives by.
func (p *Project) Files() []string {
	all := []string{p.File, p.Overlay, p.IdentityFile, p.Place.File}
	for _, l := range p.Layers {
		all = append(all, l.Place.File)
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

// maxLayers bounds how many places one environment is made of.
const maxLayers = 16

// bases returns the environments that env extends, the nearest first.
func (r *resolver) bases(all, env *value) (bases []*value) {
	chain := []*value{env}
	for {
		v := chain[len(chain)-1].get("extends")
		name := r.file(v)
		if !name.given() || checkEnv(name.text) != "" {
			return chain[1:]
		}
		base := all.get(name.text)
		switch {
		case base == nil:
			r.problem(name, r.meant(name.text), "extends is not the name of an environment")
			return chain[1:]
		case slices.Contains(chain, base):
			var circle []string
			for _, c := range chain[slices.Index(chain, base):] {
				circle = append(circle, c.name+" (line "+strconv.Itoa(c.pos.line)+")")
			}
			r.problem(name, "take one extends out", "environments extend each other in a circle: %s, %s", strings.Join(circle, ", "), base.name)
			return nil
		case len(chain) == maxLayers:
			r.problem(name, "", "this is the %dth environment that is extended, and %d is the limit", maxLayers, maxLayers-1)
			return nil
		}
		chain = append(chain, base)
	}
}

// layers works out the places that the environment's secrets come from: those of
// bases, which are the nearest first, and above them its own. A place that the
// user names by a flag or a variable stands alone.
func (r *resolver) layers(env *value, bases []*value) {
	all := r.placed(env)
	if r.elsewhere {
		bases = nil
	}
	for _, base := range bases {
		b := &resolver{in: r.under(base), p: &Project{File: r.p.File, Root: r.p.Root, Env: base.name, Origins: map[string]Origin{}, getenv: r.p.getenv}}
		b.judge(base)
		b.place(base, nil)
		r.probs = append(r.probs, b.probs...)
		all = append(b.placed(base), all...)
	}
	all = limited(all, r.p.Place.Keys)
	if r.p.Layers = all; len(all) == 1 {
		return
	}
	why := cmp.Or(env.get("extends"), env.get("paths"))
	r.p.Origins["layers"] = r.line(why)
	if len(bases) > 0 {
		r.p.Origins["extends"] = r.line(why)
	}
	if paths := env.get("paths"); paths != nil {
		r.p.Origins["paths"] = r.line(paths)
	}
	for i, upper := range all {
		for _, lower := range all[:i] {
			if upper.Place.within(lower.Place) || lower.Place.within(upper.Place) {
				what, hint := "one place, or one is within the other", "give each a place of its own: what several share could be in /myapp/common"
				if upper.Place.Provider == ProviderLocal {
					what, hint = "one file", "give each a file of its own, with file:"
				}
				r.problemAt(why.at, hint, "%s and %s are %s: secrets would be there twice", r.p.Of(lower).Describe(), r.p.Of(upper).Describe(), what)
			}
		}
	}
}

// placed returns the layers of the environment that was placed last: one, or one for
// each of its paths.
func (r *resolver) placed(env *value) []Layer {
	one := Layer{r.p.Env, r.p.Place, r.p.Origins}
	paths := env.get("paths")
	if paths == nil || r.elsewhere || one.Place.Provider != ProviderAWS {
		return []Layer{one}
	}
	all := make([]Layer, len(paths.items))
	for i, it := range paths.items {
		all[i] = one
		all[i].Place.Path = cleanPath(it.text)
	}
	return all
}

// limited holds all layers to the keys of the environment, if it names any: each has
// of its own keys those alone, and one that has none of them goes.
func limited(all []Layer, keys []string) []Layer {
	if len(keys) == 0 {
		return all
	}
	var some []Layer
	for _, l := range all {
		own := l.Place.Keys
		l.Place.Keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return len(own) > 0 && !slices.Contains(own, k) })
		if len(l.Place.Keys) > 0 {
			some = append(some, l)
		}
	}
	return some
}

// under is the input for an environment that is extended. What says where secrets
// are is meant for the environment that was asked for; who signs, and the region,
// are taken where the file leaves them open.
func (r *resolver) under(base *value) Input {
	in := r.in
	fl := Flags{Region: in.Flags.Region, Profile: in.Flags.Profile, Auth: in.Flags.Auth, Account: in.Flags.Account, Role: in.Flags.Role}
	hidden := []string{"SKRET_PROVIDER", "SKRET_PATH", "SKRET_FILE"}
	if base.get("region") != nil {
		fl.Region, hidden = "", append(hidden, "SKRET_REGION")
	}
	if base.get("auth") != nil || base.get("profile") != nil {
		fl.Auth, fl.Profile, hidden = "", "", append(hidden, "SKRET_AUTH", "SKRET_PROFILE")
	}
	if base.get("account") != nil {
		fl.Account, hidden = "", append(hidden, "SKRET_ACCOUNT")
	}
	if base.get("role") != nil {
		fl.Role, hidden = "", append(hidden, "SKRET_ROLE")
	}
	if base.get("provider").is(ProviderLocal) {
		fl = Flags{}
	}
	in.Flags = fl
	in.Getenv = func(name string) string {
		if slices.Contains(hidden, name) {
			return ""
		}
		return r.in.Getenv(name)
	}
	return in
}

// within tells whether p is the place q or in it.
func (p Place) within(q Place) bool {
	if p.Provider != q.Provider || p.Region != q.Region || p.Profile != q.Profile || p.Auth != q.Auth || p.Account != q.Account || p.Role != q.Role {
		return false
	}
	if p.Provider == ProviderLocal {
		return p.File == q.File
	}
	return strings.HasPrefix(p.Path+"/", strings.TrimSuffix(q.Path, "/")+"/")
}
