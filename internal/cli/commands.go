package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// command is a row of the one list of commands.
type command struct {
	name    string
	aliases []string
	new     func(*app) *cobra.Command
}

func (c command) is(word string) bool { return c.name == word || slices.Contains(c.aliases, word) }

func (c command) make(a *app) *cobra.Command {
	made := c.new(a)
	made.Aliases = c.aliases
	return made
}

// commands is the one list of commands, in the order in which help shows them.
var commands = []command{
	{"init", nil, newInit},
	{"get", nil, newGet},
	{"set", nil, newSet},
	{"list", []string{"ls"}, newList},
	{"delete", []string{"rm"}, newDelete},
	{"rename", nil, newRename},
	{"edit", nil, newEdit},
	{"find", nil, newFind},
	{"history", nil, newHistory},
	{"rollback", nil, newRollback},
	{"explain", nil, newExplain},
	{"run", nil, newRun},
	{"env", []string{"export"}, newEnv},
	{"template", nil, newTemplate},
	{"mask", nil, newMask},
	{"check", nil, newCheck},
	{"generate", nil, newGenerate},
	{"scan", nil, newScan},
	{"import", nil, newImport},
	{"sync", nil, newSync},
	{"copy", []string{"promote"}, newCopy},
	{"diff", nil, newDiff},
	{"browse", nil, newBrowse},
	{"trust", nil, newTrust},
	{"local", nil, newLocal},
	{"config", nil, newConfig},
	{"auth", nil, newAuth},
	{"cache", nil, newCache},
	{"audit", nil, newAudit},
	{"doctor", nil, newDoctor},
	{"hook", nil, newHook},
	{"completion", nil, newCompletion},
	{"mcp", nil, newMCP},
	{"version", nil, newVersion},
}

// wanted returns the command that args name, so that nothing is built of the
// others: that takes as long as all the rest of a start. It is "" when args name
// none that is known, or ask for what needs the whole tree.
func wanted(global *pflag.FlagSet, args []string) string {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--version" && len(args) == 1:
			return "version"
		case !strings.HasPrefix(arg, "-"):
			if slices.ContainsFunc(commands, func(c command) bool { return c.is(arg) }) && arg != "completion" {
				return arg
			}
			return ""
		case arg == "--":
			return ""
		}
		// A flag whose value is the next word.
		var f *pflag.Flag
		if name, long := strings.CutPrefix(arg, "--"); long {
			f = global.Lookup(name)
		} else if len(arg) == 2 {
			f = global.ShorthandLookup(arg[1:])
		}
		if f != nil && f.NoOptDefVal == "" {
			i++
		}
	}
	return ""
}
