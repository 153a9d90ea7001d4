package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/secret"
)

const (
	completionWait = 300 * time.Millisecond // the longest that a Tab may take
	completionLife = 60 * time.Second       // how long names that were fetched are used again
)

// shells are those that a script can be made for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the completion script of a shell",
		Long: `Print the script that makes a shell complete skret's commands, flags,
environments and the names of secrets. Names are asked for without reading any
value, kept for 60 seconds, and given up on after 300 ms.

skret completion install puts the script where the shell looks for it. The one for
bash needs the package bash-completion.`,
		Example: `  skret completion install
  source <(skret completion bash)          # in ~/.bashrc
  skret completion powershell | Out-String | Invoke-Expression`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: shells,
		RunE:      func(c *cobra.Command, args []string) error { return runCompletion(a, c.Root(), args[0]) },
	}
	c.AddCommand(newCompletionInstall(a))
	return c
}

func runCompletion(a *app, root *cobra.Command, shell string) error {
	script, err := completionScript(root, shell)
	if err != nil {
		return err
	}
	return a.printScript(shell, script)
}

// printScript prints what a shell is to evaluate.
func (a *app) printScript(shell, script string) error {
	if a.json() {
		return a.streams.JSON(map[string]string{"shell": shell, "script": script})
	}
	_, err := a.streams.Out.WriteString(script)
	return err
}

// completionScript returns the script of a shell.
func completionScript(root *cobra.Command, shell string) (string, error) {
	if err := enum("completion", shell, shells...); err != nil {
		return "", err
	}
	var script strings.Builder
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&script, true)
	case "zsh":
		err = root.GenZshCompletion(&script)
	case "fish":
		err = root.GenFishCompletion(&script, true)
	case "powershell":
		err = root.GenPowerShellCompletionWithDesc(&script)
	}
	return script.String(), err
}

// completeFlags gives the global flags with a list of words their completion.
func (a *app) completeFlags(root *cobra.Command) {
	words := func(f func(c *cobra.Command) []string) cobra.CompletionFunc {
		return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return f(c), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for flag, f := range map[string]func(c *cobra.Command) []string{
		"env":       func(*cobra.Command) []string { return a.envNames() },
		"provider":  func(*cobra.Command) []string { return []string{config.ProviderAWS, config.ProviderLocal} },
		"format":    allowedFormats,
		"log-level": func(*cobra.Command) []string { return logLevels },
	} {
		_ = root.RegisterFlagCompletionFunc(flag, words(f)) // fails only for a flag that does not exist
	}
}

// envNames are the environments of the project, as far as it can be read.
func (a *app) envNames() []string {
	in, err := a.input()
	if err != nil {
		return nil
	}
	p, err := config.Outline(in)
	if err != nil {
		return nil
	}
	return p.Envs
}

// completeEnvs offers environments, and files, for two places.
func (a *app) completeEnvs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) >= 2 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.quiet()
	return a.envNames(), cobra.ShellCompDirectiveDefault
}

// completeKeys offers the names of the environment's secrets. Whatever goes
// wrong, it offers nothing and says nothing: this runs at every Tab.
func (a *app) completeKeys(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const done = cobra.ShellCompDirectiveNoFileComp
	if n := argLimit[c.Name()]; n > 0 && len(args) >= n {
		return nil, done
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionWait)
	defer cancel()
	a.quiet()
	client, err := a.open()
	if err != nil {
		return nil, done
	}
	cache := nameCache(client.Project)
	if names, ok := cachedNames(cache); ok {
		return names, done
	}
	names := make(chan []string, 1)
	go func() { names <- fetchNames(ctx, client) }()
	select {
	case ns := <-names:
		if cache != "" && ns != nil {
			keepNames(cache, ns)
		}
		return ns, done
	case <-ctx.Done():
		return nil, done
	}
}

// argLimit is how many keys the commands take that take a fixed number.
var argLimit = map[string]int{"list": 1, "history": 1, "rollback": 1, "set": 1, "edit": 1, "rename": 1, "explain": 1}

// fetchNames lists the names that follow the rules for keys. What another wrote into
// a store may have a name that a shell would run.
func fetchNames(ctx context.Context, client *engine.Client) []string {
	es, err := client.Names(ctx, "")
	if err != nil {
		return nil
	}
	ns := make([]string, 0, len(es))
	for _, e := range es {
		if _, err := secret.ParseKey(string(e.Key)); err == nil {
			ns = append(ns, string(e.Key))
		}
	}
	return ns
}

// namesFile is what the cache holds: names, never a value.
type namesFile struct {
	Fetched time.Time `json:"fetched"`
	Names   []string  `json:"names"`
}

// nameCache returns the file for the names of p's environment, or "" where they
// are not kept: a local store is as quick to read as a cache.
func nameCache(p *config.Project) string {
	if p.Home == "" || !p.Remote() {
		return ""
	}
	what := []string{p.Getenv("AWS_ACCESS_KEY_ID"), p.Getenv("AWS_ENDPOINT_URL"), p.Getenv("AWS_ENDPOINT_URL_SSM")}
	for _, l := range p.Layers {
		what = append(what, l.Place.Path, l.Place.Region, l.Place.Profile, l.Place.File)
	}
	id, _ := json.Marshal(what)
	sum := sha256.Sum256(id)
	return filepath.Join(p.Home, "cache", "names-"+hex.EncodeToString(sum[:12])+".json")
}

func cachedNames(name string) ([]string, bool) {
	if name == "" {
		return nil, false
	}
	b, err := durable.ReadFile(name, 4<<20)
	if err != nil {
		return nil, false
	}
	var f namesFile
	if json.Unmarshal(b, &f) != nil {
		return nil, false
	}
	age := time.Since(f.Fetched)
	return f.Names, age >= 0 && age < completionLife
}

func keepNames(name string, names []string) {
	b, err := json.Marshal(namesFile{Fetched: time.Now(), Names: names})
	if err != nil {
		return
	}
	if err := durable.PrivateDir(filepath.Dir(name)); err != nil {
		return
	}
	_ = durable.WriteFile(name, b, 0o600) // the next Tab asks again
}
