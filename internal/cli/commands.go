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
	group   string // ID of one of groups
	new     func(*app) *cobra.Command
}

func (c command) is(word string) bool { return c.name == word || slices.Contains(c.aliases, word) }

func (c command) make(a *app) *cobra.Command {
	made := c.new(a)
	made.Aliases, made.GroupID = c.aliases, c.group
	return made
}

// groups are the headings under which help shows the commands.
var groups = []*cobra.Group{
	{ID: "start", Title: "Getting started:"},
	{ID: "secrets", Title: "Looking after secrets:"},
	{ID: "programs", Title: "Programs and checks:"},
	{ID: "move", Title: "Moving secrets:"},
	{ID: "machine", Title: "Sign-in, settings, this machine:"},
}

// commands is the one list of commands, in the order in which help shows them.
var commands = []command{
	{"init", nil, "start", newInit},
	{"set", nil, "start", newSet},
	{"get", nil, "start", newGet},
	{"list", []string{"ls"}, "start", newList},
	{"run", nil, "start", newRun},
	{"edit", nil, "secrets", newEdit},
	{"delete", []string{"rm"}, "secrets", newDelete},
	{"rename", nil, "secrets", newRename},
	{"find", nil, "secrets", newFind},
	{"history", nil, "secrets", newHistory},
	{"rollback", nil, "secrets", newRollback},
	{"explain", nil, "secrets", newExplain},
	{"generate", nil, "secrets", newGenerate},
	{"browse", nil, "secrets", newBrowse},
	{"env", []string{"export"}, "programs", newEnv},
	{"template", nil, "programs", newTemplate},
	{"mask", nil, "programs", newMask},
	{"hook", nil, "programs", newHook},
	{"mcp", nil, "programs", newMCP},
	{"check", nil, "programs", newCheck},
	{"scan", nil, "programs", newScan},
	{"import", nil, "move", newImport},
	{"sync", nil, "move", newSync},
	{"copy", []string{"promote"}, "move", newCopy},
	{"diff", nil, "move", newDiff},
	{"trust", nil, "move", newTrust},
	{"auth", nil, "machine", newAuth},
	{"local", nil, "machine", newLocal},
	{"config", nil, "machine", newConfig},
	{"doctor", nil, "machine", newDoctor},
	{"cache", nil, "machine", newCache},
	{"audit", nil, "machine", newAudit},
	{"completion", nil, "machine", newCompletion},
	{"version", nil, "machine", newVersion},
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
