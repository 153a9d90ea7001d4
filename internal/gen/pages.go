package main

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// pages adds the reference and the man page of a command and of those below it.
func pages(c *cobra.Command, files map[string][]byte) error {
	if c.HasParent() && !c.IsAvailableCommand() {
		return nil
	}
	// A help text is plain; both kinds of page are made from Markdown.
	c.Long = markdown(cmp.Or(c.Long, c.Short+"."))
	files["docs/reference/"+pageName(c, "_")+".md"] = reference(c)
	man, err := manPage(c)
	if err != nil {
		return fmt.Errorf("man page of %s: %w", c.CommandPath(), err)
	}
	files["docs/man/"+pageName(c, "-")+".1"] = man
	for _, sub := range c.Commands() {
		if err := pages(sub, files); err != nil {
			return err
		}
	}
	return nil
}

func pageName(c *cobra.Command, sep string) string {
	return strings.ReplaceAll(c.CommandPath(), " ", sep)
}

// manPage returns the framework's man page, without a date.
func manPage(c *cobra.Command) ([]byte, error) {
	c.DisableAutoGenTag = true
	var b bytes.Buffer
	epoch := time.Unix(0, 0).UTC()
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "skret", Manual: "skret", Date: &epoch}, &b); err != nil {
		return nil, err
	}
	return bytes.Replace(b.Bytes(), []byte(epoch.Format("Jan 2006")), nil, 1), nil
}

// reference returns a command's page.
func reference(c *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n```\n%s\n```\n", c.CommandPath(), escape(c.Short), c.UseLine())
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso: `%s`\n", strings.Join(c.Aliases, "`, `"))
	}
	fmt.Fprintf(&b, "\n%s\n", c.Long)
	if c.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```\n%s\n```\n", dedent(c.Example))
	}
	flags(&b, "Flags", c.NonInheritedFlags())
	flags(&b, "Flags of every command", c.InheritedFlags())
	var below []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			below = append(below, sub)
		}
	}
	if len(below) > 0 {
		fmt.Fprintf(&b, "\n## Commands\n\n| | |\n|---|---|\n")
	}
	for _, sub := range below {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s |\n", sub.CommandPath(), pageName(sub, "_"), escape(sub.Short))
	}
	if c.HasParent() {
		fmt.Fprintf(&b, "\nSee also [%s](%s.md)\n", c.Parent().CommandPath(), pageName(c.Parent(), "_"))
	}
	return b.Bytes()
}

// flags writes a table of flags, if there are any.
func flags(b *bytes.Buffer, title string, set *pflag.FlagSet) {
	first := true
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if first {
			fmt.Fprintf(b, "\n## %s\n\n| | |\n|---|---|\n", title)
			first = false
		}
		what, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		switch {
		case f.Value.Type() == "bool":
		case f.NoOptDefVal != "":
			name += "[=" + what + "]"
		default:
			name += " " + what
		}
		switch f.DefValue {
		case "", "false", "[]", "0", "0s":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", name, strings.ReplaceAll(escape(usage), "|", "\\|"))
	})
}

// markdown makes Markdown of a help text: what is indented there is shown as it
// stands, the rest means itself.
func markdown(text string) string {
	var b strings.Builder
	fenced, blank := false, false
	fence := func(on bool) {
		if on == fenced {
			return
		}
		if on && !blank {
			b.WriteString("\n")
		}
		b.WriteString("```\n")
		fenced = on
		if !on && !blank {
			b.WriteString("\n")
		}
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		if line != "" {
			fence(indented)
		} else if fenced {
			fence(false)
			continue
		}
		if indented {
			line = line[2:]
		} else {
			line = escape(line)
		}
		b.WriteString(line + "\n")
		blank = line == ""
	}
	blank = true
	fence(false)
	return strings.TrimRight(b.String(), "\n")
}

// escape makes Markdown that shows s as it stands.
func escape(s string) string {
	return strings.NewReplacer("*", "\\*", "_", "\\_", "<", "\\<", "[", "\\[", "`", "\\`").Replace(s)
}

// dedent removes the two spaces that examples have in help texts.
func dedent(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "  "), "\n  ", "\n")
}
