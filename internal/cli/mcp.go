package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/mcp"
	"github.com/skret/skret/internal/secret"
)

type mcpOptions struct {
	filters
	commands []string
	limit    time.Duration
}

func (o *mcpOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.StringArrayVar(&o.commands, "allow", nil, "let the client run this `command` with the secrets; a word may be a glob (again for more)")
	f.DurationVar(&o.limit, "run-timeout", 5*time.Minute, "end a command after this long")
}

func newMCP(a *app) *cobra.Command {
	var o mcpOptions
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Serve the names of secrets, never a value, to a coding agent (MCP)",
		Long: `Serve tools to a coding agent by the Model Context Protocol, on standard input and
output, for one environment:

  list_names  the names of the secrets
  describe    what is known of one secret: layers, version, rules
  check       what is wrong with the environment
  diff_names  which names one environment has and another has not
  run         run a command that --allow names, with the secrets

No tool returns a value. What run prints is masked as by skret mask, cut after
64 KiB, and ended after --run-timeout. A command has to be allowed word by word;
a word of --allow may be a glob, and so "npm *" allows a second word and no third.

The limits: run lowers exposure and isolates nothing. A command that is allowed has
the values; what it writes into files, sends over the network, or prints in a form
that masking does not know, the agent can get at. Allow no command that the agent can
change (a Makefile in the project it edits is one) if it must not have the values,
and give the agent an environment of its own with values that may be lost. An agent
that can start programs by itself can start skret get: keep the identity from it.`,
		Example: `  skret mcp -e dev
  skret mcp -e dev --allow 'go test ./...' --allow 'npm run *'
  claude mcp add skret -- skret mcp -C ~/src/app -e dev`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runMCP(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return formats(c, "json")
}

func runMCP(ctx context.Context, a *app, o mcpOptions) error {
	t := &mcpTools{a: a, o: o}
	for _, s := range o.commands {
		words := strings.Fields(s)
		for _, w := range words {
			if _, err := path.Match(w, ""); err != nil {
				return errs.New(errs.Invalid, "--allow %q: %q is no pattern", s, w)
			}
		}
		if len(words) == 0 {
			return errs.New(errs.Invalid, "--allow: the command is empty")
		}
		t.allowed = append(t.allowed, words)
	}
	a.global.noInput = true
	p, err := a.project()
	if err != nil {
		return err
	}
	t.project = p
	a.signals.watch()
	s := mcp.Server{
		Name: "skret", Version: version(), Tools: t.list(),
		Instructions: "Names and facts of the secrets of " + p.Describe() + ". No tool returns a value. " + t.commands(),
	}
	return s.Serve(ctx, a.streams.In, flushing{a.streams})
}

// mcpTools are the tools, on one environment.
type mcpTools struct {
	a       *app
	o       mcpOptions
	project *config.Project
	allowed [][]string

	mu     sync.Mutex
	client *engine.Client
}

// open opens the environment at the first call, so that a client can start us
// where nobody is signed in yet.
func (t *mcpTools) open() (*engine.Client, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		return t.client, nil
	}
	c, err := engine.Open(t.a.options(t.project))
	if err == nil {
		t.client = c
	}
	return c, err
}

// commands says what can be run.
func (t *mcpTools) commands() string {
	if len(t.allowed) == 0 {
		return "No command may be run."
	}
	return "Commands that may be run, where * stands for anything in one word: " + strings.Join(t.o.commands, "; ")
}

func (t *mcpTools) list() []mcp.Tool {
	tools := []mcp.Tool{
		{
			Name: "list_names", Title: "List the names of secrets",
			Description: "The keys of the environment's secrets, each with the variable that a command gets, its version and its last change. No values.",
			Input:       object(`"prefix": {"type": "string", "description": "only keys that begin with this"}`),
			Call:        tool(t.listNames),
		},
		{
			Name: "describe", Title: "Describe a secret",
			Description: "What is known of one secret: the layers that define it and which one holds, its version, and the rules it has to keep. Not its value.",
			Input:       object(`"key": {"type": "string", "description": "the key, or the variable"}`, "key"),
			Call:        tool(t.describe),
		},
		{
			Name: "check", Title: "Check the environment",
			Description: "All that is wrong with the environment's secrets: missing ones, and values that are not of their type. No values.",
			Input:       object(`"names_only": {"type": "boolean", "description": "read no value: judge only what is there"}`),
			Call:        tool(t.check),
		},
		{
			Name: "diff_names", Title: "Compare the names of two environments",
			Description: "Which names only one of two environments has. Values are not compared. Environments: " + strings.Join(t.project.Envs, ", "),
			Input: object(`"left": {"type": "string", "description": "an environment; the server's own without it"},
				"right": {"type": "string", "description": "an environment"}`, "right"),
			Call: tool(t.diffNames),
		},
	}
	if len(t.allowed) > 0 {
		tools = append(tools, mcp.Tool{
			Name: "run", Title: "Run a command with the secrets", Changes: true,
			Description: "Run a command with the environment's secrets as variables, without a shell. Its output is masked and may be cut. " + t.commands(),
			Input:       object(`"command": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "the program and its arguments, word by word"}`, "command"),
			Call:        tool(t.run),
		})
	}
	return tools
}

// object is the schema of arguments.
func object(properties string, required ...string) json.RawMessage {
	names, _ := json.Marshal(append([]string{}, required...))
	return json.RawMessage(`{"type": "object", "properties": {` + properties + `}, "required": ` + string(names) + `, "additionalProperties": false}`)
}

// tool reads the arguments into what the function takes.
func tool[A any](call func(context.Context, A) (any, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, arguments json.RawMessage) (any, error) {
		var a A
		dec := json.NewDecoder(bytes.NewReader(arguments))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&a); err != nil {
			return nil, errs.New(errs.Invalid, "the arguments are not as the tool's schema says")
		}
		return call(ctx, a)
	}
}

type mcpName struct {
	Key      string    `json:"key"`
	Variable string    `json:"variable"`
	Version  int64     `json:"version"`
	Modified time.Time `json:"modified"`
}

func (t *mcpTools) listNames(ctx context.Context, q struct {
	Prefix string `json:"prefix"`
}) (any, error) {
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	es, err := c.Names(ctx, secret.Key(q.Prefix))
	if err != nil {
		return nil, err
	}
	names := make([]mcpName, len(es))
	for i, e := range es {
		names[i] = mcpName{string(e.Key), e.Key.EnvName(), e.Version, e.Modified}
	}
	return map[string]any{"environment": t.project.Env, "names": names}, nil
}

func (t *mcpTools) describe(ctx context.Context, q struct {
	Key string `json:"key"`
}) (any, error) {
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	x, err := c.Explain(ctx, q.Key)
	if err != nil {
		return nil, err
	}
	return newExplanationJSON(x), nil
}

func (t *mcpTools) check(ctx context.Context, q struct {
	NamesOnly bool `json:"names_only"`
}) (any, error) {
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	secrets, faults, err := c.Check(ctx, q.NamesOnly, t.o.only, t.o.except, t.o.allow)
	if err != nil {
		return nil, err
	}
	doc := checkJSON{Environment: t.project.Env, Secrets: secrets, Faults: []faultJSON{}}
	for _, f := range faults {
		doc.Faults = append(doc.Faults, faultJSON(f))
	}
	return doc, nil
}

// named is the names of an environment of the project.
func (t *mcpTools) named(ctx context.Context, env string) ([]string, error) {
	c, err := t.open()
	if env != "" && env != t.project.Env {
		in, ierr := t.a.input()
		if ierr != nil {
			return nil, ierr
		}
		p, perr := load(in, config.Flags{Env: env})
		if perr != nil {
			return nil, perr
		}
		c, err = engine.Open(t.a.options(p))
	}
	if err != nil {
		return nil, err
	}
	es, err := c.Names(ctx, "")
	names := make([]string, len(es))
	for i, e := range es {
		names[i] = string(e.Key)
	}
	return names, err
}

func (t *mcpTools) diffNames(ctx context.Context, q struct {
	Left  string `json:"left"`
	Right string `json:"right"`
}) (any, error) {
	left, err := t.named(ctx, q.Left)
	if err != nil {
		return nil, err
	}
	right, err := t.named(ctx, q.Right)
	if err != nil {
		return nil, err
	}
	in := func(all []string) func(string) bool { return func(n string) bool { return slices.Contains(all, n) } }
	return map[string]any{
		"only_left":  slices.DeleteFunc(slices.Clone(left), in(right)),
		"only_right": slices.DeleteFunc(slices.Clone(right), in(left)),
		"both":       len(left) - len(slices.DeleteFunc(slices.Clone(left), in(right))),
	}, nil
}
