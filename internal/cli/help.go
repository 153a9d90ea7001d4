package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/errs"
)

// newHelp takes the place of the framework's, which succeeds for a command that
// does not exist.
func newHelp(a *app, root *cobra.Command) *cobra.Command {
	asJSON := false
	help := &cobra.Command{
		Use:   "help [COMMAND ...]",
		Short: "Help about any command",
		Long: `Show the help of a command. --json, or --format json, prints what a program can
read: the command with its flags and all commands below it, or without a COMMAND
the whole tree.`,
		Example: `  skret help run
  skret help --json
  skret help auth login --json`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if c, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, sub.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return errs.New(errs.Invalid, "there is no command %q", strings.Join(args, " ")).WithHint("see skret --help")
			}
			if asJSON {
				a.global.format = "json"
			}
			return c.Help()
		},
	}
	help.Flags().BoolVar(&asJSON, "json", false, "print the tree of commands as JSON")
	return help
}

// helpInJSON has every way to ask for help print what a program can read where
// --format json asks for that.
func (a *app) helpInJSON(root *cobra.Command) {
	text := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if a.json() {
			_ = a.streams.JSON(helpOf(c)) // Flush tells
			return
		}
		text(c, args)
	})
}

// commandJSON is a command as a program reads it.
type commandJSON struct {
	Path     string        `json:"path"` // skret auth login
	Aliases  []string      `json:"aliases"`
	Usage    string        `json:"usage"`
	Short    string        `json:"short"`
	Long     string        `json:"long"`
	Example  string        `json:"example"`
	Runs     bool          `json:"runs"` // it does something by itself
	Formats  []string      `json:"formats"`
	Flags    []flagJSON    `json:"flags"` // of skret itself: those that every command takes
	Commands []commandJSON `json:"commands"`
}

type flagJSON struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand"`
	Type      string `json:"type"` // bool, string, stringSlice (comma or again), stringArray (again), duration, int
	Default   string `json:"default"`
	Usage     string `json:"usage"`
}

func helpOf(c *cobra.Command) commandJSON {
	doc := commandJSON{
		Path: c.CommandPath(), Aliases: append([]string{}, c.Aliases...), Usage: c.UseLine(), Short: c.Short, Long: c.Long, Example: c.Example,
		Runs: c.Runnable(), Formats: allowedFormats(c), Flags: []flagJSON{}, Commands: []commandJSON{},
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			_, usage := pflag.UnquoteUsage(f)
			doc.Flags = append(doc.Flags, flagJSON{f.Name, f.Shorthand, f.Value.Type(), f.DefValue, usage})
		}
	})
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" { // which the framework does not count
			doc.Commands = append(doc.Commands, helpOf(sub))
		}
	}
	return doc
}
