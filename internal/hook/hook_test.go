package hook

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
)

func TestStateComesBackAsItWas(t *testing.T) {
	s := State{File: "/a/.skret.yaml", Content: "sha256:1", Env: "dev", Names: []string{"A", "B"}, Was: map[string]string{"B": "x\ny'\"$"}}
	got := Parse(s.String())
	if got.String() != s.String() || got.Was["B"] != s.Was["B"] {
		t.Errorf("got %+v, want %+v", got, s)
	}
}

// The state comes from the environment: what is none loads and unsets nothing.
func TestWhatIsNoStateIsNone(t *testing.T) {
	for _, text := range []string{
		"", "x", "e30", "!!", State{Names: []string{"A; rm -rf /"}}.String(), State{Was: map[string]string{"PATH": "/evil"}}.String(),
	} {
		if got := Parse(text); got.File != "" || len(got.Names) > 0 || len(got.Was) > 0 {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestLeaveUnsetsAndPutsBack(t *testing.T) {
	s := State{Names: []string{"B", "A"}, Was: map[string]string{"B": "it's"}}
	for shell, want := range map[string]string{
		"bash": "unset A SKRET_HOOK\nexport B='it'\\''s'\n",
		"fish": "set -e A SKRET_HOOK\nset -gx B 'it\\'s'\n",
	} {
		got, err := Leave(shell, s)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", shell, got, err, want)
		}
	}
	if got, err := Leave("bash", State{}); got != "" || err != nil {
		t.Errorf("nothing was loaded, and %q, %v", got, err)
	}
}

// A value that the shell cannot take loads nothing at all.
func TestEnterLoadsAllOrNothing(t *testing.T) {
	set := secret.Set{{Name: "A", Value: secret.NewValue("1")}, {Name: "RANDOM", Value: secret.NewValue("2")}}
	if code, err := Enter("bash", State{}, set, nil); err == nil || code != "" {
		t.Errorf("%q, %v", code, err)
	}
	code, err := Enter("bash", State{File: "/f"}, set[:1], map[string]string{"A": "0"})
	if err != nil || !strings.HasPrefix(code, "export A='1'\nexport SKRET_HOOK='") {
		t.Errorf("%q, %v", code, err)
	}
}
