package config

import "slices"

// Setting is one setting as it is shown: with its origin.
type Setting struct {
	Name     string
	Values   []string // none when it is not set
	List     bool     // it may have several
	Standard string   // what holds when it is not set, for people
	Origin   Origin
}

// Settings returns all settings that matter for the place, in the order in which
// they are shown. The text of an identity is not among them: it is secret.
func (p *Project) Settings() []Setting {
	var all []Setting
	add := func(name, standard string, list bool, values ...string) {
		if len(values) == 1 && values[0] == "" {
			values = nil
		}
		o, ok := p.Origins[name]
		if !ok {
			o = Origin{Kind: "default"}
		}
		all = append(all, Setting{name, values, list, standard, o})
	}
	add("config", "none", false, p.File)
	if p.Overlay != "" {
		add("overlay", "", false, p.Overlay)
	}
	add("project", "", false, p.Name)
	add("env", "", false, p.Env)
	add("provider", "", false, p.Place.Provider)
	values := map[string][]string{
		"path": {p.Place.Path}, "region": {p.Place.Region}, "profile": {p.Place.Profile},
		"auth": {p.Place.Auth}, "account": {p.Place.Account}, "role": {p.Place.Role},
		"kms_key_id": {p.Place.KMSKeyID}, "tier": {p.Place.Tier}, "file": {p.Place.File},
		"recipients": p.Place.Recipients, "keys": p.Place.Keys,
		"required": p.Required, "exclude": p.Exclude, "allow_env": p.AllowEnv,
	}
	if p.Protected(p.Env) {
		values["protected"] = []string{"true"}
	}
	for _, rule := range p.Rules {
		values["schema"] = append(values["schema"], rule.Name)
	}
	var layers []string
	if len(p.Layers) > 1 {
		for _, l := range p.Layers {
			layers = append(layers, p.Of(l).Describe())
			if l.Env != p.Env {
				values["extends"] = []string{l.Env}
			} else if p.Place.Provider == ProviderAWS {
				values["paths"] = append(values["paths"], l.Place.Path)
			}
		}
		if len(values["paths"]) == 1 {
			delete(values, "paths")
		}
	}
	onlyWhenSet := []string{"protected", "extends", "paths", "schema"}
	for _, k := range layout.find("environments", "").keys {
		switch {
		case k.name == "provider" || k.kind == table || !k.fits(p.Place.Provider):
		case values[k.name] == nil && slices.Contains(onlyWhenSet, k.name):
		default:
			add(k.name, k.standard, k.kind == list || k.kind == named, values[k.name]...)
		}
	}
	if layers != nil {
		add("layers", "", true, layers...)
	}
	if p.Cache.Mode != CacheOff {
		add("cache.mode", "", false, p.Cache.Mode)
		add("cache.ttl", "", false, p.Cache.TTL.String())
		add("cache.max_age", "", false, p.Cache.MaxAge.String())
	}
	add("home", "", false, p.Home)
	if p.Place.Provider == ProviderLocal {
		add("identity_file", "", false, p.IdentityFile)
		if p.Identity != "" {
			add("identity", "", false, "(not shown)")
		}
	}
	return all
}
