package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Target is a place that an environment's secrets are written to: one of
// sync.targets. That it can be reached, takes what is sent there, and has the
// user's consent where it needs that, is not known.
type Target struct {
	Type string // one of TargetGitHub ...
	Env  string // whose secrets; "" is the chosen environment

	// Fields are the texts that say where and how, by their keys, and "true" for
	// each boolean that is. A file is absolute, a path of AWS is cleaned.
	Fields map[string]string
	Lists  map[string][]string // repositories, variables, recipients

	Only, Except       []string // patterns
	NoOverwrite, Prune bool

	Line string // of the file, perhaps with " of .skret.local.yaml"
}

// targets reads sync.targets. Those of one type may be several; one that is
// there twice is a problem, since each would prune what the other wrote.
func (r *resolver) targets(top *value) {
	seen := map[string]int{}
	for _, v := range top.get("sync").get("targets").all() {
		before := len(r.probs)
		r.judge(v)
		t := r.target(v)
		r.together(v, t)
		r.p.Targets = append(r.p.Targets, t)
		if len(r.probs) > before || v.word == "" {
			continue
		}
		id := v.identity()
		if line, twice := seen[id]; twice {
			r.problemAt(v.at, "make one of the two; what goes there is chosen by only and except", "%s is there already, in line %d", v.title(), line)
			continue
		}
		seen[id] = v.at.line
	}
}

// together checks what the keys of a target say together with others.
func (r *resolver) together(v *value, t Target) {
	if env := r.file(v.get("env")); env.given() && checkEnv(env.text) == "" {
		if _, ok := slices.BinarySearch(r.p.Envs, env.text); !ok {
			r.problem(env, r.meant(env.text), "env is not the name of an environment")
		}
	}
	if file := v.get("file"); file != nil && file.key.fits(v.word) && t.Fields["file"] == filepath.Clean(r.p.File) {
		r.problemAt(file.at, "", "file is the configuration itself")
	}
	if auth := v.get("auth"); auth != nil && auth.key.fits(v.word) && t.Fields["auth"] != "" && t.Fields["profile"] != "" {
		r.problemAt(auth.pos, "take one of them out", "auth does not go with profile: a sign-in of skret's and a profile of AWS are two identities")
	}
}

// target makes a Target of a table.
func (r *resolver) target(v *value) Target {
	t := Target{Type: v.word, Fields: map[string]string{}, Lists: map[string][]string{}, Line: strconv.Itoa(v.at.line)}
	if v.at.file != r.p.File {
		t.Line += " of " + OverlayName
	}
	for _, c := range v.values {
		var texts []string
		for _, it := range c.items {
			texts = append(texts, it.text)
		}
		switch {
		case c.name == "type":
		case c.name == "env":
			t.Env = strings.TrimSpace(c.text)
		case c.name == "only":
			t.Only = texts
		case c.name == "except":
			t.Except = texts
		case c.name == "no_overwrite":
			t.NoOverwrite = c.is("true")
		case c.name == "prune":
			t.Prune = c.is("true")
		case c.key.kind == list:
			t.Lists[c.name] = texts
		case c.key.kind == boolean && !c.is("true") || strings.TrimSpace(c.text) == "":
		case c.name == "file":
			name := filepath.FromSlash(c.text)
			if !filepath.IsAbs(name) {
				name = filepath.Join(r.p.Root, name)
			}
			t.Fields["file"] = filepath.Clean(name)
		case c.name == "path":
			t.Fields["path"] = cleanPath(c.text)
		default:
			t.Fields[c.name] = c.text
		}
	}
	return t
}

// identity returns what tells a target from others of its type.
func (v *value) identity() string {
	parts := []string{v.word}
	for _, k := range v.key.keys {
		if k.same == nil || !k.fits(v.word) {
			continue
		}
		text := k.standard
		if c := v.get(k.name); c != nil {
			text = cmp.Or(strings.TrimSpace(c.text), text)
		}
		parts = append(parts, k.same(text))
	}
	return fmt.Sprintf("%q", parts)
}

// meant hints at the environments that there are.
func (r *resolver) meant(name string) string {
	if len(r.probs) > maxProblems { // it would not be said, and names are slow to compare
		return ""
	}
	hint := "the environments are " + strings.Join(r.p.Envs, ", ")
	if near := secret.Nearest(name, r.p.Envs); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}

// Protected tells whether an environment is one that secrets are not copied into
// before its name was typed. Any environment of the file can be asked for.
func (p *Project) Protected(env string) bool { return slices.Contains(p.protected, env) }

// bounded returns maxProblems of the problems, and how many more there are.
func bounded(file string, probs []error) []error {
	if more := len(probs) - maxProblems; more > 0 {
		probs = append(probs[:maxProblems:maxProblems], errs.New(errs.Config, "%s: %d more problems", file, more))
	}
	return probs
}
