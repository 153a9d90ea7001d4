package cli

import (
	"bytes"
	"cmp"
	"path"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// file is the name of the text, which the editor shows.
func (e *editing) file() string {
	name := path.Base(string(e.key))
	if e.key == "" {
		name = cmp.Or(e.client.Project.Env, "secrets") + ".yaml"
	}
	if _, err := secret.ParseKey(name); err != nil || strings.Contains(name, "/") || strings.HasPrefix(name, "-") {
		return "value"
	}
	return name
}

// text writes secrets as the text to be edited.
func (e *editing) text(es []secret.Entry) ([]byte, error) {
	if e.key != "" {
		return []byte(valueOf(es)), nil
	}
	head := []string{
		"The secrets of " + e.client.Project.Describe() + ".",
		"",
		"A line that you take out deletes the secret, after a question; one that you add",
		"makes a new one. Nothing is written if you leave all as it is.",
	}
	if len(e.odd) > 0 {
		head = append(head, "", "These are no text, and stay as they are:")
		for _, o := range e.odd {
			head = append(head, "  "+o)
		}
	}
	for _, r := range e.remarks {
		head = append(head, "", r)
	}
	var b bytes.Buffer
	for _, l := range head {
		b.WriteString(strings.TrimRight("# "+ui.Safe(l), " ") + "\n")
	}
	b.WriteByte('\n')
	doc, err := format.Document(es)
	b.Write(doc)
	return b.Bytes(), err
}

// parse reads the text that came back.
func (e *editing) parse(text []byte) ([]secret.Entry, error) {
	if e.key != "" {
		was := valueOf(e.was)
		v := withoutAdded(was, string(text))
		if v != string(text) && v != was && v != "" {
			e.streams.Notice("the line break at the end is not part of the value; an empty line at the end would make it one")
		}
		if v == "" && !e.o.allowEmpty {
			return nil, errs.New(errs.Invalid, "the value of %s is empty", e.key).WithHint("pass --allow-empty if that is meant")
		}
		return []secret.Entry{{Key: e.key, Value: secret.NewValue(v)}}, nil
	}
	r, _ := format.LookupReader("yaml")
	es, err := r.Read(text, format.ReadOptions{})
	if err != nil {
		return nil, err
	}
	if len(es) == 0 {
		return nil, errs.New(errs.Invalid, "no secret is left in the text").WithHint("delete secrets with skret delete if that is meant")
	}
	return es, nil
}

// valueOf returns the bytes of the one secret, none where there is none.
func valueOf(es []secret.Entry) string {
	if len(es) == 0 {
		return ""
	}
	return es[0].Value.Reveal()
}

// withoutAdded takes one line break off the end of a text if the value did not end
// with one: editors put it there. It has the form that those of the value have.
func withoutAdded(was, text string) string {
	unix, dos := strings.TrimSuffix(text, "\n"), strings.TrimSuffix(text, "\r\n")
	switch {
	case strings.HasSuffix(was, "\n"):
		return text
	case strings.Contains(was, "\r\n"):
		return dos
	case strings.ContainsAny(was, "\r\n") || dos == text:
		return unix
	}
	return dos
}
