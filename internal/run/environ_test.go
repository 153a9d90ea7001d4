package run

import (
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// secrets makes a set of "NAME=value" strings.
func secrets(pairs ...string) (set secret.Set) {
	for _, p := range pairs {
		n, v, _ := strings.Cut(p, "=")
		set = append(set, secret.Variable{Name: n, Key: secret.Key(strings.ToLower(n)), Value: secret.NewValue(v)})
	}
	return set
}

func TestEnviron(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      secret.Set
		ambient  []string
		policy   Policy
		windows  bool
		want     []string
		replaced []string
	}{
		{
			name: "sorted by name",
			set:  secrets("B=2", "A=1"), ambient: []string{"Z=26", "AB=x", "A_=y"},
			want: []string{"A=1", "AB=x", "A_=y", "B=2", "Z=26"},
		},
		{
			name: "a secret wins and is named when it differs",
			set:  secrets("A=new", "B=same"), ambient: []string{"A=old", "B=same"},
			want: []string{"A=new", "B=same"}, replaced: []string{"A"},
		},
		{
			name: "all ambient variables win",
			set:  secrets("A=new", "C=3"), ambient: []string{"A=old"}, policy: Policy{PreserveAll: true},
			want: []string{"A=old", "C=3"},
		},
		{
			name: "the named ambient variables win",
			set:  secrets("A=new", "B=new", "C=new"), ambient: []string{"A=old", "B=old"}, policy: Policy{Preserve: []string{"A", "C"}},
			want: []string{"A=old", "B=new", "C=new"}, replaced: []string{"B"},
		},
		{
			name: "of two ambient variables of one name the first counts",
			set:  secrets("B=1"), ambient: []string{"A=first", "A=second"},
			want: []string{"A=first", "B=1"},
		},
		{
			name: "pristine keeps the essentials and what is named",
			set:  secrets("A=1"), ambient: []string{"PATH=/bin", "LC_ALL=C", "FOO=1", "BAR=2", "LC=3"},
			policy: Policy{Pristine: true, Preserve: []string{"BAR"}},
			want:   []string{"A=1", "BAR=2", "LC_ALL=C", "PATH=/bin"},
		},
		{
			name:    "what opens the store is not passed",
			ambient: []string{"SKRET_IDENTITY=AGE-SECRET-KEY-1", "SKRET_IDENTITY_FILE=f", "SKRET_ENV=dev"}, policy: Policy{PreserveAll: true},
			want: []string{"SKRET_ENV=dev", "SKRET_IDENTITY_FILE=f"},
		},
		{
			name:    "unless it is named",
			ambient: []string{"SKRET_IDENTITY=AGE-SECRET-KEY-1"}, policy: Policy{Preserve: []string{"SKRET_IDENTITY"}},
			want: []string{"SKRET_IDENTITY=AGE-SECRET-KEY-1"},
		},
		{
			name: "odd ambient entries pass as they are",
			set:  secrets("A="), ambient: []string{"BASH_FUNC_f%%=() { :; }", "no equals sign", "E="},
			want: []string{"A=", "BASH_FUNC_f%%=() { :; }", "E=", "no equals sign"},
		},
		{
			name: "on Windows names that differ in case are one",
			set:  secrets("PATHS=s", "TOKEN=new"), ambient: []string{"=C:=C:\\x", "Token=old", "Path=p", "token=older"}, windows: true,
			want: []string{"=C:=C:\\x", "PATHS=s", "Path=p", "TOKEN=new"}, replaced: []string{"TOKEN"},
		},
		{
			name: "on Windows pristine keeps what a program needs",
			set:  nil, ambient: []string{"SystemRoot=C:\\Windows", "Foo=1", "Path=p"}, policy: Policy{Pristine: true}, windows: true,
			want: []string{"Path=p", "SystemRoot=C:\\Windows"},
		},
		{
			name: "elsewhere they are two",
			set:  secrets("TOKEN=new"), ambient: []string{"token=old"},
			want: []string{"TOKEN=new", "token=old"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 3 { // the same each time
				env, replaced, err := environ(c.set, c.ambient, c.policy, c.windows)
				if err != nil || !slices.Equal(env, c.want) || !slices.Equal(replaced, c.replaced) {
					t.Fatalf("env %q, replaced %q, err %v; want %q, %q", env, replaced, err, c.want, c.replaced)
				}
			}
		})
	}
}

func TestEnvironKeepsEveryByteButNUL(t *testing.T) {
	var all []byte
	for b := 1; b < 256; b++ {
		all = append(all, byte(b))
	}
	env, _, err := Environ(secrets("A="+string(all)), nil, Policy{})
	if err != nil || len(env) != 1 || env[0] != "A="+string(all) {
		t.Fatalf("%q, %v", env, err)
	}

	env, _, err = Environ(secrets("BAD=s3cr\x00et", "GOOD=1", "WORSE=\x00"), []string{"X=1"}, Policy{})
	if env != nil || errs.KindOf(err) != errs.Invalid {
		t.Fatalf("%q, %v", env, err)
	}
	for _, want := range []string{`"bad"`, `"worse"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "s3cr") || strings.Contains(err.Error(), "good") {
		t.Errorf("the error says too much: %q", err)
	}
}

func TestCheckSize(t *testing.T) {
	l := limits{one: 100, total: 1000}
	fill := func(name string, n int) string { return name + "=" + strings.Repeat("x", n-len(name)-1) }
	if err := checkSize("/bin/x", []string{"x"}, []string{fill("A", 99)}, l); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := checkSize("/bin/x", []string{"x"}, []string{fill("A", 100000)}, limits{}); err != nil {
		t.Errorf("without a known limit: %v", err)
	}

	err := checkSize("/bin/x", []string{"x", strings.Repeat("a", 100)}, []string{fill("A", 99), fill("B", 100), fill("C", 101)}, l)
	for _, want := range []string{"argument 1 is too long: 100 bytes", "variable B is too long: 100 bytes", "variable C"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "xx") || strings.Contains(err.Error(), "variable A ") {
		t.Errorf("the error says too much: %q", err)
	}

	var env []string
	for i := range 20 {
		env = append(env, fill(string(rune('A'+i)), 40+i))
	}
	err = checkSize("/bin/x", []string{"x"}, env, l)
	if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "largest variables are T (59), S (58), R (57), Q (56), P (55)") ||
		!strings.Contains(err.Error(), "takes 1000") || errs.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}
