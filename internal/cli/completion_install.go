package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

type completionInstallOptions struct{ uninstall bool }

func (o *completionInstallOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.uninstall, "uninstall", false, "remove the script again")
}

func newCompletionInstall(a *app) *cobra.Command {
	var o completionInstallOptions
	c := &cobra.Command{
		Use:   "install [bash|zsh|fish]",
		Short: "Put the completion script where the shell looks for it",
		Long: `Put the completion script where the shell looks for it: that of $SHELL, or the one
that is named. For you alone, and into a file of its own:

  bash  ~/.local/share/bash-completion/completions/skret
  zsh   ~/.local/share/zsh/site-functions/_skret
  fish  ~/.config/fish/completions/skret.fish

XDG_DATA_HOME, XDG_CONFIG_HOME and BASH_COMPLETION_USER_DIR count. Files such as
~/.zshrc are not touched: what there is left to do is said.`,
		Example: `  skret completion install
  skret completion install zsh
  skret completion install zsh --uninstall`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: shells[:3],
		RunE: func(c *cobra.Command, args []string) error {
			return runCompletionInstall(a, c.Root(), o, strings.Join(args, ""))
		},
	}
	o.bind(c.Flags())
	return c
}

func runCompletionInstall(a *app, root *cobra.Command, o completionInstallOptions, shell string) error {
	name := "completion install"
	if shell == "" {
		name, shell = "SHELL", strings.TrimSuffix(filepath.Base(getenv("SHELL")), ".exe")
	}
	switch shell {
	case ".":
		return errs.New(errs.Invalid, "which shell is not said, and SHELL is not set").WithHint("name one: skret completion install bash")
	case "powershell":
		return errs.New(errs.Invalid, "PowerShell has no place for completion scripts").
			WithHint("add to your profile: skret completion powershell | Out-String | Invoke-Expression")
	}
	if err := enum(name, shell, shells[:3]...); err != nil {
		return err
	}
	home := config.Home()
	if !filepath.IsAbs(home) {
		return errs.New(errs.Config, "no home folder is known").WithHint("set HOME to a full path")
	}
	place := completionPlace(shell, home)
	text, err := completionScript(root, shell)
	if err != nil {
		return err
	}
	old, err := durable.ReadFile(place.file, 1<<20)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err == nil && !strings.Contains(string(old), "__complete"): // as every script of ours has it
		return errs.New(errs.Conflict, "%s is there, and not skret's", place.file).WithHint("move it away first")
	}
	there := err == nil
	changed := !there || string(old) != text
	todo := place.todo
	if o.uninstall {
		changed, todo = there, ""
		err = durable.Remove(place.file)
	} else if err = nil; changed {
		err = durable.WriteFile(place.file, []byte(text), 0o644)
	}
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"shell": shell, "file": place.file, "installed": !o.uninstall, "changed": changed, "todo": todo})
	}
	switch {
	case o.uninstall && changed:
		a.streams.Notice("removed %s", place.file)
	case o.uninstall:
		a.streams.Notice("there is no %s", place.file)
	case changed:
		a.streams.Notice("wrote %s", place.file)
	default:
		a.streams.Notice("%s is up to date", place.file)
	}
	if todo != "" {
		a.streams.Notice("%s", todo)
	}
	return nil
}

// scriptPlace is where a shell looks for a script.
type scriptPlace struct {
	file string
	todo string // what the user has to do besides
}

func completionPlace(shell, home string) scriptPlace {
	data := cmp.Or(absolute(getenv("XDG_DATA_HOME")), filepath.Join(home, ".local", "share"))
	again := "it is there in shells that you start from now on"
	switch shell {
	case "zsh":
		dir := filepath.Join(data, "zsh", "site-functions")
		p := scriptPlace{filepath.Join(dir, "_skret"), again}
		rc := filepath.Join(cmp.Or(absolute(getenv("ZDOTDIR")), home), ".zshrc")
		text, _ := durable.ReadFile(rc, 1<<20) // without one there is something to do
		if !strings.Contains(string(text), dir) && !strings.Contains(":"+getenv("FPATH")+":", ":"+dir+":") {
			p.todo = fmt.Sprintf("put into %s, before compinit: fpath=(%s $fpath); if there is no compinit, then also: autoload -Uz compinit && compinit", rc, errs.Word(dir))
		}
		return p
	case "fish":
		conf := cmp.Or(absolute(getenv("XDG_CONFIG_HOME")), filepath.Join(home, ".config"))
		return scriptPlace{filepath.Join(conf, "fish", "completions", "skret.fish"), again}
	}
	user, _, _ := strings.Cut(getenv("BASH_COMPLETION_USER_DIR"), ":")
	dir := cmp.Or(absolute(user), filepath.Join(data, "bash-completion"))
	return scriptPlace{filepath.Join(dir, "completions", "skret"), again + ", where the package bash-completion is installed"}
}

// absolute is a path from the environment, "" where it is none that counts.
func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return ""
}
