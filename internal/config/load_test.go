package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestLoadsEverySetting(t *testing.T) {
	in := project(t, good)
	p := load(t, in)
	if p.Name != "shop" || p.Env != "dev" || p.Root != in.Dir || !slices.Equal(p.Envs, []string{"dev", "prod"}) {
		t.Errorf("%+v", p)
	}
	if p.Place.Provider != ProviderLocal || p.Place.File != filepath.Join(in.Dir, "dev.yaml") || !slices.Equal(p.Place.Recipients, []string{"age1qqqq"}) {
		t.Errorf("%+v", p.Place)
	}
	if !slices.Equal(p.Required, []string{"DATABASE_URL", "DEBUG_KEY"}) || !slices.Equal(p.Exclude, []string{"OLD_*"}) {
		t.Errorf("required %q, exclude %q", p.Required, p.Exclude)
	}
	in.Flags.Env = "prod"
	p = load(t, in)
	want := Place{Provider: ProviderAWS, Path: "/shop/prod", Region: "eu-west-1", Profile: "deploy", KMSKeyID: "alias/shop", Tier: "advanced", Keys: []string{"DATABASE_URL", "db/password"}}
	got := p.Place
	if !slices.Equal(got.Keys, want.Keys) {
		t.Errorf("keys %q", got.Keys)
	}
	if got.Keys, want.Keys = nil, nil; got.Path != want.Path || got.Region != want.Region || got.Profile != want.Profile ||
		got.ProfileExplicit || got.KMSKeyID != want.KMSKeyID || got.Tier != want.Tier || got.File != "" {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(p.AllowEnv, []string{"NODE_OPTIONS"}) || !slices.Equal(p.Exclude, []string{"OLD_*", "TMP_*"}) {
		t.Errorf("allow_env %q, exclude %q", p.AllowEnv, p.Exclude)
	}
	for name, want := range map[string]string{
		"env": "flag -e", "path": p.File + ":15", "region": p.File + ":16", "exclude": p.File + ":5 and 22",
		"required": p.File + ":4", "allow_env": p.File + ":21", "config": "found", "home": "default",
	} {
		if got := p.Origins[name].String(); got != want {
			t.Errorf("origin of %s: %s, want %s", name, got, want)
		}
	}
}

func TestChoosesEnvironment(t *testing.T) {
	two := strings.Replace(good, "default_env: dev\n", "", 1)
	one := "version: \"1\"\nenvironments:\n  only: {provider: local}\n"
	for _, c := range []struct {
		name, text, flag, variable, want, problem string
	}{
		{"flag", good, "prod", "dev", "prod", ""},
		{"variable", good, "", "prod", "prod", ""},
		{"blank variable", good, "", " ", "dev", ""},
		{"default", good, "", "", "dev", ""},
		{"the only one", one, "", "", "only", ""},
		{"none of two", two, "", "", "", ":5:1: there are several environments, and none is chosen | choose one of dev, prod with -e, or name it in default_env"},
		{"unknown by flag", good, "prd", "", "", `has no environment "prd" | did you mean prod? the environments are dev, prod`},
		{"unknown by variable", good, "", "stage", "", `SKRET_ENV: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := project(t, c.text, "SKRET_ENV="+c.variable)
			in.Flags.Env = c.flag
			if c.problem == "" {
				if p := load(t, in); p.Env != c.want {
					t.Errorf("chose %q, want %q", p.Env, c.want)
				}
				return
			}
			kind := errs.Config
			if c.flag != "" {
				kind = errs.Invalid
			}
			if got := refused(t, in, kind); !strings.Contains(got, c.problem) {
				t.Errorf("got  %s\nwant %s", got, c.problem)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	const text = "version: \"1\"\nenvironments:\n  e: {provider: aws, path: /file, region: file-region-1, profile: file}\n"
	for _, c := range []struct {
		name         string
		flags        Flags
		variables    []string
		want, origin string // of the region
		profile      string
		explicit     bool
	}{
		{"flag", Flags{Region: "flag-region-1", Profile: "flag"},
			[]string{"SKRET_REGION=skret-region-1", "SKRET_PROFILE=skret", "AWS_REGION=aws-region-1", "AWS_PROFILE=aws"}, "flag-region-1", "flag --region", "flag", true},
		{"SKRET", Flags{},
			[]string{"SKRET_REGION=skret-region-1", "SKRET_PROFILE=skret", "AWS_REGION=aws-region-1", "AWS_PROFILE=aws"}, "skret-region-1", "variable SKRET_REGION", "skret", true},
		{"AWS", Flags{}, []string{"AWS_REGION=aws-region-1", "AWS_DEFAULT_REGION=aws-region-2", "AWS_PROFILE=aws"}, "aws-region-1", "variable AWS_REGION", "aws", false},
		{"AWS default", Flags{}, []string{"AWS_DEFAULT_REGION=aws-region-2", "AWS_REGION= "}, "aws-region-2", "variable AWS_DEFAULT_REGION", "file", false},
		{"file", Flags{Region: " "}, []string{"SKRET_REGION=", "AWS_PROFILE="}, "file-region-1", Name + ":3", "file", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := project(t, text, c.variables...)
			in.Flags = c.flags
			p := load(t, in)
			if p.Place.Region != c.want || !strings.HasSuffix(p.Origins["region"].String(), c.origin) {
				t.Errorf("region %s from %s", p.Place.Region, p.Origins["region"])
			}
			if p.Place.Profile != c.profile || p.Place.ProfileExplicit != c.explicit {
				t.Errorf("profile %s, explicit %t", p.Place.Profile, p.Place.ProfileExplicit)
			}
		})
	}
	in := project(t, text, "SKRET_PATH=variable/")
	if p := load(t, in); p.Place.Path != "/variable" {
		t.Errorf("path %s", p.Place.Path)
	}
	in.Flags.Path = "/flag"
	if p := load(t, in); p.Place.Path != "/flag" || p.Origins["provider"].Kind != "file" {
		t.Errorf("path %s, %v", p.Place.Path, p.Origins)
	}
	in = project(t, "version: \"1\"\nenvironments:\n  e: {provider: aws, path: /a}\n")
	if p := load(t, in); p.Place.Region != "" || p.Origins["region"].String() != "default" {
		t.Errorf("region %q from %s", p.Place.Region, p.Origins["region"])
	}
}

func TestWithoutFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	try := func(flags Flags, variables ...string) Input {
		return Input{Dir: dir, Home: dir, Flags: flags, Getenv: environ(variables...)}
	}
	for name, c := range map[string]struct {
		in   Input
		want string
	}{
		"path":               {try(Flags{Path: "/a"}), "aws /a"},
		"path by variable":   {try(Flags{}, "SKRET_PATH=/a"), "aws /a"},
		"file":               {try(Flags{File: "x.yaml"}), "local " + filepath.Join(dir, "x.yaml")},
		"file elsewhere":     {try(Flags{File: filepath.Join(elsewhere, "x")}), "local " + filepath.Join(elsewhere, "x")},
		"file above":         {try(Flags{}, "SKRET_FILE=../x"), "local " + filepath.Join(filepath.Dir(dir), "x")},
		"local, usual file":  {try(Flags{Provider: "local"}), "local " + filepath.Join(dir, StandardFile)},
		"environment unused": {try(Flags{Path: "/a"}, "SKRET_ENV=prod"), "aws /a"},
	} {
		t.Run(name, func(t *testing.T) {
			p := load(t, c.in)
			if got := p.Place.Provider + " " + p.Place.Path + p.Place.File; got != c.want || p.File != "" || p.Env != "" || p.Root != dir {
				t.Errorf("%s, want %s; %+v", got, c.want, p)
			}
		})
	}
	for name, c := range map[string]struct {
		in   Input
		kind errs.Kind
		want string
	}{
		"nothing":           {try(Flags{}), errs.Config, "there is no .skret.yaml in " + dir + " or above, up to the repository's root | make one with skret init"},
		"no path":           {try(Flags{Provider: "aws"}), errs.Invalid, "--provider: provider aws needs a path"},
		"environment":       {try(Flags{Path: "/a", Env: "prod"}), errs.Invalid, `-e: there is no .skret.yaml to have environment "prod"`},
		"provider":          {try(Flags{Provider: "gcp"}), errs.Invalid, "--provider: this provider is not known | use aws or local"},
		"region":            {try(Flags{Path: "/a", Region: "a.b"}), errs.Invalid, "--region: this does not look like a region"},
		"region, AWS":       {try(Flags{Path: "/a"}, "AWS_REGION=evil.example/"), errs.Config, "AWS_REGION: this does not look like a region"},
		"path":              {try(Flags{Path: "/a b"}), errs.Invalid, "--path: a path is like"},
		"path and file":     {try(Flags{Path: "/a", File: "f"}), errs.Invalid, "--file: this does not go with provider aws, which is from flag --path"},
		"path and variable": {try(Flags{Path: "/a"}, "SKRET_FILE=f"), errs.Config, "SKRET_FILE: this does not go with provider aws, which is from flag --path"},
		"local and path":    {try(Flags{Provider: "local", Path: "/a"}), errs.Invalid, "--path: this does not go with provider local, which is from flag --provider"},
		"local and profile": {try(Flags{Provider: "local", Profile: "p"}), errs.Invalid, "--profile: this does not go with provider local"},
		"no such file":      {try(Flags{Config: "nope.yaml"}), errs.Config, "configuration " + filepath.Join(dir, "nope.yaml") + ": there is no such file"},
		"a folder":          {try(Flags{Config: ".git"}), errs.Config, "is not a regular file"},
		"no such folder":    {Input{Dir: filepath.Join(dir, "nope")}, errs.Invalid, "there is no such folder"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			if got := refused(t, c.in, c.kind); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestContradictionsWithFile(t *testing.T) {
	for name, c := range map[string]struct {
		env       string
		flags     Flags
		variables []string
		want      string
	}{
		"path for local":     {"dev", Flags{Path: "/a"}, nil, "--path: this does not go with provider local, which is from "},
		"region for local":   {"dev", Flags{Region: "eu-west-1"}, nil, "--region: this does not go with provider local"},
		"variable for local": {"dev", Flags{}, []string{"SKRET_PATH=/a"}, "SKRET_PATH: this does not go with provider local"},
		"file for aws":       {"prod", Flags{File: "f"}, nil, "--file: this does not go with provider aws, which is from "},
	} {
		t.Run(name, func(t *testing.T) {
			in := project(t, good, c.variables...)
			in.Flags = c.flags
			in.Flags.Env = c.env
			kind := errs.Config
			if c.variables == nil {
				kind = errs.Invalid
			}
			if got := refused(t, in, kind); !strings.Contains(got, c.want) || c.env == "dev" && !strings.Contains(got, Name+":8") {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	// What only tunes AWS, and is set for other projects, does no harm.
	in := project(t, good, "SKRET_REGION=eu-west-1", "AWS_PROFILE=p", "AWS_REGION=nonsense")
	load(t, in)
	// Whoever names the provider, too, means it.
	in = project(t, good)
	in.Flags = Flags{Provider: "aws", Path: "/other"}
	if p := load(t, in); p.Place.Path != "/other" || p.Place.File != "" || len(p.Place.Recipients) > 0 {
		t.Errorf("%+v", p.Place)
	}
	in.Flags = Flags{Env: "prod", Provider: "local"}
	if p := load(t, in); p.Place.File != filepath.Join(in.Dir, StandardFile) || p.Place.Region != "" {
		t.Errorf("%+v", p.Place)
	}
}

func TestOwnFolderAndIdentity(t *testing.T) {
	home := t.TempDir()
	for name, c := range map[string]struct {
		home                 string
		variables            []string
		wantHome, wantFile   string
		wantText, wantOrigin string
	}{
		"usual":         {home, nil, filepath.Join(home, ".skret"), filepath.Join(home, ".skret", "identity.txt"), "", "default"},
		"moved":         {home, []string{"SKRET_HOME=" + home + "/x/"}, filepath.Join(home, "x"), filepath.Join(home, "x", "identity.txt"), "", "variable SKRET_HOME"},
		"no home":       {"", nil, "", "", "", "default"},
		"relative home": {".", nil, "", "", "", "default"},
		"file":          {"", []string{"SKRET_IDENTITY_FILE=id.txt"}, "", "DIR/id.txt", "", "default"},
		"text":          {"", []string{"SKRET_IDENTITY=AGE-SECRET-KEY-1X"}, "", "", "AGE-SECRET-KEY-1X", "default"},
	} {
		t.Run(name, func(t *testing.T) {
			in := project(t, good, c.variables...)
			in.Home = c.home
			p := load(t, in)
			want := strings.Replace(c.wantFile, "DIR", in.Dir, 1)
			if p.Home != c.wantHome || p.IdentityFile != want || p.Identity != c.wantText || p.Origins["home"].String() != c.wantOrigin {
				t.Errorf("%+v", p)
			}
			u, err := User(in)
			if err != nil || u.Home != p.Home || u.IdentityFile != p.IdentityFile || u.Identity != p.Identity {
				t.Errorf("%+v %v", u, err)
			}
			for _, s := range p.Settings() {
				if c.wantText != "" && slices.Contains(s.Values, c.wantText) {
					t.Errorf("%s shows the identity", s.Name)
				}
			}
		})
	}
}

func TestGetenvIsTheInputs(t *testing.T) {
	p := load(t, project(t, good, "AWS_ENDPOINT_URL=http://127.0.0.1:1"))
	if got := p.Getenv("AWS_ENDPOINT_URL"); got != "http://127.0.0.1:1" {
		t.Error(got)
	}
	in := project(t, good)
	in.Getenv = nil
	if got := load(t, in).Getenv("X"); got != "" {
		t.Error(got)
	}
}

// BenchmarkLoad is a part of every command's start.
func BenchmarkLoad(b *testing.B) {
	in := project(b, good)
	for b.Loop() {
		load(b, in)
	}
}
