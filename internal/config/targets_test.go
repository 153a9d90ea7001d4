package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// head is a configuration to which targets can be added, the first in line 9.
const head = `version: "1"
default_env: dev
environments:
  dev: {provider: local}
  prod: {provider: aws, path: /shop/prod, region: eu-west-1, profile: deploy, account: "111111111111", kms_key_id: alias/shop, keys: [A], tier: advanced, required: [B], protected: true}
  stage: {provider: local, file: s.yaml, protected: false}
sync:
  targets:
`

// targets is a configuration with these targets, one a line.
func targets(lines ...string) string {
	text := head
	for _, l := range lines {
		text += "    - " + l + "\n"
	}
	return text
}

func TestLoadsEveryTarget(t *testing.T) {
	etc, err := filepath.Abs("/etc/app.env")
	if err != nil {
		t.Fatal(err)
	}
	in := project(t, targets(
		`{type: github, repository: acme/app, environment: "prod/eu", env: prod, only: ["DB_*"], except: ["DB_TEST*"], no_overwrite: true, prune: true}`,
		`{type: github, organization: acme, app: dependabot, visibility: selected, repositories: [app, acme/web], variables: ["PUBLIC_*", HOST], base_url: "https://git.acme.example:8443/api/v3"}`,
		`{type: gitlab, project: acme/group/app, scope: "review/*", masked: true, protected: false, hidden: true}`,
		`{type: gitlab, group: "4711"}`,
		`{type: cloudflare-workers, account_id: "0123456789abcdef0123456789abcdef", script: my_worker}`,
		`{type: cloudflare-pages, project: site, environment: preview}`,
		`{type: kubernetes, name: app.secrets, namespace: web, context: "kind-kind"}`,
		`{type: file, file: out/../.env, format: dotenv, prune: false}`,
		`{type: file, file: ../elsewhere.json}`,
		`{type: file, file: '`+etc+`'}`,
		`{type: aws, path: other/app/, region: us-east-1, profile: p, account: "222222222222", role: deployer, kms_key_id: alias/x}`,
		`{type: local, file: copy.yaml, recipients: [age1qqqq], env: " "}`,
	))
	in.Flags.Env = "dev"
	p := load(t, in)
	up := filepath.Dir(in.Dir)
	for i, want := range []string{
		"github prod map[environment:prod/eu repository:acme/app] map[] [DB_*] [DB_TEST*] true true",
		"github  map[app:dependabot base_url:https://git.acme.example:8443/api/v3 organization:acme visibility:selected] map[repositories:[app acme/web] variables:[PUBLIC_* HOST]] [] [] false false",
		"gitlab  map[hidden:true masked:true project:acme/group/app scope:review/*] map[] [] [] false false",
		"gitlab  map[group:4711] map[] [] [] false false",
		"cloudflare-workers  map[account_id:0123456789abcdef0123456789abcdef script:my_worker] map[] [] [] false false",
		"cloudflare-pages  map[environment:preview project:site] map[] [] [] false false",
		"kubernetes  map[context:kind-kind name:app.secrets namespace:web] map[] [] [] false false",
		"file  map[file:" + in.Dir + "/.env format:dotenv] map[] [] [] false false",
		"file  map[file:" + up + "/elsewhere.json] map[] [] [] false false",
		"file  map[file:" + etc + "] map[] [] [] false false",
		"aws  map[account:222222222222 kms_key_id:alias/x path:/other/app profile:p region:us-east-1 role:deployer] map[] [] [] false false",
		"local  map[file:" + in.Dir + "/copy.yaml] map[recipients:[age1qqqq]] [] [] false false",
	} {
		g := p.Targets[i]
		got := fmt.Sprintf("%s %s %v %v %v %v %t %t", g.Type, g.Env, g.Fields, g.Lists, g.Only, g.Except, g.NoOverwrite, g.Prune)
		if filepath.ToSlash(got) != filepath.ToSlash(want) || g.Line != strconv.Itoa(9+i) {
			t.Errorf("line %s:\n%s, want\n%s", g.Line, got, want)
		}
	}
	if len(p.Targets) != 12 {
		t.Errorf("%d targets", len(p.Targets))
	}
	for _, text := range []string{good, head + "    []\n", strings.Replace(head, "  targets:\n", "  {}\n", 1)} {
		if p := load(t, project(t, text)); p.Targets != nil {
			t.Errorf("targets of\n%s: %+v", text, p.Targets)
		}
	}
}

func TestTellsWhichEnvironmentsAreProtected(t *testing.T) {
	in := project(t, targets())
	write(t, strings.Replace(head, "sync:\n  targets:\n", "", 1), in.Dir, Name)
	for _, env := range []string{"dev", "prod"} {
		in.Flags.Env = env
		p := load(t, in)
		for env, want := range map[string]bool{"dev": false, "prod": true, "stage": false, "none": false, "": false} {
			if p.Protected(env) != want {
				t.Errorf("%s is protected: %t", env, !want)
			}
		}
		shown := slices.ContainsFunc(p.Settings(), func(s Setting) bool {
			return s.Name == "protected" && slices.Equal(s.Values, []string{"true"}) && s.Origin.String() == p.File+":5"
		})
		if shown != (env == "prod") {
			t.Errorf("settings of %s: %+v", env, p.Settings())
		}
	}
	in.Flags = Flags{Alone: true, File: "x"}
	if p := load(t, in); !p.Protected("prod") {
		t.Error("a place alone does not know it")
	}
}

// TestRefusesTargetsWithPlaceAndWithoutValue: as for the rest of the file.
func TestRefusesTargetsWithPlaceAndWithoutValue(t *testing.T) {
	github := func(more string) string { return targets("{type: github, repository: a/b, " + more + "}") }
	for _, c := range []struct{ name, text, want string }{
		{"no list", head + "    type: " + marker + "\n", "9:5: targets must be a list | begin each target with a -"},
		{"null", head, "8:11: targets must be a list"},
		{"a text", targets(marker), "9:7: the target must be keys with values"},
		{"a list", targets("[" + marker + "]"), "9:7: the target must be keys with values"},
		{"an alias", targets("&a {type: "+marker+"}", "*a"), "9:7: anchors are not allowed"},
		{"sync is a list", strings.Replace(head, "  targets:\n", "  - "+marker+"\n", 1), "8:3: sync must be keys with values"},
		{"unknown key of sync", strings.Replace(head, "targets", "tragets", 1), `8:3: unknown key "tragets" | did you mean targets?`},
		{"type missing", targets("{repository: a/b}"), "9:7: the target has no type | add type: github or gitlab or cloudflare-workers"},
		{"type not known", targets("{type: " + marker + ", repository: a/b}"), "9:14: this type is not known | use github, gitlab, cloudflare-workers"},
		{"type twice", targets("{type: file, type: " + marker + ", file: x}"), "9:20: this key is there already, in line 9"},
		{"type as a list", targets("{type: [" + marker + "], file: x}"), "9:14: type must be a text"},
		{"unknown key", github(marker + ": x"), "9:39: unknown key | the keys of the github target are type, env, only, except, no_overwrite, prune, repository, organization, environment, app, visibility, repositories, variables, base_url"},
		{"unknown key, type not known", targets("{" + marker + ": x}"), "9:8: unknown key | the keys of the target are type, env, only"},
		{"slip", github("enviroment: " + marker), `9:39: unknown key "enviroment" | did you mean environment?`},
		{"key of another type", github("script: " + marker), "9:39: script goes with type cloudflare-workers, and this one is github | take it out, or change the type"},
		{"key of two other types", github("account_id: " + marker), "9:39: account_id goes with type cloudflare-workers, cloudflare-pages, and this one is github"},
		{"key of different meaning", targets("{type: file, file: x, environment: " + marker + "}"), "9:29: environment goes with type github, cloudflare-pages, and this one is file"},

		{"boolean as a text", github(`prune: "true"`), "9:46: prune must be true or false | write true or false, without quotes"},
		{"boolean as a word", github("prune: yes"), "9:46: prune must be true or false"},
		{"boolean in capitals", github("prune: True"), "9:46: prune must be true or false"},
		{"boolean as a list", github("prune: [true]"), "9:46: prune must be true or false"},
		{"boolean null", github("prune:"), ": prune must be true or false"},
		{"boolean with a tag", github("prune: !!bool true"), "9:46: tags are not allowed"},
		{"boolean elsewhere", strings.Replace(targets("{type: file, file: a}"), "protected: true", "protected: "+marker, 1), "5:181: protected must be true or false"},
		{"text as a boolean", github("environment: true"), "9:52: environment must be a text"},
		{"list as a text", github("only: " + marker), "9:45: only must be a list"},
		{"entry twice", github("only: [A, A]"), "9:49: this entry of only is there already, in line 9"},

		{"neither repository nor organization", targets("{type: github}"), "9:7: the github target has neither repository nor organization | add one of them"},
		{"both", github("organization: acme"), "9:39: the github target has both repository and organization | take one of them out"},
		{"neither project nor group", targets("{type: gitlab, project: \" \"}"), "9:7: the gitlab target has neither project nor group"},
		{"both at gitlab", targets("{type: gitlab, project: a, group: b}"), "9:34: the gitlab target has both project and group"},
		{"no script", targets("{type: cloudflare-workers}"), "9:7: the cloudflare-workers target has no script | add script"},
		{"no project", targets("{type: cloudflare-pages}"), "9:7: the cloudflare-pages target has no project"},
		{"no name", targets("{type: kubernetes}"), "9:7: the kubernetes target has no name"},
		{"no file", targets("{type: file}"), "9:7: the file target has no file"},
		{"no path", targets("{type: aws}"), "9:7: the aws target has no path"},
		{"no sealed file", targets("{type: local, file: \"\"}"), "9:7: the local target has no file"},

		{"repository", targets("{type: github, repository: " + marker + "}"), "9:34: repository: a repository is OWNER/NAME"},
		{"repository with a path", targets("{type: github, repository: a/b/c}"), "9:34: repository: a repository is OWNER/NAME"},
		{"repository above", targets("{type: github, repository: a/..}"), "9:34: repository: a repository is OWNER/NAME"},
		{"organization", targets("{type: github, organization: a/" + marker + "}"), "9:36: organization: an organization is named by"},
		{"repositories", targets("{type: github, organization: a, repositories: [b, \"" + marker + "\"]}"), "9:57: repositories: a repository is NAME or OWNER/NAME"},
		{"app", github("app: " + marker), "9:44: this app is not known | use actions, dependabot, codespaces"},
		{"visibility", github("visibility: " + marker), "9:51: this visibility is not known"},
		{"environment of Pages", targets("{type: cloudflare-pages, project: a, environment: " + marker + "}"), "9:57: this environment is not known | use production, preview"},
		{"environment of GitHub", github(`environment: "\a` + marker + `"`), "9:52: environment: it has characters"},
		{"address with a password", github(`base_url: "https://u:` + marker + `@h.example"`), "9:49: base_url: this is no address"},
		{"address with a query", github(`base_url: "https://h.example/?` + marker + `"`), "9:49: base_url: this is no address"},
		{"address of another kind", github(`base_url: "file:///` + marker + `"`), "9:49: base_url: this is no address"},
		{"project", targets("{type: gitlab, project: \"a b" + marker + "\"}"), "9:31: project: a project or a group is"},
		{"account of Cloudflare", targets("{type: cloudflare-workers, script: a, account_id: " + marker + "}"), "9:57: account_id: an account of Cloudflare"},
		{"script", targets("{type: cloudflare-workers, script: a/" + marker + "}"), "9:42: script: a Worker is named by"},
		{"project of Pages", targets("{type: cloudflare-pages, project: A/" + marker + "}"), "9:41: project: this name is made of"},
		{"name", targets("{type: kubernetes, name: " + marker + "}"), "9:32: name: this name is made of at most 253"},
		{"namespace", targets("{type: kubernetes, name: a, namespace: a.b}"), "9:46: namespace: this name is made of at most 63"},
		{"format", targets("{type: file, file: a, format: " + marker + "}"), "9:37: this format is not known"},
		{"file is a folder", targets("{type: file, file: ../..}"), "9:26: file: a file is meant, and this is a folder"},
		{"file is a folder, too", targets("{type: file, file: " + marker + "/}"), "9:26: file: a file is meant, and this is a folder"},
		{"file is the configuration", targets("{type: file, file: x/../.skret.yaml}"), "9:26: file is the configuration itself"},
		{"sealed file is the configuration", targets("{type: local, file: .skret.yaml}"), "9:27: file is the configuration itself"},
		{"path", targets("{type: aws, path: \"" + marker + "\"}"), "9:25: path: a path is like"},
		{"region", targets("{type: aws, path: /a, region: evil.example/" + marker + "}"), "9:37: region: this does not look like"},
		{"account", targets("{type: aws, path: /a, account: \"" + marker + "\"}"), "9:38: account: an AWS account is 12 digits"},
		{"auth and profile", targets("{type: aws, path: /a, auth: chain, profile: " + marker + "}"), "9:29: auth does not go with profile"},
		{"recipient", targets("{type: local, file: a, recipients: [" + marker + "]}"), "9:43: recipients: this is no public key"},
		{"pattern", github("only: [\"[" + marker + "\"]"), "9:46: only: this is no pattern"},
		{"entry empty", github("except: [\" \"]"), "9:48: an entry of except is empty"},
		{"env not there", github("env: porduction"), "9:44: env is not the name of an environment | the environments are dev, prod, stage"},
		{"env, a slip", github("env: prdo"), "9:44: env is not the name of an environment | did you mean prod? the environments are dev, prod, stage"},
		{"env, no name", github("env: " + marker), "9:44: env: the name of an environment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := refused(t, project(t, c.text), errs.Config)
			if !strings.Contains(got, Name+":"+c.want) && !(c.want[0] == ':' && strings.Contains(got, c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, marker) {
				t.Errorf("a value is shown: %s", got)
			}
			if n := strings.Count(got, "\n"); n > 0 && !slices.Contains([]string{"type not known", "type missing", "an alias", "boolean null"}, c.name) {
				t.Errorf("%d further problems: %s", n, got)
			}
		})
	}
}

func TestRefusesATargetThatIsThereTwice(t *testing.T) {
	for name, c := range map[string]struct {
		one, two string
		same     bool
	}{
		"equal":                 {"{type: github, repository: a/b}", "{repository: a/b, type: github}", true},
		"in other letters":      {"{type: github, repository: Acme/App}", "{type: github, repository: acme/app}", true},
		"with the default":      {"{type: github, repository: a/b, app: actions}", "{type: github, repository: a/b}", true},
		"with a blank":          {"{type: kubernetes, name: a, namespace: \" \"}", "{type: kubernetes, name: a}", true},
		"for other secrets":     {"{type: github, repository: a/b, only: [A]}", "{type: github, repository: a/b, env: prod, except: [A]}", true},
		"file in other words":   {"{type: file, file: ./a//b}", "{type: file, file: a/c/../b, format: json}", true},
		"path in other words":   {"{type: aws, path: /a/}", "{type: aws, path: a}", true},
		"address with a slash":  {"{type: gitlab, group: a, base_url: https://h.example/}", "{type: gitlab, group: a, base_url: https://h.example}", true},
		"other repository":      {"{type: github, repository: a/b}", "{type: github, repository: a/c}", false},
		"environment":           {"{type: github, repository: a/b}", "{type: github, repository: a/b, environment: b}", false},
		"app":                   {"{type: github, repository: a/b}", "{type: github, repository: a/b, app: codespaces}", false},
		"project and group":     {"{type: gitlab, project: a}", "{type: gitlab, group: a}", false},
		"scope":                 {"{type: gitlab, project: a}", "{type: gitlab, project: a, scope: b}", false},
		"address":               {"{type: gitlab, project: a}", "{type: gitlab, project: a, base_url: h.example}", false},
		"Pages and Workers":     {"{type: cloudflare-pages, project: a}", "{type: cloudflare-workers, script: a}", false},
		"production by default": {"{type: cloudflare-pages, project: a}", "{type: cloudflare-pages, project: a, environment: preview}", false},
		"cluster":               {"{type: kubernetes, name: a, context: b}", "{type: kubernetes, name: a, context: c}", false},
		"account":               {"{type: aws, path: /a, account: \"111111111111\"}", "{type: aws, path: /a, account: \"222222222222\"}", false},
		"names that join alike": {"{type: aws, path: /a, region: a-b-1, profile: c}", "{type: aws, path: /a, region: a-b-1, auth: c}", false},
	} {
		t.Run(name, func(t *testing.T) {
			in := project(t, targets(c.one, "{type: file, file: between}", c.two))
			if !c.same {
				load(t, in)
				return
			}
			word, _, _ := strings.Cut(strings.TrimPrefix(c.one, "{type: "), ",")
			want := ":11:7: the " + word + " target is there already, in line 9 | "
			if got := refused(t, in, errs.Config); !strings.Contains(got, want) || strings.Contains(got, "\n") {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestReportsAllProblemsOfTargetsAtOnce(t *testing.T) {
	in := project(t, targets("{type: github}", "{type: moon}", "{type: aws, path: \"a b\", region: x}", "{type: file, file: a, env: x}"), "SKRET_HOME=here")
	got := refused(t, in, errs.Config)
	for _, want := range []string{":9:7: ", ":10:14: this type", ":11:25: path", ":11:40: region", ":12:34: env is not", "SKRET_HOME: "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestTenThousandTargets(t *testing.T) {
	many := func(format string) Input {
		var b strings.Builder
		b.WriteString(head)
		for i := range 10000 {
			fmt.Fprintf(&b, format, i)
		}
		return project(t, b.String())
	}
	if p := load(t, many("    - {type: github, repository: acme/app%d, env: prod}\n")); len(p.Targets) != 10000 || p.Targets[9999].Fields["repository"] != "acme/app9999" {
		t.Errorf("%d targets", len(p.Targets))
	}
	for format, more := range map[string]int{
		"    - {type: github, repository: \"%d\"}\n":              9980,
		"    - {type: file, file: a} # %d\n":                      9979,
		"    - {type: file, file: a, env: prdo%d}\n":              9980,
		"    - {type: github, repository: a/b, repsitory%d: a}\n": 9980,
	} {
		got := refused(t, many(format), errs.Config)
		if n := strings.Count(got, "\n"); n != maxProblems || !strings.Contains(got, fmt.Sprint(more, " more problems")) {
			t.Errorf("%s%d lines: %.3000s", format, n, got)
		}
	}
}

func TestDeeplyNestedTargets(t *testing.T) {
	for _, text := range []string{
		head + "    - " + strings.Repeat("- ", 5000) + "a\n",
		head + "    - {type: " + strings.Repeat("{a: ", 5000) + "\n",
		head + "    - {only: " + strings.Repeat("[", 5000) + "\n",
	} {
		if got := refused(t, project(t, text), errs.Config); !strings.Contains(got, "nested too deeply") {
			t.Errorf("%.300s", got)
		}
	}
}

// TestAPlaceAloneHasNothingOfAnEnvironment: what flags name is what is opened.
func TestAPlaceAloneHasNothingOfAnEnvironment(t *testing.T) {
	text := "project: shop\nexclude: [\"OLD_*\"]\n" + strings.Replace(head, "sync:\n  targets:\n", "", 1)
	variables := []string{"SKRET_ENV=nope", "SKRET_PROVIDER=local", "SKRET_PATH=/variable", "SKRET_FILE=variable", "SKRET_REGION=variable-region-1"}
	for name, c := range map[string]struct {
		flags     Flags
		variables []string
		want      Place
	}{
		"path":           {Flags{Path: "/x"}, nil, Place{Provider: "aws", Path: "/x"}},
		"all of it":      {Flags{Provider: "aws", Path: "/x", Region: "a-b-1", Account: "222222222222"}, nil, Place{Provider: "aws", Path: "/x", Region: "a-b-1", Account: "222222222222"}},
		"environment":    {Flags{Env: "prod", Path: "/x"}, nil, Place{Provider: "aws", Path: "/x"}},
		"local":          {Flags{Provider: "local", File: "f"}, nil, Place{Provider: "local", File: "f"}},
		"AWS's region":   {Flags{Path: "/x"}, []string{"AWS_REGION=aws-region-1"}, Place{Provider: "aws", Path: "/x", Region: "aws-region-1"}},
		"region by flag": {Flags{Path: "/x", Region: "a-b-1"}, []string{"AWS_REGION=aws-region-1"}, Place{Provider: "aws", Path: "/x", Region: "a-b-1"}},
		"AWS's profile":  {Flags{Path: "/x"}, []string{"AWS_PROFILE=p"}, Place{Provider: "aws", Path: "/x", Profile: "p"}},
		"who signs":      {Flags{Path: "/x"}, []string{"SKRET_AUTH=ci"}, Place{Provider: "aws", Path: "/x", Auth: "ci"}},
		"who else signs": {Flags{Path: "/x", Profile: "p"}, []string{"SKRET_AUTH=ci"}, Place{Provider: "aws", Path: "/x", Profile: "p", ProfileExplicit: true}},
	} {
		t.Run(name, func(t *testing.T) {
			in := project(t, text, append(slices.Clone(c.variables), variables...)...)
			in.Flags = c.flags
			in.Flags.Alone = true
			p := load(t, in)
			if c.want.File != "" {
				c.want.File = filepath.Join(in.Dir, c.want.File)
			}
			if got := fmt.Sprintf("%+v", p.Place); got != fmt.Sprintf("%+v", c.want) {
				t.Errorf("got  %s\nwant %+v", got, c.want)
			}
			if p.Name != "shop" || p.Env != "" || p.Root != in.Dir || len(p.Envs) != 3 || len(p.Required) > 0 || !slices.Equal(p.Exclude, []string{"OLD_*"}) {
				t.Errorf("%+v", p)
			}
			if names := slices.Sorted(maps.Keys(p.Origins)); slices.Contains(names, "env") {
				t.Errorf("origins: %q", names)
			}
		})
	}
	in := project(t, text, variables...)
	in.Flags = Flags{Alone: true, Env: "prod"}
	if got := refused(t, in, errs.Invalid); !strings.Contains(got, "a place is named by its path or its file") {
		t.Error(got)
	}
	// Several environments and none chosen, or no file at all, are no trouble.
	in = project(t, strings.Replace(text, "default_env: dev\n", "", 1))
	in.Flags = Flags{Alone: true, Path: "/x"}
	load(t, in)
	in.Dir = t.TempDir()
	in.Home = in.Dir
	if p := load(t, in); p.File != "" || p.Place.Path != "/x" {
		t.Errorf("%+v", p)
	}
	// What is wrong with a flag is said of it.
	in.Flags.Region = "x"
	if got := refused(t, in, errs.Invalid); !strings.Contains(got, "--region: ") {
		t.Error(got)
	}
}
