package config

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
	add("project", "", false, p.Name)
	add("env", "", false, p.Env)
	add("provider", "", false, p.Place.Provider)
	texts := map[string]string{
		"path": p.Place.Path, "region": p.Place.Region, "profile": p.Place.Profile,
		"auth": p.Place.Auth, "account": p.Place.Account, "role": p.Place.Role,
		"kms_key_id": p.Place.KMSKeyID, "tier": p.Place.Tier, "file": p.Place.File,
	}
	if p.Protected(p.Env) {
		texts["protected"] = "true"
	}
	lists := map[string][]string{
		"recipients": p.Place.Recipients, "keys": p.Place.Keys,
		"required": p.Required, "exclude": p.Exclude, "allow_env": p.AllowEnv,
	}
	for _, k := range layout.find("environments", "").keys {
		switch {
		case k.name == "provider" || !k.fits(p.Place.Provider):
		case k.kind == list:
			add(k.name, k.standard, true, lists[k.name]...)
		case k.kind == boolean && texts[k.name] == "": // it is said where it is set
		default:
			add(k.name, k.standard, false, texts[k.name])
		}
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
