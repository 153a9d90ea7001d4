// Package hook is what a shell runs so that the secrets of a project are in its
// environment as long as it is in the project's folder.
//
// [Script] is put into the shell's start file. Whenever the folder has changed, it
// has skret say what is to be done, and evaluates that: [Leave] takes back what was
// loaded, [Enter] loads. What was loaded is remembered in the shell itself, in the
// variable [Variable]: a [State]. A shell that is started within the folder
// inherits both and loads nothing twice.
//
// The limits: every program that is started from the shell gets the secrets, not
// only the one that needs them, and so does every script that such a program runs.
// What was changed by hand after loading is lost on leaving.
package hook

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

// Variable is where a shell remembers what it has loaded.
const Variable = "SKRET_HOOK"

// untold is the shell's own variable, not for its children, for the project whose
// secrets were not loaded because the user has not allowed it. While it is set the
// hook asks before every prompt, so that consent takes effect at once.
const untold = "_SKRET_HOOK_WAIT"

// Shells are those that there is a hook for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// State is what a shell has loaded.
type State struct {
	File    string            `json:"file"`    // the configuration
	Content string            `json:"content"` // what stood in it
	Env     string            `json:"env"`
	Names   []string          `json:"names"` // of the variables that were set
	Was     map[string]string `json:"was"`   // of those, what was there before
}

// Parse reads a state; what is none is the state of a shell that has loaded nothing.
func Parse(text string) State {
	var s State
	data, err := base64.RawURLEncoding.DecodeString(text)
	illegal := func(name string) bool { return secret.CheckEnvName(name) != nil }
	if err != nil || json.Unmarshal(data, &s) != nil || slices.ContainsFunc(s.Names, illegal) {
		return State{}
	}
	for name := range s.Was {
		if !slices.Contains(s.Names, name) {
			return State{}
		}
	}
	return s
}

// String is the text that [Parse] reads.
func (s State) String() string {
	data, _ := json.Marshal(s) // strings alone: it cannot fail
	return base64.RawURLEncoding.EncodeToString(data)
}

// Leave is the code that takes back what was loaded.
func Leave(shell string, s State) (string, error) {
	if len(s.Names) == 0 {
		return "", nil
	}
	var gone []string
	var back secret.Set
	for _, name := range slices.Sorted(slices.Values(s.Names)) {
		if old, ok := s.Was[name]; ok {
			back = append(back, secret.Variable{Name: name, Value: secret.NewValue(old)})
		} else {
			gone = append(gone, name)
		}
	}
	text, err := exports(shell, back)
	if err != nil {
		return "", err
	}
	return unset(shell, append(gone, Variable)...) + text, nil
}

// Enter is the code that loads the variables; s is their state, without names.
func Enter(shell string, s State, set secret.Set, was map[string]string) (string, error) {
	s.Was = map[string]string{}
	for _, v := range set {
		s.Names = append(s.Names, v.Name)
		if old, ok := was[v.Name]; ok {
			s.Was[v.Name] = old
		}
	}
	return exports(shell, append(slices.Clone(set), secret.Variable{Name: Variable, Key: Variable, Value: secret.NewValue(s.String())}))
}

// Wait is the code by which a shell asks again before every prompt whether the
// project may be loaded; "" ends that.
func Wait(shell, file string) string {
	if shell == "fish" {
		return "set -g " + untold + " " + quote(shell, file) + "\n"
	}
	return untold + "=" + quote(shell, file) + "\n"
}

// Again is the code by which a shell asks once more, now that what it had is gone.
func Again(shell, program string) string {
	if shell == "fish" {
		return quote(shell, program) + " hook update fish | source\n"
	}
	return `eval "$(` + quote(shell, program) + " hook update " + shell + `)"` + "\n"
}

func exports(shell string, set secret.Set) (string, error) {
	if shell != "fish" {
		shell = "shell"
	}
	f, _ := format.Lookup(shell)
	text, err := f.Text(set)
	return string(text), err
}

func unset(shell string, names ...string) string {
	if shell == "fish" {
		return "set -e " + strings.Join(names, " ") + "\n"
	}
	return "unset " + strings.Join(names, " ") + "\n"
}

// quote makes one word of s.
func quote(shell, s string) string {
	if shell == "fish" {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Script is what goes into the shell's start file; program is skret's own path.
func Script(shell, program string) (string, error) {
	script, ok := map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
	if !ok {
		return "", errs.New(errs.Invalid, "there is no hook for the shell %q", shell).WithHint("use one of %s", strings.Join(Shells(), ", "))
	}
	return strings.NewReplacer("PROGRAM", quote(shell, program), "WAIT", untold).Replace(script), nil
}

// The scripts leave the status of the last command as it was. Without a change of
// the folder they start nothing.
const (
	bash = `_skret_hook() {
  local status=$?
  if [ "$PWD" != "${_SKRET_HOOK_DIR-}" ] || [ -n "${WAIT-}" ]; then
    _SKRET_HOOK_DIR=$PWD
    eval "$(PROGRAM hook update bash -- "${WAIT-}")"
  fi
  return $status
}
case ";${PROMPT_COMMAND[*]-};" in
  *_skret_hook*) ;;
  *) PROMPT_COMMAND="_skret_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}" ;;
esac
`
	zsh = `_skret_hook() {
  local last=$?
  if [[ "$PWD" != "${_SKRET_HOOK_DIR-}" || -n "${WAIT-}" ]]; then
    typeset -g _SKRET_HOOK_DIR=$PWD
    eval "$(PROGRAM hook update zsh -- "${WAIT-}")"
  fi
  return $last
}
autoload -Uz add-zsh-hook
add-zsh-hook precmd _skret_hook
`
	fish = `function _skret_hook --on-event fish_prompt
  set -l last $status
  if test "$PWD" != "$_SKRET_HOOK_DIR"; or test -n "$WAIT"
    set -g _SKRET_HOOK_DIR $PWD
    PROGRAM hook update fish -- "$WAIT" | source
  end
  return $last
end
`
)
