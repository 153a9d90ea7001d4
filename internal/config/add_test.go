package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestAddsWithoutTouchingTheRest(t *testing.T) {
	aws := Addition{Env: "prod", Place: Place{Provider: ProviderAWS, Path: "/shop/prod", Region: "eu-west-1"}}
	const block = "  prod:\n    provider: aws\n    path: /shop/prod\n    region: eu-west-1\n"
	for name, c := range map[string]struct {
		add       Addition
		old, want string
	}{
		"new": {aws, "", "# yaml-language-server: $schema=" + SchemaURL + "\nversion: \"1\"\ndefault_env: prod\nenvironments:\n" + block},
		"new, local": {Addition{Env: "dev", Project: "shop", Place: Place{Provider: ProviderLocal}}, "\n",
			"# yaml-language-server: $schema=" + SchemaURL + "\nversion: \"1\"\nproject: shop\ndefault_env: dev\nenvironments:\n  dev:\n    provider: local\n    file: .skret.secrets.yaml\n"},
		"names that YAML takes for something else": {Addition{Env: "2024", Project: "on", Place: Place{Provider: ProviderAWS, Path: "/", Profile: "it's: #1"}}, "",
			"# yaml-language-server: $schema=" + SchemaURL + "\nversion: \"1\"\nproject: 'on'\ndefault_env: '2024'\nenvironments:\n  '2024':\n    provider: aws\n    path: /\n    profile: 'it''s: #1'\n"},
		"the only one stays the default": {aws,
			"# ours\nversion: \"1\" # really\nenvironments:\n  dev: {provider: local}\n",
			"# ours\nversion: \"1\" # really\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n" + block},
		"the default stays": {aws,
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n",
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n" + block},
		"a new default": {with(aws, func(a *Addition) { a.Default = true }),
			"version: \"1\"\ndefault_env:   'dev'  # for now\nenvironments:\n  dev: {provider: local}\n",
			"version: \"1\"\ndefault_env:   prod  # for now\nenvironments:\n  dev: {provider: local}\n" + block},
		"a first default": {with(aws, func(a *Addition) { a.Default = true }),
			"version: \"1\"\nenvironments:\n  dev: {provider: local}\n",
			"version: \"1\"\ndefault_env: prod\nenvironments:\n  dev: {provider: local}\n" + block},
		"no default among several": {aws,
			"version: \"1\"\nenvironments:\n  a: {provider: local}\n  b: {provider: local, file: b}\n",
			"version: \"1\"\nenvironments:\n  a: {provider: local}\n  b: {provider: local, file: b}\n" + block},
		"between other keys, with comments": {aws,
			"version: \"1\"\ndefault_env: dev\n\nenvironments:\n  # the first\n  dev:\n    provider: local # sealed\n  # after it\n\n# what must be there\nrequired: [A]\n",
			"version: \"1\"\ndefault_env: dev\n\nenvironments:\n  # the first\n  dev:\n    provider: local # sealed\n  # after it\n" + block + "\n# what must be there\nrequired: [A]\n"},
		"before targets": {aws,
			strings.Replace(targets("{type: file, file: a}", "{type: file, file: b}"), "prod: {", "other: {", 1),
			strings.Replace(strings.Replace(targets("{type: file, file: a}", "{type: file, file: b}"), "prod: {", "other: {", 1), "sync:", block+"sync:", 1)},
		"no newline at the end": {aws,
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}",
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n" + block},
		"end of the document": {aws,
			"---\nversion: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n...\n",
			"---\nversion: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n" + block + "...\n"},
		"other indentation": {aws,
			"version: \"1\"\ndefault_env: dev\nenvironments:\n    dev:\n        provider: local\n",
			"version: \"1\"\ndefault_env: dev\nenvironments:\n    dev:\n        provider: local\n    prod:\n        provider: aws\n        path: /shop/prod\n        region: eu-west-1\n"},
		"lines of Windows": {aws,
			"version: \"1\"\r\nenvironments:\r\n  dev: {provider: local}\r\n",
			strings.ReplaceAll("version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n"+block, "\n", "\r\n")},
		"a folded text at the end": {aws,
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev:\n    provider: local\n    file: |-\n      s.yaml\n\n",
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev:\n    provider: local\n    file: |-\n      s.yaml\n" + block + "\n"},
		"a second local one has its own file": {Addition{Env: "test", Place: Place{Provider: ProviderLocal}},
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n",
			"version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n  test:\n    provider: local\n    file: .skret.secrets.test.yaml\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.add
			a.File = filepath.Join(t.TempDir(), Name)
			got, err := a.Apply([]byte(c.old))
			if err != nil {
				t.Fatal(said(err))
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			write(t, string(got), a.File)
			p := load(t, Input{Dir: filepath.Dir(a.File), Flags: Flags{Env: a.Env}})
			if p.Place.Path != a.Place.Path || p.Place.Region != a.Place.Region || p.Place.Profile != a.Place.Profile {
				t.Errorf("%+v", p.Place)
			}
		})
	}
}

func with(a Addition, change func(*Addition)) Addition {
	change(&a)
	return a
}

func TestAddRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		env, old string
		kind     errs.Kind
		want     string
	}{
		"a name that is there":  {"dev", good, errs.Conflict, "environment dev is in "},
		"braces":                {"x", "version: \"1\"\nenvironments: {dev: {provider: local}}\n", errs.Conflict, "add it by hand; it is\nx:\n  provider: aws\n  path: /x"},
		"braces around it all":  {"x", `{version: "1", environments: {dev: {provider: local}}}`, errs.Conflict, "cannot be added"},
		"a configuration wrong": {"x", "version: \"1\"\nenvironments:\n  dev: {provider: local, fil: " + marker + "}\n", errs.Config, `:3:26: unknown key "fil"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Addition{File: "/p/.skret.yaml", Env: c.env, Place: Place{Provider: ProviderAWS, Path: "/x"}}
			_, err := a.Apply([]byte(c.old))
			if errs.KindOf(err) != c.kind || !strings.Contains(said(err), c.want) || strings.Contains(said(err), marker) {
				t.Errorf("%v: %s", errs.KindOf(err), said(err))
			}
		})
	}
}

func TestNewAddition(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	for name, c := range map[string]struct {
		flags     Flags
		variables []string
		env       string
		place     Place
		problem   string
	}{
		"name from the path":         {Flags{Path: "/shop/prod/"}, nil, "prod", Place{Provider: "aws", Path: "/shop/prod"}, ""},
		"name from the flag":         {Flags{Path: "/shop/prod", Env: "live"}, nil, "live", Place{Provider: "aws", Path: "/shop/prod"}, ""},
		"name from the variable":     {Flags{Provider: "local"}, []string{"SKRET_ENV=ci"}, "ci", Place{Provider: "local"}, ""},
		"root":                       {Flags{Path: "/"}, nil, "dev", Place{Provider: "aws", Path: "/"}, ""},
		"local":                      {Flags{Provider: "local"}, nil, "dev", Place{Provider: "local"}, ""},
		"local file":                 {Flags{File: "x/../s.yaml"}, nil, "dev", Place{Provider: "local", File: "s.yaml"}, ""},
		"AWS variables stay outside": {Flags{Path: "/a"}, []string{"AWS_REGION=eu-west-1", "AWS_PROFILE=me"}, "a", Place{Provider: "aws", Path: "/a"}, ""},
		"our variables count":        {Flags{}, []string{"SKRET_PATH=/a", "SKRET_REGION=eu-west-1"}, "a", Place{Provider: "aws", Path: "/a", Region: "eu-west-1"}, ""},
		"nothing":                    {Flags{}, nil, "", Place{}, "where are the secrets to be?"},
		"no path":                    {Flags{Provider: "aws"}, nil, "", Place{}, "--provider: provider aws needs a path"},
		"region":                     {Flags{Path: "/a", Region: "x"}, nil, "", Place{}, "--region: this does not look like"},
		"name":                       {Flags{Path: "/a", Env: "a/b"}, nil, "", Place{}, "-e: the name of an environment"},
		"file outside":               {Flags{File: "../s.yaml"}, nil, "", Place{}, "--file: the file is not in " + dir + " or below"},
		"contradiction":              {Flags{Provider: "local", Path: "/a"}, nil, "", Place{}, "--path: this does not go with provider local"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := NewAddition(Input{Dir: dir, Flags: c.flags, Getenv: environ(c.variables...)})
			if c.problem != "" {
				if err == nil || errs.KindOf(err) != errs.Invalid || !strings.Contains(said(err), c.problem) {
					t.Errorf("%v: %v", errs.KindOf(err), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := a.Place
			if a.Env != c.env || a.Project != "shop" || a.File != filepath.Join(dir, Name) || got.Provider != c.place.Provider ||
				got.Path != c.place.Path || got.Region != c.place.Region || got.Profile != c.place.Profile || got.File != c.place.File {
				t.Errorf("%+v", a)
			}
		})
	}
}
