package format

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// readKubernetes reads manifests of Secrets: one, several documents, or Lists of
// them. stringData goes before data, as in the cluster.
func readKubernetes(s *sheet, text string) {
	var docs []node
	ok := false
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		docs = make([]node, 1)
		docs[0], ok = parseJSON(s, text)
	} else {
		docs, ok = parseYAML(s, text)
	}
	if !ok {
		return
	}
	if len(docs) == 0 {
		s.problem(1, "", "", "there is no Secret")
	}
	for _, d := range docs {
		s.manifest(d)
	}
}

const notSecret = "this is not a Secret of v1, and nothing else is read"

func (s *sheet) manifest(n node) {
	switch {
	case n.kind == broken:
	case !n.is("apiVersion", "v1"):
		s.problem(n.line, "", "", notSecret)
	case n.is("kind", "Secret"):
		s.secretData(n)
	case n.is("kind", "List") || n.is("kind", "SecretList"):
		items, _ := n.get("items")
		if items.node.kind != aList {
			s.problem(n.line, "", "", "the items of this List are no list")
		}
		for _, m := range items.node.table {
			if m.node.is("kind", "Secret") {
				s.manifest(m.node)
			} else if m.node.kind != broken {
				s.problem(m.line, "", "", notSecret)
			}
		}
	default:
		s.problem(n.line, "", "", notSecret)
	}
}

func (s *sheet) secretData(n node) {
	data, _ := n.get("data")
	texts, _ := n.get("stringData")
	for _, part := range []member{data, texts} {
		if k := part.node.kind; part.name != "" && k != aTable && k != aNull && k != broken {
			s.problem(part.line, part.name, "", "it must be names with values")
		}
	}
	plain := make(map[string]bool, len(texts.node.table))
	for _, m := range texts.node.table {
		plain[m.name] = true
	}
	for _, m := range data.node.table {
		if plain[m.name] {
			continue
		}
		switch m.node.kind {
		case aNull:
			s.addNull(m.line, m.name)
		case aText:
			value, err := base64.StdEncoding.DecodeString(m.node.text)
			if err != nil {
				s.problem(m.line, m.name, "texts as they are stand in stringData", "the value is not base64")
				continue
			}
			s.add(m.line, m.name, m.name, string(value))
		case aLiteral, aTable, aList:
			s.problem(m.line, m.name, "", "the value is not base64")
		}
	}
	for _, m := range texts.node.table {
		switch m.node.kind {
		case aNull:
			s.addNull(m.line, m.name)
		case aText:
			s.add(m.line, m.name, m.name, m.node.text)
		case aLiteral, aTable, aList:
			s.problem(m.line, m.name, "put it in quotes", "the value must be a text")
		}
	}
}

// ManifestOptions say what a [Manifest] is called and where it goes.
type ManifestOptions struct {
	Name      string
	Namespace string            // "": where kubectl is told to
	Labels    map[string]string // may be nil
}

// Manifest writes the set as a Secret of Kubernetes, in YAML: type Opaque, the
// names of the variables for its keys, and the exact bytes of the values in
// base64. Names that Kubernetes would refuse, and more than 1 MiB of values, are
// one error of kind Invalid.
func Manifest(set secret.Set, o ManifestOptions) ([]byte, error) {
	const maxData = 1 << 20
	var refused refusals
	var b strings.Builder
	size := 0
	for _, v := range set {
		if !manifestKey(v.Name) {
			refused.add(v, "a key of a Secret is up to 253 letters, digits, and the signs _ . -, without .. at the start")
		}
		value := v.Value.Reveal()
		size += len(value)
		b.WriteString("  " + `"` + v.Name + `": "` + base64.StdEncoding.EncodeToString([]byte(value)) + "\"\n")
	}
	probs := []error{refused.err("kubernetes"), o.check()}
	if size > maxData {
		probs = append(probs, errs.New(errs.Invalid, "kubernetes cannot carry the values: together they are more than 1 MiB").WithHint("leave some out with --except"))
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	var head strings.Builder
	head.WriteString("apiVersion: \"v1\"\nkind: \"Secret\"\nmetadata:\n  name: \"" + o.Name + "\"\n")
	if o.Namespace != "" {
		head.WriteString("  namespace: \"" + o.Namespace + "\"\n")
	}
	if len(o.Labels) > 0 {
		head.WriteString("  labels:\n")
	}
	for _, k := range slices.Sorted(maps.Keys(o.Labels)) {
		head.WriteString(`    "` + k + `": "` + o.Labels[k] + "\"\n")
	}
	// Always there: without it, an apply would take away the keys of others.
	head.WriteString("type: \"Opaque\"\ndata:")
	if len(set) == 0 {
		return []byte(head.String() + " {}\n"), nil
	}
	return []byte(head.String() + "\n" + b.String()), nil
}

func manifestKey(s string) bool {
	return s != "" && s != "." && len(s) <= 253 && !strings.HasPrefix(s, "..") && strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) }) < 0
}

// check judges the names by the rules of Kubernetes.
func (o ManifestOptions) check() error {
	if !subdomain(o.Name) {
		return errs.New(errs.Invalid, "invalid name %s of a Secret", shown(o.Name)).
			WithHint("a name is up to 253 small letters, digits, - and ., with a letter or a digit at both ends of each part")
	}
	if o.Namespace != "" && !dnsLabel(o.Namespace) {
		return errs.New(errs.Invalid, "invalid namespace %s", shown(o.Namespace)).
			WithHint("a namespace is up to 63 small letters, digits and -, with a letter or a digit at both ends")
	}
	for k, v := range o.Labels {
		prefix, name, qualified := strings.Cut(k, "/")
		if !qualified {
			prefix, name = "kubernetes.io", k
		}
		if !subdomain(prefix) || name == "" || !labelText(name) || !labelText(v) {
			return errs.New(errs.Invalid, "invalid label %s", shown(k)).
				WithHint("names and values of labels are up to 63 letters, digits, and the signs _ . -, with a letter or a digit at both ends")
		}
	}
	return nil
}

// subdomain tells whether s is labels of DNS that are joined by dots.
func subdomain(s string) bool {
	return len(s) <= 253 && !slices.ContainsFunc(strings.Split(s, "."), func(l string) bool { return !smallLabel(l) })
}

func dnsLabel(s string) bool { return len(s) <= 63 && smallLabel(s) }

// smallLabel is a label of DNS of any length.
func smallLabel(s string) bool {
	return labelEnds(s) && s != "" && s == strings.ToLower(s) && !strings.ContainsAny(s, "_.")
}

// labelText tells whether s may be the name or the value of a label.
func labelText(s string) bool { return len(s) <= 63 && labelEnds(s) }

// labelEnds tells whether s is plain, and has a letter or a digit at both ends.
func labelEnds(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) }) < 0 && strings.Trim(s, "_.-") == s
}
