package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Load finds, reads and resolves the configuration. Its errors are of kind
// Config, or Invalid for a flag that is wrong, and hold no text of a value; all
// that is wrong is in one error.
//
// The file is --config, SKRET_CONFIG, or the nearest .skret.yaml from in.Dir
// upward, not above the repository's root and the user's home. One that was
// found so must belong to the user or to root. Without a file, --path or --file
// (or SKRET_PATH, SKRET_FILE) is enough.
//
// The file .skret.local.yaml beside it is laid over it: see overlay.
//
// The environment is -e, SKRET_ENV, default_env, or the only one. The values of
// the others are not judged, but for those of the environments that it extends. Those of sync.targets are, all of them.
//
// What a file names is within its folder: `file:` is relative, and leads out of
// there neither by .. nor by a link. --file and SKRET_FILE are the user's own
// words, relative to in.Dir, and may name any file. So may a target, which needs
// the user's consent then: that is not asked for here.
//
// allow_env is taken from the file, although whoever can change the file can
// then hand variables to a command by which it runs other code. A project's
// file is reviewed as its Makefile is; do not run skret in a folder whose
// Makefile you would not run.
func Load(in Input) (*Project, error) {
	r := newResolver(in)
	if info, err := os.Stat(in.Dir); err != nil || !info.IsDir() {
		return nil, errs.New(errs.Invalid, "folder %s: there is no such folder", in.Dir)
	}
	top, err := r.document()
	if err != nil {
		return nil, err
	}
	r.own()
	env := r.environment(top)
	for _, t := range []*value{top, env} {
		if t != nil {
			r.judge(t)
		}
	}
	if top == nil || env != nil || in.Flags.Alone { // else there is nothing to work on
		var bases []*value
		if env != nil {
			bases = r.bases(top.get("environments"), env)
		}
		r.place(env, bases)
		r.layers(env, bases)
		nearestFirst := append([]*value{env}, bases...)
		r.p.Rules = r.rules(append(nearestFirst, top)...)
		slices.Reverse(nearestFirst)
		r.p.AllowEnv = r.texts("allow_env", nearestFirst...)
		topFirst := append([]*value{top}, nearestFirst...)
		r.p.Required = r.texts("required", topFirst...)
		r.p.Exclude = r.texts("exclude", topFirst...)
		r.take("protected", r.file(env.get("protected")))
	}
	r.p.Cache = r.cache(env, top)
	r.p.Scan = r.scan(top)
	r.targets(top)
	if err := errors.Join(bounded(r.p.File, r.probs)...); err != nil {
		return nil, err
	}
	return r.p, nil
}

// User returns what needs no project: the user's own folder and identity, and
// what flags and variables say of who signs.
func User(in Input) (*Project, error) {
	r := newResolver(in)
	r.own()
	region := r.take("region", flag("--region", in.Flags.Region), r.variable("SKRET_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"))
	r.outside(region, checkRegion)
	r.p.Place.Region = region.text
	r.identity(nil, identityFlags(in.Flags))
	return r.p, errors.Join(r.probs...)
}

// resolver lays flags and variables over a file.
type resolver struct {
	in        Input
	p         *Project
	probs     []error
	elsewhere bool // the place is one that a flag or a variable names
}

func newResolver(in Input) *resolver {
	if in.Getenv == nil {
		in.Getenv = func(string) string { return "" }
	}
	return &resolver{in: in, p: &Project{Root: in.Dir, Origins: map[string]Origin{}, getenv: in.Getenv, Cache: Cache{Mode: CacheOff}}}
}

// getenv returns a variable, "" when it is blank.
func (r *resolver) getenv(name string) string {
	if v := r.in.Getenv(name); strings.TrimSpace(v) != "" {
		return v
	}
	return ""
}

// choice is a setting and where it came from; the zero choice is none.
type choice struct {
	text   string
	origin Origin
	at     pos // with origin file
}

func (c choice) given() bool { return c.text != "" }

// flag returns the choice that a flag is.
func flag(name, text string) choice {
	if strings.TrimSpace(text) == "" {
		return choice{}
	}
	return choice{text: text, origin: Origin{Kind: "flag", Name: name}}
}

// variable returns the choice that the first variable is that is set.
func (r *resolver) variable(names ...string) choice {
	for _, name := range names {
		if v := r.getenv(name); v != "" {
			return choice{text: v, origin: Origin{Kind: "variable", Name: name}}
		}
	}
	return choice{}
}

// where is variable for those that say where secrets are.
func (r *resolver) where(names ...string) choice {
	if r.in.Flags.Alone {
		return choice{}
	}
	return r.variable(names...)
}

// file returns the choice that stands in the file.
func (r *resolver) file(v *value) choice {
	if v == nil || strings.TrimSpace(v.text) == "" {
		return choice{}
	}
	return choice{text: v.text, origin: r.line(v), at: v.at}
}

func (r *resolver) line(v *value) Origin {
	return Origin{Kind: "file", Name: v.pos.file, Line: v.pos.line}
}

// take returns the first choice that is given and notes its origin.
func (r *resolver) take(name string, choices ...choice) choice {
	for _, c := range choices {
		if c.given() {
			r.p.Origins[name] = c.origin
			return c
		}
	}
	r.p.Origins[name] = Origin{Kind: "default"}
	return choice{}
}

// problem notes what is wrong with a choice, by its place and never by its text.
func (r *resolver) problem(c choice, hint, format string, args ...any) {
	kind, where := errs.Config, c.origin.Name
	switch c.origin.Kind {
	case "flag":
		kind = errs.Invalid
	case "file":
		r.problemAt(c.at, hint, format, args...)
		return
	}
	r.probs = append(r.probs, errs.New(kind, where+": "+format, args...).WithHint("%s", hint))
}

func (r *resolver) problemAt(at pos, hint, format string, args ...any) {
	p := parser{file: r.p.File}
	p.problem(at, hint, format, args...)
	r.probs = append(r.probs, p.probs...)
}

// document reads the file, if there is one, and notes its path.
func (r *resolver) document() (*value, error) {
	chosen := r.take("config", flag("--config", r.in.Flags.Config), r.variable("SKRET_CONFIG"))
	name := r.absolute(chosen.text)
	if name == "" {
		found, err := find(r.in.Dir, r.in.Home)
		if found == "" || err != nil {
			return nil, err
		}
		name = found
		r.p.Origins["config"] = Origin{Kind: "found"}
	}
	data, err := read(name, !chosen.given())
	if err != nil {
		return nil, err
	}
	r.p.File, r.p.Root = name, filepath.Dir(name)
	top, err := parse(name, data, false)
	if err := errors.Join(err, r.overlay(top)); err != nil {
		return nil, err
	}
	project := r.take("project", r.file(top.get("project")))
	r.p.Name = project.text
	return top, nil
}

// absolute makes a path that the user gave absolute: a relative one is relative
// to the folder that the command acts in.
func (r *resolver) absolute(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.in.Dir, name)
}

// own finds the user's own folder and identity. That there is no home is for
// whoever needs it to say.
func (r *resolver) own() {
	home := r.take("home", r.variable("SKRET_HOME"))
	switch {
	case home.given() && !filepath.IsAbs(home.text):
		r.problem(home, "write the full path", "this is not an absolute path")
	case home.given():
		r.p.Home = filepath.Clean(home.text)
	case filepath.IsAbs(r.in.Home):
		r.p.Home = filepath.Join(r.in.Home, ".skret")
	}
	r.p.Identity = r.take("identity", r.variable("SKRET_IDENTITY")).text
	r.p.IdentityFile = r.absolute(r.take("identity_file", r.variable("SKRET_IDENTITY_FILE")).text)
	if r.p.IdentityFile == "" && r.p.Home != "" {
		r.p.IdentityFile = filepath.Join(r.p.Home, "identity.txt")
	}
}

// environment chooses one of the file's and returns what stands in it; nil
// without a file or after a problem.
func (r *resolver) environment(top *value) *value {
	byFlag := flag("-e", r.in.Flags.Env)
	if top == nil {
		if byFlag.given() {
			r.problem(byFlag, "make one with skret init", "there is no %s to have environment %q", Name, byFlag.text)
		}
		return nil
	}
	all := top.get("environments")
	for _, e := range all.values {
		r.p.Envs = append(r.p.Envs, e.name)
		if e.get("protected").is("true") {
			r.p.protected = append(r.p.protected, e.name)
		}
	}
	slices.Sort(r.p.Envs)
	if r.in.Flags.Alone {
		return nil
	}
	chosen := r.take("env", byFlag, r.variable("SKRET_ENV"), r.file(top.get("default_env")))
	if env := all.get(chosen.text); env != nil {
		r.p.Env = env.name
		return env
	}
	switch {
	case chosen.origin.Kind == "file":
		r.problem(chosen, r.meant(chosen.text), "default_env is not the name of an environment")
	case chosen.given():
		r.problem(chosen, r.meant(chosen.text), "%s has no environment %q", r.p.File, chosen.text)
	case len(all.values) == 1:
		env := all.values[0]
		r.p.Env = env.name
		r.p.Origins["env"] = r.line(env)
		return env
	default:
		r.problemAt(all.pos, "choose one of "+strings.Join(r.p.Envs, ", ")+" with -e, or name it in default_env",
			"there are several environments, and none is chosen")
	}
	return nil
}
