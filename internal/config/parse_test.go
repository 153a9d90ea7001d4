package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// TestRefusesWithPlaceAndWithoutValue: every fault of a file is said with line
// and column, and what is written there is not shown.
func TestRefusesWithPlaceAndWithoutValue(t *testing.T) {
	// env is a file whose environment dev has these lines, the first in line 5.
	env := func(lines ...string) string {
		return "version: \"1\"\nenvironments:\n  dev:\n    provider: local\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	aws := func(lines ...string) string {
		return "version: \"1\"\nenvironments:\n  dev:\n    provider: aws\n    path: /a\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	top := func(lines string) string { return env("file: f") + lines }
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", env(marker + ": x"), "5:5: unknown key | the keys of environment dev are provider, extends, file, recipients, keys, required, exclude, allow_env, schema, cache, protected"},
		{"slip of a key", aws("regoin: " + marker), `6:5: unknown key "regoin" | did you mean region?`},
		{"slip at the top", top("defualt_env: " + marker), `6:1: unknown key "defualt_env" | did you mean default_env?`},
		{"duplicate key", env("file: a", "file: "+marker), "6:5: this key is there already, in line 5"},
		{"duplicate environment", env("file: a\n  dev: {provider: local, file: " + marker + "}"), "6:3: this key is there already, in line 3"},
		{"duplicate entry", env("keys: [A, " + marker + "X, A]"), "5:31: this entry of keys is there already, in line 5"},
		{"anchor", env("file: &" + "x " + marker), "5:11: anchors are not allowed"},
		{"alias", env("file: &x "+marker, "keys: *x"), "6:11: aliases are not allowed"},
		{"alias of nothing", env("file: *" + marker), "5:11: aliases are not allowed"},
		{"anchor of a table", "version: \"1\"\nenvironments: &x\n  dev: {provider: local, file: " + marker + "}\n", "2:15: anchors are not allowed"},
		{"merge", env("<<: {file: " + marker + "}"), "5:5: merges are not allowed"},
		{"merge in quotes is a key", env(`"<<": {file: ` + marker + "}"), "5:5: unknown key"},
		{"tag", env("file: !!str " + marker), "5:11: tags are not allowed"},
		{"local tag", env("file: !secret " + marker), "5:11: tags are not allowed"},
		{"bare tag", env("file: ! " + marker), "5:11: tags are not allowed"},
		{"tag of a key", env("!!str file: " + marker), "5:5: tags are not allowed"},
		{"second document", top("---\nkey: " + marker), "6:1: a second document begins"},
		{"second document, broken", top("---\n{" + marker), ": this is not valid YAML"},
		{"version as a number", "version: 1\nenvironments: {dev: {provider: local}}\n", "1:10: version must be a text, and YAML takes this for something else | put it in quotes"},
		{"another version", "version: \"" + marker + "\"\nenvironments: {dev: {provider: local}}\n", `1:10: this version of the configuration is not known | this skret knows version "1"`},
		{"no version", "environments: {dev: {provider: local, file: x}}\n", "1:1: version is missing"},
		{"version empty", "version: \"\"\nenvironments: {dev: {provider: local}}\n", "1:1: the configuration has no version"},
		{"no environments", "version: \"1\"\nproject: " + marker + "\n", "1:1: environments is missing"},
		{"environments are none", "version: \"1\"\nenvironments: {}\n", "2:15: environments has none"},
		{"environments null", "version: \"1\"\nenvironments:\n", "2:14: environments must be keys with values"},
		{"environment null", "version: \"1\"\nenvironments:\n  dev:\n", "3:7: environment dev must be keys with values"},
		{"environment a text", "version: \"1\"\nenvironments:\n  dev: " + marker + "\n", "3:8: environment dev must be keys with values"},
		{"environment's name", "version: \"1\"\nenvironments:\n  " + marker + ": {provider: local}\n", "3:3: the name of an environment is made of"},
		{"environment's name a number", "version: \"1\"\nenvironments:\n  2024: {provider: local}\n", "3:3: a key must be a text"},
		{"key a list", "? [" + marker + "]\n: x\nversion: \"1\"\n", "1:3: a key must be a text"},
		{"not a table", marker, "1:1: the configuration must be keys with values"},
		{"a list", "- " + marker, "1:1: the configuration must be keys with values"},
		{"number for a text", env("file: 5"), "5:11: file must be a text, and YAML takes this for something else | put it in quotes"},
		{"boolean for a text", aws("region: true"), "6:13: region must be a text"},
		{"date for a text", aws("region: 2024-01-01"), "6:13: region must be a text"},
		{"null for a text", env("file:"), "5:10: file has no value"},
		{"table for a text", env("file: {" + marker + ": x}"), "5:11: file must be a text"},
		{"text for a list", env("keys: " + marker), "5:11: keys must be a list | write keys: [A, B]"},
		{"number in a list", env("keys: [A, 5]"), "5:15: an entry of keys must be a text"},
		{"list in a list", env("keys: [A, [" + marker + "]]"), "5:15: an entry of keys must be a text"},
		{"tab", "version: \"1\"\nenvironments:\n\tdev: " + marker, "3:1: a tab cannot indent"},
		{"quote without end", "version: \"1\"\nproject: \"" + marker + "\n", "2:10: a text in quotes begins here"},
		{"wrong escape", "version: \"1\"\nproject: \"\\q" + marker + "\"\n", "2:10: a text in quotes begins here"},
		{"colon in a text", "version: \"1\"\nproject: " + marker + ": x\n", "2:23: this is not valid YAML"},
		{"bad indentation", "version: \"1\"\n  project: " + marker + "\n", ": this is not valid YAML"},
		{"directive", "%YAML 1.2\n--- \nversion: " + marker + "\n", "1:1: this is not valid YAML"},
		{"not UTF-8", "version: \"1\"\nproject: x\xff" + marker + "\n", "2:11: this character cannot be here"},
		{"control character", "version: \"1\"\nproject: \x01" + marker + "\n", "2:10: this character cannot be here"},
		{"UTF-16", "\xff\xfev\x00e\x00", "1:1: this character cannot be here"},
		{"empty", "", "1:1: the configuration is empty"},
		{"comments only", "# " + marker + "\n", "1:1: the configuration is empty"},
		{"nested deeply", strings.Repeat("[", 100000), "1:65: this is nested too deeply"},
		{"columns count characters", "version: \"1\"\nenvironments: {dev: {provider: local, file: \"äöü\", x: " + marker + "}}", "2:52: unknown key"},

		{"provider not known", "version: \"1\"\nenvironments: {dev: {provider: " + marker + ", path: /x}}", "2:32: this provider is not known | use aws, local"},
		{"provider missing", "version: \"1\"\nenvironments:\n  dev: {file: x}\n", "3:3: environment dev has no provider | add provider: aws or local"},
		{"provider blank", "version: \"1\"\nenvironments:\n  dev: {provider: \" \"}\n", "3:3: environment dev has no provider"},
		{"path missing", "version: \"1\"\nenvironments:\n  dev: {provider: aws}\n", "3:3: environment dev has no path | add path: /myapp/dev"},
		{"path with signs", "version: \"1\"\nenvironments:\n  dev: {provider: aws, path: \"/a b/" + marker + "\"}\n", "3:30: path: a path is like"},
		{"path with an empty segment", "version: \"1\"\nenvironments:\n  dev: {provider: aws, path: /a//b}\n", "3:30: path: a path is like"},
		{"path with dots", "version: \"1\"\nenvironments:\n  dev: {provider: aws, path: ./a}\n", "3:30: path: a path is like"},
		{"region", aws("region: " + marker), "6:13: region: this does not look like a region"},
		{"region that is a host", aws("region: evil.example/us-east-1"), "6:13: region: this does not look like a region"},
		{"tier", aws("tier: " + marker), "6:11: this tier is not known | use standard, advanced, intelligent"},
		{"kms key", aws("kms_key_id: \"a " + marker + "\""), "6:17: kms_key_id: it has characters"},
		{"profile", aws("profile: \"a\\n" + marker + "\""), "6:14: profile: it has characters"},
		{"key of the other provider", env("path: /" + marker), "5:5: path goes with provider aws, and this one is local"},
		{"file for aws", aws("file: " + marker), "6:5: file goes with provider local, and this one is aws"},
		{"file outside", env("file: ../" + marker), "5:11: file: a file of the project is meant"},
		{"file absolute", env("file: /etc/" + marker), "5:11: file: a file of the project is meant"},
		{"file outside, later", env("file: a/../../" + marker), "5:11: file: a file of the project is meant"},
		{"file is the folder", env("file: a/.."), "5:11: file: a file of the project is meant"},
		{"file is the configuration", env("file: ./.skret.yaml"), "5:11: file is the configuration itself"},
		{"recipient", env("recipients: [" + marker + "]"), "5:18: recipients: this is no public key"},
		{"a key's shape", env("keys: [A, " + marker + "]"), "5:15: keys: this is no key"},
		{"keys none", env("keys: []"), "5:11: keys names none"},
		{"required", env("required: [\"a b " + marker + "\"]"), "5:16: required: this is no key"},
		{"required at the top", top("required: [\"a b " + marker + "\"]"), "6:12: required: this is no key"},
		{"exclude", env("exclude: [\"[" + marker + "\"]"), "5:15: exclude: this is no pattern"},
		{"entry empty", env("exclude: [\"\"]"), "5:15: an entry of exclude is empty"},
		{"allow_env", env("allow_env: [LD_*]"), "5:17: allow_env: this is not the name of a variable"},
		{"rule: slip of a key", top("schema: {A: {tpye: " + marker + "}}"), `6:14: unknown key "tpye" | did you mean type?`},
		{"rule: name", top("schema: {\"a b " + marker + "\": {}}"), "6:10: this is no key"},
		{"rule: type", top("schema: {A: {type: " + marker + "}}"), "6:20: this type is not known | use string, int, bool"},
		{"rule: not a table", top("schema: {A: " + marker + "}"), "6:13: rule A must be keys with values"},
		{"rule: values without enum", top("schema: {A: {values: [" + marker + "]}}"), "6:14: values goes with type enum, and this one has none | add it"},
		{"rule: values of another type", top("schema: {A: {type: int, values: [" + marker + "]}}"), "6:25: values goes with type enum, and this one is int"},
		{"rule: enum without values", top("schema: {A: {type: enum}}"), "6:10: rule A has no values | add values"},
		{"rule: enum with no value", top("schema: {A: {type: enum, values: []}}"), "6:10: rule A has no values"},
		{"rule: regex without pattern", top("schema: {A: {type: regex}}"), "6:10: rule A has no pattern"},
		{"rule: pattern", top("schema: {A: {type: regex, pattern: \"(" + marker + "\"}}"), "6:36: pattern: this is no regular expression of RE2"},
		{"rule: min_length a text", top("schema: {A: {min_length: \"" + marker + "\"}}"), "6:26: min_length must be a whole number below a million | write digits alone"},
		{"rule: min_length negative", top("schema: {A: {min_length: -1}}"), "6:26: min_length must be a whole number"},
		{"rule: min_length in hex", top("schema: {A: {min_length: 0x10}}"), "6:26: min_length must be a whole number"},
		{"rule: min_length broken", top("schema: {A: {min_length: 1.5}}"), "6:26: min_length must be a whole number"},
		{"rule: min_length large", top("schema: {A: {min_length: 1000000}}"), "6:26: min_length must be a whole number"},
		{"rule: default a number", top("schema: {A: {default: 8080}}"), "6:23: default must be a text, and YAML takes this for something else | put it in quotes"},
		{"rule: default null", top("schema: {A: {default: }}"), "6:23: default has no value"},
		{"rule: default and required", top("schema: {A: {default: \"" + marker + "\", required: true}}"), "6:14: rule A has both default and required | take one of them out"},
		{"rule: generate", top("schema: {A: {generate: \"hex:" + marker + "\"}}"), "6:24: generate: hex has no such size: use hex:8 to hex:1024"},
		{"rule: generate, kind", top("schema: {A: {generate: " + marker + "}}"), "6:24: generate: there is no such kind of value: use one of password, "},
		{"rule: generate, size of none", top("schema: {A: {generate: \"uuid:4\"}}"), "6:24: generate: uuid has no size: leave it out"},
		{"rule: generate, size", top("schema: {A: {generate: \"rsa:1000\"}}"), "6:24: generate: rsa has no such size: use rsa:2048 or rsa:3072 or rsa:4096"},
		{"rule: as", top("schema: {A: {as: " + marker + "}}"), "6:18: this as is not known | use file"},
		{"rule of an environment", env("schema: {A: {type: " + marker + "}}"), "5:24: this type is not known"},
		{"cache: mode", top("cache: {mode: " + marker + "}"), "6:15: this mode is not known | use off, fallback, prefer"},
		{"cache: ttl", top("cache: {ttl: \"10 " + marker + "\"}"), "6:14: ttl: this is no length of time such as 90s"},
		{"cache: ttl a number", top("cache: {ttl: 10}"), "6:14: ttl must be a text"},
		{"cache of an environment", env("cache: {max_age: " + marker + "}"), "5:22: max_age: this is no length of time"},
		{"scan: min_length", top("scan: {min_length: " + marker + "}"), "6:20: min_length must be a whole number"},
		{"scan: skip", top("scan: {skip: [\"[" + marker + "\"]}"), "6:15: skip: this is no pattern"},
		{"path and paths", "version: \"1\"\nenvironments:\n  dev: {provider: aws, path: /a, paths: [/b]}\n", "3:30: environment dev has both path and paths"},
		{"no path and no paths", "version: \"1\"\nenvironments:\n  dev: {provider: aws, paths: []}\n", "3:3: environment dev has no path"},
		{"paths: shape", "version: \"1\"\nenvironments:\n  dev: {provider: aws, paths: [/a, \"" + marker + "\"]}\n", "3:36: paths: a path is like"},
		{"paths: one within another", "version: \"1\"\nenvironments:\n  dev: {provider: aws, paths: [/a/b, /a/]}\n", "3:31: dev (/a/b) and dev (/a) are one place, or one is within the other"},
		{"paths: twice", "version: \"1\"\nenvironments:\n  dev: {provider: aws, paths: [/a, a/]}\n", "3:31: dev (/a) and dev (/a) are one place"},
		{"paths for local", env("paths: [/" + marker + "]"), "5:5: paths goes with provider aws, and this one is local"},
		{"extends nothing", env("extends: prd") + "  prod: {provider: local}\ndefault_env: dev\n", "5:14: extends is not the name of an environment | did you mean prod? the environments are dev, prod"},
		{"extends no name", env("extends: \"" + marker + "\""), "5:14: extends: the name of an environment is made of"},
		{"extends itself", env("extends: dev"), "5:14: environments extend each other in a circle: dev (line 3), dev | take one extends out"},
		{"extends in a circle", "version: \"1\"\ndefault_env: a\nenvironments:\n  a: {provider: local, file: a, extends: b}\n  b: {provider: local, file: b, extends: c}\n  c: {provider: local, file: c, extends: b}\n", "6:42: environments extend each other in a circle: b (line 5), c (line 6), b"},
		{"extends the same file", env("extends: prod") + "  prod: {provider: local}\ndefault_env: dev\n", "5:14: prod (.skret.secrets.yaml) and dev (.skret.secrets.yaml) are one file"},
		{"what is extended is judged", env("file: f", "extends: prod") + "  prod: {provider: local, file: \"/" + marker + "\"}\ndefault_env: dev\n", "7:33: file: a file of the project is meant"},
		{"default_env", top("default_env: " + marker), "6:14: default_env: the name of an environment"},
		{"default_env not there", top("default_env: prod"), "6:14: default_env is not the name of an environment | the environments are dev"},
		{"project", top("project: \"" + marker + "\\e\""), "6:10: project: it has characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := project(t, c.text)
			got := refused(t, in, errs.Config)
			if !strings.Contains(got, Name+":"+c.want) && !(c.want[0] == ':' && strings.Contains(got, c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, marker) {
				t.Errorf("a value is shown: %s", got)
			}
		})
	}
}

func TestReportsAllProblemsAtOnce(t *testing.T) {
	got := refused(t, project(t, "version: 1\nprojcet: x\nenvironments:\n  dev:\n    provider: local\n    file: 5\n    <<: {}\n"), errs.Config)
	for _, want := range []string{":1:10: version", `:2:1: unknown key "projcet"`, ":6:11: file", ":7:5: merges"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	in := project(t, "version: \"1\"\nenvironments:\n  dev:\n    provider: aws\n    region: x\n    tier: y\n    file: z\n")
	in.Getenv = environ("SKRET_HOME=here")
	got = refused(t, in, errs.Config)
	for _, want := range []string{":3:3: environment dev has no path", ":5:13: region", ":6:11: this tier", ":7:5: file goes", "SKRET_HOME: this is not an absolute path"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestBoundsTheNumberOfProblems(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: \"1\"\nenvironments: {dev: {provider: local}}\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "k%d: x\n", i)
	}
	got := refused(t, project(t, b.String()), errs.Config)
	if n := strings.Count(got, "unknown key"); n != maxProblems || !strings.Contains(got, "980 more problems") {
		t.Errorf("%d problems are listed: %s", n, got)
	}
}

// TestOtherEnvironmentsAreNotJudged: what their values say is of no concern, but
// their structure is.
func TestOtherEnvironmentsAreNotJudged(t *testing.T) {
	const text = "version: \"1\"\ndefault_env: dev\nenvironments:\n  dev: {provider: local}\n  new: {provider: moon, region: \"?\", file: ../..}\n"
	load(t, project(t, text))
	in := project(t, text)
	in.Flags.Env = "new"
	refused(t, in, errs.Config)
	refused(t, project(t, strings.Replace(text, "provider: moon", "orbit: low", 1)), errs.Config)
}

func TestSizeLimit(t *testing.T) {
	load(t, project(t, good+"#"+strings.Repeat("x", maxSize-len(good)-2)+"\n"))
	got := refused(t, project(t, good+"#"+strings.Repeat("x", maxSize-len(good))+"\n"), errs.Config)
	if !strings.Contains(got, "larger than") {
		t.Error(got)
	}
}

// FuzzLoad: whatever is in the file, Load ends, and says nothing of it.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	for _, text := range []string{
		"", "version: 1", "a: &a [*a, *a]", "? {}\n: <<", "---\n---\n", "\t", "%TAG ! x\n", "{version: \"1\", environments: {dev: {provider: local}}}",
		"version: \"1\"\nenvironments:\n  dev:\n    provider: aws\n    path: /a\n    keys:\n    - \"" + marker + "\"\n",
		"    - {type: github, repository: a/b, env: prod, prune: true, only: [A]}\n    - {type: file, file: \"" + marker + "\"}\n",
		"    - {file: x, type: local}\n    - [" + marker + "]\n    - {type: file, prune: " + marker + "}\n",
		chain, "version: \"1\"\nenvironments: {a: {provider: aws, paths: [/a, " + marker + "], extends: b}, b: {provider: local, extends: a}}\ndefault_env: a",
		"version: |\n  1\nproject: >-\n  " + marker + "\n", "\ufeffversion: '1'\r\nenvironments: {a: {provider: " + marker + "}}\r\n",
	} {
		f.Add([]byte(text))
		f.Add([]byte(head + text))
		f.Add([]byte(text + "\nproject: " + marker))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file := write(t, string(data), dir, Name)
		p, err := Load(Input{Dir: dir, Home: dir})
		if err != nil {
			if got := said(err); strings.Contains(got, marker) {
				t.Errorf("a value is shown: %s", got)
			}
			if errs.KindOf(err) != errs.Config {
				t.Errorf("kind %v: %v", errs.KindOf(err), err)
			}
			return
		}
		if p.File != file || p.Env == "" || p.Place.Provider == ProviderLocal && !strings.HasPrefix(p.Place.File, dir) || p.Place.Provider == ProviderAWS && p.Place.Path == "" {
			t.Errorf("loaded %+v", p)
		}
		// What can be read can be added to, or is left alone.
		a := &Addition{File: file, Env: "fuzz-added", Place: Place{Provider: ProviderAWS, Path: "/fuzz"}}
		text, err := a.Apply(data)
		if err != nil {
			if errs.KindOf(err) != errs.Conflict || strings.Contains(said(err), marker) {
				t.Errorf("add: %v", said(err))
			}
			return
		}
		write(t, string(text), dir, Name)
		again, err := Load(Input{Dir: dir, Home: dir})
		if err != nil {
			t.Fatalf("after adding to it: %v\n%s", err, text)
		}
		if again.Env != p.Env || again.Place.Path != p.Place.Path || again.Place.File != p.Place.File {
			t.Errorf("adding changed it: %+v\n%+v\n%s", p, again, text)
		}
	})
}
