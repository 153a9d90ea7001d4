package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// layers shows the places of a project, the nearest last.
func layers(p *Project) string {
	var all []string
	for _, l := range p.Layers {
		s := p.Of(l).Describe()
		for _, more := range []string{l.Place.Profile, l.Place.Auth, l.Place.Account} {
			if more != "" {
				s += " " + more
			}
		}
		all = append(all, s)
	}
	return strings.Join(all, " < ")
}

const chain = `version: "1"
required: [TOP]
schema:
  A: {type: int}
  TOP: {}
environments:
  base:
    provider: aws
    path: /shop/base
    region: eu-west-1
    profile: deploy
    account: "111111111111"
    required: [BASE]
    exclude: [OLD_*]
    allow_env: [PATH]
    protected: true
    keys: [A, B]
    schema: {A: {type: port}, B: {}}
  prod:
    provider: aws
    paths: [/shop/common, /shop/prod]
    extends: base
    required: [PROD]
    schema: {A: {type: url}}
  dev: {provider: local, extends: prod, cache: {mode: prefer, ttl: 1h30m}}
cache: {mode: fallback, max_age: 2d}
scan: {min_length: 12, allow: [A], skip: [testdata/*]}
`

func TestLayers(t *testing.T) {
	in := project(t, chain)
	for _, c := range []struct {
		flags     Flags
		variables []string
		want      string
	}{
		{Flags{Env: "base"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111"},
		{Flags{Env: "prod"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common) < prod (/shop/prod)"},
		{Flags{Env: "dev"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common) < prod (/shop/prod) < dev (.skret.secrets.yaml)"},

		// What names a place names it alone.
		{Flags{Env: "prod", Path: "/x"}, nil, "prod (/x)"},
		{Flags{Env: "prod"}, []string{"SKRET_PATH=/x"}, "prod (/x)"},
		{Flags{Env: "dev", File: "x"}, nil, "dev (x)"},
		{Flags{Env: "prod", Provider: "local"}, nil, "prod (.skret.secrets.yaml)"},
		{Flags{Env: "prod", Provider: "aws"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common) < prod (/shop/prod)"},

		// Who signs: for the environment, and where what it extends leaves that open.
		{Flags{Env: "prod", Auth: "me", Region: "us-east-1"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common in us-east-1) me < prod (/shop/prod in us-east-1) me"},
		{Flags{Env: "dev", Profile: "me"}, nil, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common) me < prod (/shop/prod) me < dev (.skret.secrets.yaml)"},
		{Flags{Env: "prod"}, []string{"SKRET_REGION=us-east-1", "SKRET_PROFILE=me"}, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common in us-east-1) me < prod (/shop/prod in us-east-1) me"},
		{Flags{Env: "prod"}, []string{"AWS_REGION=us-east-1"}, "base (/shop/base in us-east-1) deploy 111111111111 < prod (/shop/common in us-east-1) < prod (/shop/prod in us-east-1)"},
	} {
		in.Flags, in.Getenv = c.flags, environ(c.variables...)
		p := load(t, in)
		if got := layers(p); got != c.want {
			t.Errorf("%+v %q:\ngot  %s\nwant %s", c.flags, c.variables, got, c.want)
		}
		if last := p.Layers[len(p.Layers)-1].Place; last.File != p.Place.File || last.Path != p.Place.Path {
			t.Errorf("%+v: the place is %+v", c.flags, p.Place)
		}
	}
	in.Flags, in.Getenv = Flags{Env: "prod", Account: "222222222222"}, environ()
	if got := layers(load(t, in)); !strings.Contains(got, "base (/shop/base in eu-west-1) deploy 111111111111 < prod (/shop/common) 2222") {
		t.Error(got)
	}
	in.Flags = Flags{Env: "dev", Path: "/x"}
	refused(t, in, errs.Invalid)
}

func TestWhatIsInherited(t *testing.T) {
	in := project(t, chain)
	in.Flags.Env = "dev"
	p := load(t, in)
	if !slices.Equal(p.Required, []string{"TOP", "BASE", "PROD"}) || !slices.Equal(p.Exclude, []string{"OLD_*"}) || !slices.Equal(p.AllowEnv, []string{"PATH"}) {
		t.Errorf("%q %q %q", p.Required, p.Exclude, p.AllowEnv)
	}
	if p.Protected("dev") || !p.Protected("base") || len(p.Place.Keys) > 0 || !slices.Equal(p.Layers[0].Place.Keys, []string{"A", "B"}) {
		t.Errorf("%+v", p)
	}
	rule := secret.FindRule(p.Rules)
	if len(p.Rules) != 5 || rule("A").Type != "url" || rule("B").Name != "B" || rule("C").Name != "" || rule("A").Where != p.File+":24" {
		t.Errorf("%+v", p.Rules)
	}
	if p.Cache != (Cache{CachePrefer, 90 * time.Minute, 48 * time.Hour}) || p.Scan.MinLength != 12 || !slices.Equal(p.Scan.Skip, []string{"testdata/*"}) {
		t.Errorf("%+v %+v", p.Cache, p.Scan)
	}
	if got := p.Origins["required"].String(); got != p.File+":2 and 13 and 23" {
		t.Error(got)
	}
	if l := p.Of(p.Layers[0]); l.Env != "base" || l.Origins["profile"].Line != 11 || len(l.Layers) != 1 {
		t.Errorf("%+v", l)
	}
	in.Flags.Env = "base"
	if p := load(t, in); p.Cache != (Cache{CacheFallback, 10 * time.Minute, 48 * time.Hour}) {
		t.Errorf("%+v", p.Cache)
	}
}

func TestRules(t *testing.T) {
	p := load(t, project(t, `version: "1"
environments: {dev: {provider: local}}
schema:
  DATABASE_URL: {type: url, required: true, description: "the base", expand: true}
  tls/key: {type: pem, as: file}
  PORT: {type: port, default: "8080"}
  EMPTY: {default: ""}
  SESSION_KEY: {generate: "hex:32", min_length: 32}
  MODE: {type: enum, values: [a, b]}
  CODE: {type: regex, pattern: "[A-Z]{3}"}
  ANY: {}
`))
	at := func(line int) string { return fmt.Sprintf("%s:%d", p.File, line) }
	want := []secret.Rule{
		{Name: "DATABASE_URL", Type: "url", Required: true, Description: "the base", Expand: true, Where: at(4)},
		{Name: "tls/key", Type: "pem", File: true, Where: at(5)},
		{Name: "PORT", Type: "port", Default: "8080", HasDefault: true, Where: at(6)},
		{Name: "EMPTY", HasDefault: true, Where: at(7)},
		{Name: "SESSION_KEY", Generate: "hex:32", MinLength: 32, Where: at(8)},
		{Name: "MODE", Type: "enum", Values: []string{"a", "b"}, Where: at(9)},
		{Name: "CODE", Type: "regex", Pattern: "[A-Z]{3}", Where: at(10)},
		{Name: "ANY", Where: at(11)},
	}
	if got, want := fmt.Sprintf("%+v", p.Rules), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p.Cache != (Cache{CacheOff, 10 * time.Minute, 7 * 24 * time.Hour}) {
		t.Errorf("%+v", p.Cache)
	}
}

// TestOverlay: what is the user's own wins, key by key, and is said to be from there.
func TestOverlay(t *testing.T) {
	in := project(t, `version: "1"
default_env: prod
required: [A, B]
schema:
  PORT: {type: port, default: "1"}
  MODE: {type: enum, values: [a]}
  KEY: {default: x}
environments:
  prod: {provider: aws, path: /shop, region: eu-west-1, auth: deploy, exclude: [X]}
  many: {provider: aws, paths: [/a, /b]}
`)
	over := write(t, `default_env: mine
required: [C]
schema:
  PORT: {default: "2"}
  MODE: {type: int}
  KEY: {required: true}
environments:
  prod: {region: us-east-1, profile: me}
  many: {path: /c}
  mine: {provider: local, extends: prod}
`, in.Dir, OverlayName)
	p := load(t, in)
	if p.Overlay != over || p.Env != "mine" || !slices.Equal(p.Envs, []string{"many", "mine", "prod"}) || !slices.Equal(p.Required, []string{"C"}) {
		t.Errorf("%+v", p)
	}
	if got := layers(p); got != "prod (/shop in us-east-1) me < mine (.skret.secrets.yaml)" {
		t.Error(got)
	}
	if r := p.Rules; r[0].Type != "port" || r[0].Default != "2" || r[1].Type != "int" || r[1].Values != nil || !r[2].Required && r[2].HasDefault {
		t.Errorf("%+v", r)
	}
	in.Flags.Env = "prod"
	p = load(t, in)
	for name, want := range map[string]string{"path": p.File + ":9", "region": over + ":8", "profile": over + ":8", "required": over + ":2", "exclude": p.File + ":9"} {
		if got := p.Origins[name].String(); got != want {
			t.Errorf("%s is from %s, want %s", name, got, want)
		}
	}
	in.Flags.Env = "many"
	if got := layers(load(t, in)); got != "many (/c)" {
		t.Error(got)
	}

	// Another provider leaves what went with the one of before behind.
	write(t, "environments: {prod: {provider: local}}", in.Dir, OverlayName)
	in.Flags.Env = "prod"
	if got := layers(load(t, in)); got != "prod (.skret.secrets.yaml)" {
		t.Error(got)
	}

	// It may be empty; a configuration of another name has none.
	write(t, "# nothing\n", in.Dir, OverlayName)
	load(t, in)
	write(t, "environments: [", in.Dir, OverlayName)
	in.Flags.Config = write(t, good, in.Dir, "other.yaml")
	if p := load(t, in); p.Overlay != "" {
		t.Error(p.Overlay)
	}
	in.Flags.Config = filepath.Join(in.Dir, Name)
	refused(t, in, errs.Config)
}

func TestOverlayIsReadAsStrictly(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"environments: {dev: {file: /etc/" + marker + "}}", ":1:28: file: a file of the project is meant"},
		{"environments: {dev: {regoin: " + marker + "}}", `:1:22: unknown key "regoin"`},
		{"environments: {dev: {extends: dve}}", ":1:31: extends is not the name of an environment | did you mean dev?"},
		{"version: \"2\"", ":1:10: this version of the configuration is not known"},
		{"environments: {new: {file: x}}\ndefault_env: new", ":1:16: environment new has no provider"},
		{"*" + marker, ":1:1: aliases are not allowed"},
		{"- " + marker, ":1:1: the configuration must be keys with values"},
		{"environments: {dev: {file: \"" + marker, ":1:28: a text in quotes begins here"},
	} {
		in := project(t, good)
		write(t, c.text, in.Dir, OverlayName)
		got := refused(t, in, errs.Config)
		if !strings.Contains(got, OverlayName+c.want) || strings.Contains(got, marker) {
			t.Errorf("%s: %s", c.text, got)
		}
	}
}

func TestLayersAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: \"1\"\ndefault_env: e0\nenvironments:\n")
	for i := range 40 {
		fmt.Fprintf(&b, "  e%d: {provider: local, file: f%d, extends: e%d}\n", i, i, i+1)
	}
	b.WriteString("  e40: {provider: local}\n")
	if got := refused(t, project(t, b.String()), errs.Config); !strings.Contains(got, "15 is the limit") {
		t.Error(got)
	}
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{"90s": 90 * time.Second, "10m": 10 * time.Minute, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0} {
		if d, ok := parseDuration(s); !ok || d != want {
			t.Errorf("%s: %v %v", s, d, ok)
		}
	}
	for _, s := range []string{"", "10", "m", "1.5h", "-1h", "1h ", "10ms", "1w", "9999999s", "1s1s1s1s1s", "1hm"} {
		if d, ok := parseDuration(s); ok {
			t.Errorf("%s: %v", s, d)
		}
	}
}

func TestTargetsOfTheOverlaySayWhereTheyAre(t *testing.T) {
	in := project(t, good+"sync: {targets: [{type: github, repository: a/b}]}\n")
	if got := load(t, in).Targets; len(got) != 1 || got[0].Line != "23" {
		t.Errorf("%+v", got)
	}
	write(t, "sync:\n  targets:\n    - {type: github, repository: a/c}\n", in.Dir, OverlayName)
	if got := load(t, in).Targets; len(got) != 1 || got[0].Line != "3 of .skret.local.yaml" || got[0].Fields["repository"] != "a/c" {
		t.Errorf("%+v", got)
	}
}
