package config

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Load finds, reads and resolves the configuration. Its errors are of kind
// Config.
//
// A setting is the first that is not blank of: its flag, its SKRET_ variable,
// the AWS_ variable that the SDK reads for it, the environment of .skret.yaml.
// What is blank then is the SDK's to decide.
func Load(in Input) (*Project, error) {
	l := &loader{in: in, p: &Project{Origins: map[string]Origin{}, getenv: in.Getenv, Root: in.Dir}}
	steps := []func() error{l.file, l.environment, l.home, l.place, l.check}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l.p, nil
}

type loader struct {
	in  Input
	p   *Project
	doc *parsed     // nil without a file
	env environment // the chosen one
}

// pick returns the first setting that is not blank, and notes its origin.
// flag is its value; variables are looked at in order; fromFile is the file's
// value, at the dotted key.
func (l *loader) pick(setting, flag string, variables []string, fromFile, key string) string {
	if flag != "" {
		l.p.Origins[setting] = Origin{Kind: "flag", Name: "--" + setting}
		return flag
	}
	for _, v := range variables {
		if s := l.in.Getenv(v); strings.TrimSpace(s) != "" {
			l.p.Origins[setting] = Origin{Kind: "variable", Name: v}
			return s
		}
	}
	if fromFile != "" {
		l.p.Origins[setting] = l.at(key)
		return fromFile
	}
	l.p.Origins[setting] = Origin{Kind: "default"}
	return ""
}

// at is the origin of a key of the file.
func (l *loader) at(key string) Origin {
	return Origin{Kind: "file", Name: l.p.File, Line: l.doc.lines[key]}
}

// key is the dotted path of a key of the chosen environment.
func (l *loader) key(k string) string { return "environments." + l.p.Env + "." + k }

// abs makes a path that the user wrote absolute.
func (l *loader) abs(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(l.in.Dir, name)
}

func (l *loader) file() error {
	file := l.pick("config", l.in.Flags.Config, []string{"SKRET_CONFIG"}, "", "")
	explicit := file != ""
	if explicit {
		file = l.abs(file)
	} else {
		var err error
		if file, err = find(l.in.Dir, l.in.Home); err != nil || file == "" {
			return err
		}
	}
	doc, err := read(file, explicit)
	if err != nil {
		return err
	}
	l.doc, l.p.File, l.p.Root, l.p.Name = doc, file, filepath.Dir(file), doc.Project
	l.p.Envs = slices.Sorted(maps.Keys(doc.Environments))
	if doc.Project != "" {
		l.p.Origins["project"] = l.at("project")
	}
	return nil
}

// environment chooses one: -e, SKRET_ENV, default_env, or the only one.
func (l *loader) environment() error {
	if l.doc == nil {
		if env := l.pick("env", l.in.Flags.Env, []string{"SKRET_ENV"}, "", ""); env != "" {
			return errs.New(errs.Config, "environment %q: no %s was found from %s upward", env, FileName, l.in.Dir).
				WithHint("make one with skret init -e %s, or name the place with --path or --file", env)
		}
		return nil
	}
	env := l.pick("env", l.in.Flags.Env, []string{"SKRET_ENV"}, l.doc.DefaultEnv, "default_env")
	if env == "" && len(l.p.Envs) == 1 {
		env = l.p.Envs[0]
		l.p.Origins["env"] = l.at("environments." + env)
	}
	switch {
	case env == "" && len(l.p.Envs) == 0:
		return errs.New(errs.Config, "%s has no environments", l.p.File).WithHint("add one with skret init")
	case env == "":
		return errs.New(errs.Config, "no environment is chosen").
			WithHint("choose one of %s with -e, or set default_env in %s", strings.Join(l.p.Envs, ", "), l.p.File)
	}
	chosen, ok := l.doc.Environments[env]
	if !ok {
		return errs.New(errs.Config, "environment %q (%s) is not in %s", env, l.p.Origins["env"], l.p.File).
			WithHint("there are: %s", strings.Join(l.p.Envs, ", "))
	}
	l.p.Env, l.env = env, chosen
	l.p.Required = slices.Concat(l.doc.Required, chosen.Required)
	l.p.Exclude = slices.Concat(l.doc.Exclude, chosen.Exclude)
	l.p.AllowEnv = chosen.AllowEnv
	for setting, top := range map[string]bool{"required": true, "exclude": true, "allow_env": false} {
		if line := l.doc.lines[l.key(setting)]; line > 0 {
			l.p.Origins[setting] = l.at(l.key(setting))
		} else if top && l.doc.lines[setting] > 0 {
			l.p.Origins[setting] = l.at(setting)
		}
	}
	return nil
}

// home finds skret's own folder and the identity. They may be unknown: whoever
// needs them says so.
func (l *loader) home() error {
	l.p.Home = l.pick("home", "", []string{"SKRET_HOME"}, "", "")
	switch {
	case l.p.Home != "" && !filepath.IsAbs(l.p.Home):
		return errs.New(errs.Config, "SKRET_HOME must be an absolute path")
	case l.p.Home == "" && filepath.IsAbs(l.in.Home):
		l.p.Home = filepath.Join(l.in.Home, ".skret")
	}
	l.p.Identity = l.in.Getenv("SKRET_IDENTITY")
	l.p.IdentityFile = l.pick("identity", "", []string{"SKRET_IDENTITY_FILE"}, "", "")
	if l.p.IdentityFile != "" {
		l.p.IdentityFile = l.abs(l.p.IdentityFile)
	} else if l.p.Home != "" {
		l.p.IdentityFile = filepath.Join(l.p.Home, "identity.txt")
	}
	if l.p.Identity != "" {
		l.p.Origins["identity"] = Origin{Kind: "variable", Name: "SKRET_IDENTITY"}
	}
	return nil
}

func (l *loader) place() error {
	f, e, p := l.in.Flags, l.env, &l.p.Place
	p.Provider = l.pick("provider", f.Provider, []string{"SKRET_PROVIDER"}, e.Provider, l.key("provider"))
	// A setting of the file belongs to the provider of the file.
	if p.Provider != e.Provider {
		if p.Provider != "" {
			e = environment{}
		}
	}
	p.Path = l.pick("path", f.Path, []string{"SKRET_PATH"}, e.Path, l.key("path"))
	p.File = l.pick("file", f.File, []string{"SKRET_FILE"}, e.File, l.key("file"))
	if p.Provider == "" { // no file: --path or --file alone
		switch {
		case p.Path != "" && p.File == "":
			p.Provider = ProviderAWS
		case p.File != "" && p.Path == "":
			p.Provider = ProviderLocal
		case p.Path != "":
			return errs.New(errs.Config, "path (%s) and file (%s) exclude each other", l.p.Origins["path"], l.p.Origins["file"])
		default:
			return errs.New(errs.Config, "no %s was found from %s upward", FileName, l.in.Dir).
				WithHint("make one with skret init, or name the place with --path or --file")
		}
	}
	p.Keys = e.Keys
	switch p.Provider {
	case ProviderAWS:
		p.Region = l.pick("region", f.Region, []string{"SKRET_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"}, e.Region, l.key("region"))
		p.Profile = l.pick("profile", f.Profile, []string{"SKRET_PROFILE", "AWS_PROFILE"}, e.Profile, l.key("profile"))
		o := l.p.Origins["profile"]
		p.ProfileExplicit = o.Kind == "flag" || o.Name == "SKRET_PROFILE"
		p.KMSKeyID, p.Tier = e.KMSKeyID, e.Tier
	case ProviderLocal:
		p.Recipients = e.Recipients
	default:
		return errs.New(errs.Config, "provider %q (%s) is not known", p.Provider, l.p.Origins["provider"]).
			WithHint("use one of %s, %s", ProviderAWS, ProviderLocal)
	}
	for _, k := range []string{"kms_key_id", "tier", "keys", "recipients"} {
		if l.doc != nil && l.doc.lines[l.key(k)] > 0 && e.Provider != "" {
			l.p.Origins[k] = l.at(l.key(k))
		}
	}
	return nil
}

// check judges the chosen environment. Everything that is wrong is reported.
func (l *loader) check() error {
	p := &l.p.Place
	var probs []error
	bad := func(setting, format string, args ...any) {
		probs = append(probs, errs.New(errs.Config, "%s (%s): "+format, append([]any{setting, l.p.Origins[setting]}, args...)...))
	}
	only := func(provider string, settings ...string) {
		for _, s := range settings {
			if o := l.p.Origins[s]; o.Kind != "" && o.Kind != "default" {
				bad(s, "it goes with provider %s, and the provider (%s) is %s", provider, l.p.Origins["provider"], p.Provider)
			}
		}
	}
	if p.Provider == ProviderAWS {
		only(ProviderLocal, "file", "recipients")
		p.Path = cleanPath(p.Path)
		if p.Path == "" {
			bad("path", "it is missing; it is where the parameters are, such as /myapp/prod")
		} else if why := pathProblem(p.Path); why != "" {
			bad("path", "%s", why)
		}
		if p.Region != "" && !regionShaped(p.Region) {
			bad("region", "%q is not the name of a region, such as eu-west-1", p.Region)
		}
	} else {
		only(ProviderAWS, "path", "kms_key_id", "tier")
		l.checkFile(bad)
	}
	for _, k := range p.Keys {
		if _, err := secret.ParseKey(k); err != nil {
			bad("keys", "%w", err)
		}
	}
	return errors.Join(probs...)
}

func (l *loader) checkFile(bad func(setting, format string, args ...any)) {
	p := &l.p.Place
	switch {
	case p.File == "":
		bad("file", "it is missing; it is where the secrets are kept, such as %s", DefaultStoreFile)
	case l.p.Origins["file"].Kind != "file":
		p.File = l.abs(p.File)
	default:
		abs, err := inside(l.p.Root, p.File)
		if err != nil {
			bad("file", "%w", err)
		}
		p.File = abs
	}
}

// DefaultStoreFile is the file that init chooses for a local store.
const DefaultStoreFile = ".skret.secrets.yaml"

// cleanPath adds a slash in front and takes those at the end off.
func cleanPath(s string) string {
	s = strings.Trim(s, "/")
	if s == "" {
		return ""
	}
	return "/" + s
}

// pathProblem tells what is wrong with a cleaned path, by the rules of SSM for
// the names of parameters.
func pathProblem(s string) string {
	if _, err := secret.ParseKey(s[1:]); err != nil {
		return "a path is made of letters, digits, and the signs _ . - in segments joined by /"
	}
	if strings.Count(s, "/") > 14 {
		return "a name in SSM has at most 15 levels, and the keys need one"
	}
	first, _, _ := strings.Cut(strings.ToLower(s[1:]), "/")
	if strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm") {
		return "a name that starts with aws or ssm is reserved"
	}
	return ""
}

// regionShaped tells whether s could be a region: it becomes part of a host.
func regionShaped(s string) bool {
	return len(s) <= 40 && strings.Contains(s, "-") && s[0] != '-' && s[len(s)-1] != '-' &&
		!strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}
