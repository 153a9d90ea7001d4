package format

import (
	"slices"
	"strings"
)

// dotenv writes NAME='value', or NAME="value" when the value has a single quote.
// What its many readers disagree on is refused; the package comment lists them.
func dotenv(name, value string) (text, refusal string) {
	quote := "'"
	if strings.Contains(value, "'") {
		quote = `"`
	}
	switch {
	case owned(name, shOwn):
		return "", ownedByShell
	case strings.Contains(value, "\r"):
		return "", "the value has a carriage return, which readers of dotenv files drop"
	case quote == `"` && strings.ContainsAny(value, "\"\\$`"):
		return "", "the value has a single quote and one of \" \\ $ `, for which readers of dotenv files have no common writing"
	case strings.Contains(value, `\\`) || strings.HasSuffix(value, `\`):
		return "", `the value has two backslashes in a row, or one at its end, which readers of dotenv files take differently`
	case strings.Contains(value, "${"):
		return "", "the value has ${, which python-dotenv expands within any quotes"
	}
	return name + "=" + quote + value + quote + "\n", ""
}

// shell writes export NAME='value'. Nothing within single quotes means anything
// to a POSIX shell but the quote itself.
func shell(name, value string) (text, refusal string) {
	if owned(name, shOwn, zshOwn) {
		return "", ownedByShell
	}
	return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'\n", ""
}

// fish writes set -gx NAME 'value'. Within single quotes fish knows \\ and \'.
func fish(name, value string) (text, refusal string) {
	switch {
	case owned(name, fishOwn):
		return "", ownedByShell
	case (name == "PATH" || name == "CDPATH") && strings.Contains(":"+value+":", "::"):
		return "", "fish puts a dot for the empty element of a path"
	}
	return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'\n", ""
}

const ownedByShell = "shells keep the variable for themselves"

// Variables that are no plain variables to a shell: some cannot be set, some
// change at once, some end the shell when the value is no number, and in bash
// some evaluate the value as arithmetic, which can run commands. A trailing *
// matches any rest.
const (
	// To a POSIX shell, dash or bash.
	shOwn = "_ BASHOPTS BASHPID BASH_* COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME FUNCNEST GROUPS HISTCMD HISTFILE LINENO " +
		"MAILPATH OLDPWD OPTARG OPTERR OPTIND PIPESTATUS POSIXLY_CORRECT PPID PWD RANDOM SECONDS SHELLOPTS SHLVL SRANDOM TMOUT UID"
	// To zsh besides.
	zshOwn = "ARGC ARGV0 COLUMNS EGID ERRNO GID HISTCHARS HISTSIZE KEYBOARD_HACK KEYTIMEOUT LINES LISTMAX MAILCHECK NULLCMD POSTEDIT " +
		"PROMPT PROMPT2 PROMPT3 PROMPT4 READNULLCMD RPROMPT RPROMPT2 RPS1 RPS2 SAVEHIST SPROMPT TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT " +
		"TTYIDLE USERNAME WATCH ZSH_EVAL_CONTEXT ZSH_SUBSHELL"
	// To fish.
	fishOwn = "_ COLUMNS FISH_VERSION LINES PWD SHLVL"
)

// owned tells whether name is in one of the lists, or is one of the many variables
// with small letters that zsh and fish have; skret makes no such name.
func owned(name string, lists ...string) bool {
	return name != strings.ToUpper(name) || slices.ContainsFunc(lists, func(l string) bool { return listed(l, name) })
}

// listed tells whether the list has name.
func listed(list, name string) bool {
	for n := range strings.FieldsSeq(list) {
		prefix, any := strings.CutSuffix(n, "*")
		if n == name || any && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
