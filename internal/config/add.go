package config

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
)

// Addition is an environment that is to be written into a configuration.
type Addition struct {
	File    string // the configuration, absolute
	Env     string
	Place   Place // File is relative to the configuration, or "" for the usual one
	Project string
	Default bool // make it the default even if there are others; after Apply: whether it is
}

// NewAddition makes an addition of the flags and the SKRET_* variables: those
// that say where an environment's secrets are, and --config for the file, which
// is otherwise the .skret.yaml of in.Dir. The environment's name is -e, or the
// last segment of the path, or "dev". AWS_* variables are not written down.
func NewAddition(in Input) (*Addition, error) {
	r := newResolver(in)
	name := cmp.Or(flag("--config", in.Flags.Config), r.variable("SKRET_CONFIG")).text
	a := &Addition{File: r.absolute(cmp.Or(name, Name))}
	r.p.Root = filepath.Dir(a.File)
	if !cmp.Or(flag("", in.Flags.Provider), flag("", in.Flags.Path), flag("", in.Flags.File), r.variable("SKRET_PROVIDER", "SKRET_PATH", "SKRET_FILE")).given() {
		return nil, errs.New(errs.Invalid, "where are the secrets to be?").
			WithHint("in an encrypted file: skret init --provider local; in AWS: skret init --provider aws --path /myapp/prod --region us-east-1")
	}
	r.place(nil, nil)
	a.Place = r.p.Place
	if strings.HasPrefix(r.p.Origins["region"].Name, "AWS_") {
		a.Place.Region = ""
	}
	if strings.HasPrefix(r.p.Origins["profile"].Name, "AWS_") {
		a.Place.Profile = ""
	}
	if o := r.p.Origins["file"]; o.Kind == "default" {
		a.Place.File = ""
	} else if a.Place.Provider == ProviderLocal {
		rel, err := filepath.Rel(r.p.Root, a.Place.File)
		if err != nil || checkFile(rel) != "" {
			r.problem(choice{origin: o}, "a file elsewhere cannot be written into a configuration; pass --file with each command",
				"the file is not in %s or below", r.p.Root)
		}
		a.Place.File = filepath.ToSlash(rel)
	}
	env := cmp.Or(flag("-e", in.Flags.Env), r.variable("SKRET_ENV"))
	r.outside(env, checkEnv)
	a.Env = env.text
	if last := path.Base(a.Place.Path); a.Env == "" && a.Place.Path != "" && checkEnv(last) == "" {
		a.Env = last
	}
	a.Env = cmp.Or(a.Env, "dev")
	if base := filepath.Base(r.p.Root); checkEnv(base) == "" {
		a.Project = base
	}
	return a, errors.Join(r.probs...)
}

// Apply returns the text of the configuration with the environment in it. What
// was there stays as it is, byte for byte. The result has been read again and
// says what it should. An environment of that name that is there already is an
// error of kind Conflict.
func (a *Addition) Apply(old []byte) ([]byte, error) {
	text, before := "", (*value)(nil)
	if len(bytes.TrimSpace(old)) == 0 {
		text = a.fresh()
	} else {
		var err error
		if before, err = parse(a.File, old, false); err != nil {
			return nil, err
		}
		if text, err = a.insert(string(old), before); err != nil {
			return nil, err
		}
	}
	after, err := parse(a.File, []byte(text), false)
	if err != nil || !a.in(after) || !kept(before, after) {
		return nil, errs.New(errs.Conflict, "the environment cannot be added to %s without touching the rest", a.File).
			WithHint("add it by hand; it is\n%s", strings.Join(a.lines("", "  ", "\n"), ""))
	}
	a.Default = len(after.get("environments").values) == 1 || after.get("default_env").is(a.Env)
	return []byte(text), nil
}

// fresh is the text of a new configuration.
func (a *Addition) fresh() string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + SchemaURL + "\nversion: \"1\"\n")
	if a.Project != "" {
		b.WriteString("project: " + scalar(a.Project) + "\n")
	}
	b.WriteString("default_env: " + scalar(a.Env) + "\nenvironments:\n")
	for _, l := range a.lines("  ", "  ", "\n") {
		b.WriteString(l)
	}
	return b.String()
}

// settings are the keys and values of the environment, as they are written.
func (a *Addition) settings() [][2]string {
	all := [][2]string{{"provider", a.Place.Provider}}
	if a.Place.Provider == ProviderLocal {
		return append(all, [2]string{"file", cmp.Or(a.Place.File, StandardFile)})
	}
	for _, s := range [][2]string{{"path", a.Place.Path}, {"region", a.Place.Region}, {"profile", a.Place.Profile}} {
		if s[1] != "" {
			all = append(all, s)
		}
	}
	return all
}

func (a *Addition) lines(indent, step, end string) []string {
	all := []string{indent + scalar(a.Env) + ":" + end}
	for _, s := range a.settings() {
		all = append(all, indent+step+s[0]+": "+scalar(s[1])+end)
	}
	return all
}

// in tells whether the configuration has the environment as it should be.
func (a *Addition) in(top *value) bool {
	env := top.get("environments").get(a.Env)
	return env != nil && !slices.ContainsFunc(a.settings(), func(s [2]string) bool {
		return !env.get(s[0]).is(s[1])
	})
}

// kept tells whether all that was in before is in after; the default may change.
func kept(before, after *value) bool {
	if before == nil {
		return true
	}
	if after == nil || before.text != after.text && before.name != "default_env" || len(before.items) != len(after.items) {
		return false
	}
	for i := range before.items {
		if before.items[i].text != after.items[i].text {
			return false
		}
	}
	if before.key.kind == tables {
		return slices.EqualFunc(before.values, after.values, kept)
	}
	return !slices.ContainsFunc(before.values, func(v *value) bool { return !kept(v, after.get(v.name)) })
}

// edit puts text in place of the bytes from at to end.
type edit struct {
	at, end int
	text    string
}

// insert adds the environment behind the last one. Where the only environment
// was the default without a word, it is named, so that it still is.
func (a *Addition) insert(text string, top *value) (string, error) {
	envs := top.get("environments")
	if envs.get(a.Env) != nil {
		return "", errs.New(errs.Conflict, "environment %s is in %s already", a.Env, a.File).
			WithHint("name another with -e NAME, or change this one in the file")
	}
	if a.Place.Provider == ProviderLocal && a.Place.File == "" && slices.ContainsFunc(envs.values, usesStandardFile) {
		a.Place.File = ".skret.secrets." + a.Env + ".yaml"
	}
	end := "\n"
	if first, _, _ := strings.Cut(text, "\n"); strings.HasSuffix(first, "\r") {
		end = "\r\n"
	}
	first := envs.values[0]
	step := "  "
	if n := first.at.column - first.pos.column; n > 0 && first.at.line > first.pos.line {
		step = strings.Repeat(" ", n)
	}
	at := lastLine(text, top, envs)
	added := strings.Join(a.lines(strings.Repeat(" ", first.pos.column-1), step, end), "")
	if at > 0 && text[at-1] != '\n' {
		added = end + added
	}
	edits := []edit{{at, at, added}}

	old, name := top.get("default_env"), a.Env
	if !a.Default && len(envs.values) == 1 {
		name = first.name
	}
	switch {
	case old != nil && a.Default:
		start := offset(text, old.at)
		for _, q := range []string{"", `"`, "'"} {
			if w := q + old.text + q; strings.HasPrefix(text[start:], w) {
				edits = append(edits, edit{start, start + len(w), scalar(name)})
				break
			}
		}
	case old == nil && (a.Default || len(envs.values) == 1):
		line := offset(text, pos{line: top.get("version").at.line + 1, column: 1})
		edits = append(edits, edit{line, line, "default_env: " + scalar(name) + end})
	}
	slices.SortFunc(edits, func(x, y edit) int { return y.at - x.at })
	for _, e := range edits {
		text = text[:e.at] + e.text + text[e.end:]
	}
	return text, nil
}

func usesStandardFile(env *value) bool {
	if p := env.get("provider"); p == nil || p.text != ProviderLocal {
		return false
	}
	f := env.get("file")
	return f == nil || path.Clean(f.text) == StandardFile
}

// lastLine returns where the line behind the last environment begins. Blank
// lines, and comments that stand further left than environments do, belong to
// what follows.
func lastLine(text string, top, envs *value) int {
	last := envs.values[len(envs.values)-1]
	end := len(text)
	for _, v := range top.values {
		if v.pos.line > last.pos.line {
			end = min(end, offset(text, pos{line: v.pos.line, column: 1}))
		}
	}
	begin := offset(text, pos{line: last.pos.line + 1, column: 1})
	for end > begin {
		start := strings.LastIndexByte(text[:end-1], '\n') + 1
		line := text[start:end]
		body := strings.TrimLeft(line, " \t")
		ours := strings.HasPrefix(body, "#") && len(line)-len(body) >= last.pos.column-1
		if ours || strings.TrimSpace(body) != "" && body[0] != '#' && !strings.HasPrefix(line, "...") {
			break
		}
		end = start
	}
	return end
}

// offset returns where in text a place is, in bytes; its end for one behind it.
func offset(text string, at pos) int {
	rest := text
	for range at.line - 1 {
		_, after, ok := strings.Cut(rest, "\n")
		if !ok {
			return len(text)
		}
		rest = after
	}
	for range at.column - 1 {
		_, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
	}
	return len(text) - len(rest)
}

// scalar writes s so that YAML reads it as this text: in quotes where it could
// be anything else.
func scalar(s string) string {
	plain := s != "" && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"}, strings.ToLower(s))
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '/' || c == '.'
		plain = plain && (letter || i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-'))
	}
	if plain && !strings.HasPrefix(s, "...") && (s[0] != '.' || len(s) > 1 && (s[1] < '0' || s[1] > '9')) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
