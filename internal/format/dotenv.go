package format

import (
	"slices"
	"strings"

	"github.com/skret/skret/internal/secret"
)

// dotenvName is the name of the format, the reader, and the one that has dialects.
const dotenvName = "dotenv"

// assignments reads a dotenv file as all of the dialects read it. A line that they
// read differently, or that one of them refuses, is a problem.
func (s *sheet) assignments(text string, ds []*Dialect) []statement {
	var all []statement
	reads := make([]statement, len(ds))
	line, at := 1, 0
	for !s.full() {
		// What a dialect sees behind the first statement of all is for later.
		first := len(text)
		for i, d := range ds {
			st, ok := d.next(text, at)
			if !ok {
				st = statement{at: len(text), next: len(text)}
			}
			reads[i], first = st, min(first, st.at)
		}
		if first == len(text) {
			return all
		}
		line += strings.Count(text[at:first], "\n")
		next, title := len(text), ""
		for _, st := range reads {
			if st.at == first && st.why != quoteOpen {
				next = min(next, st.next)
			}
			if st.at == first && title == "" {
				title = st.title
			}
		}
		if same(reads) {
			s.add(line, reads[0].name, title, reads[0].value)
			// The last dialect is a shell's, which knows best where a word ends.
			all = append(all, reads[len(reads)-1])
		} else {
			s.problem(line, title, hintFor(ds), differences(text, ds, reads, first))
		}
		line += strings.Count(text[first:next], "\n")
		at = next
	}
	return all
}

// same tells whether all dialects read the same statement.
func same(reads []statement) bool {
	first := reads[0]
	return !slices.ContainsFunc(reads, func(st statement) bool {
		return st.why != "" || st.at != first.at || st.next != first.next || st.name != first.name || st.value != first.value
	})
}

func hintFor(ds []*Dialect) string {
	if len(ds) == 1 {
		return ""
	}
	return "say which program the file is for with --dialect: " + secret.Join(dialectNames())
}

// differences says on what dialects disagree: what some of them refuse, or else
// the sign that they take differently.
func differences(text string, ds []*Dialect, reads []statement, first int) string {
	var refusals, values groups
	last := first
	for i, st := range reads {
		switch {
		case st.at != first: // the dialect sees nothing here
			values.add("", ds[i].Name)
		case st.why != "":
			refusals.add(st.why, ds[i].Name)
		default:
			values.add(st.name+"="+st.value, ds[i].Name)
		}
		last = max(last, min(st.next, len(text)))
	}
	if len(refusals) > 0 {
		var parts []string
		for _, g := range refusals {
			if len(g.names) < len(ds) {
				g.what = and(g.names) + ": " + g.what
			}
			parts = append(parts, g.what)
		}
		return strings.Join(parts, "; ")
	}
	slices.SortStableFunc(values, func(a, b group) int { return len(a.names) - len(b.names) })
	sign := "the blanks"
	for _, c := range []struct{ text, name string }{
		{"`", "the backtick"}, {`\`, "the backslash"}, {"$", "the $"}, {"#", "the #"}, {"\r", "the carriage return"}, {`"`, "the quotes"}, {"'", "the quotes"},
	} {
		if strings.Contains(text[first:last], c.text) {
			sign = c.name
			break
		}
	}
	var parts []string
	for i, g := range values {
		parts = append(parts, []string{"one thing", "another", "a third", "a fourth", "a fifth", "a sixth"}[i]+" to "+and(g.names))
	}
	return sign + " means " + strings.Join(parts, ", ")
}

// groups are dialects by what they do.
type groups []group

type group struct {
	what  string
	names []string
}

func (g *groups) add(what, name string) {
	for i := range *g {
		if (*g)[i].what == what {
			(*g)[i].names = append((*g)[i].names, name)
			return
		}
	}
	*g = append(*g, group{what, []string{name}})
}

// and returns the names as a list in a sentence.
func and(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// EditDotenv returns a dotenv file with the variables of set in it, and without
// those of remove. The line of a name that has another value is written anew, up
// to a comment at its end; names that are not there go to the end; all else stays
// byte for byte. A name that is both in set and in remove is set.
//
// The file must be one that all programs read alike, as [Reader] has it, and is
// one afterwards: an error of kind Invalid says which lines or values are not.
func EditDotenv(old []byte, set secret.Set, remove []string) ([]byte, error) {
	f, _ := Lookup(dotenvName)
	if _, err := f.Text(set); err != nil {
		return nil, err
	}
	text, marked := strings.CutPrefix(string(old), bom)
	var s sheet
	lines := s.assignments(text, alike())
	if err := s.err(); err != nil {
		return nil, err
	}
	news := make(map[string]secret.Variable, len(set))
	for _, v := range set {
		news[v.Name] = v
	}
	var b strings.Builder
	if marked {
		b.WriteString(bom)
	}
	gone, done, at := map[string]bool{}, map[string]bool{}, 0
	for _, name := range remove {
		gone[name] = true
	}
	for _, l := range lines {
		v, found := news[l.name]
		switch done[l.name] = true; {
		case found && !v.Value.Equal(secret.NewValue(l.value)):
			item, err := f.Text(secret.Set{v})
			if err != nil {
				return nil, err
			}
			b.WriteString(text[at:l.word] + strings.TrimSuffix(string(item), "\n"))
			at = l.tail
		case !found && gone[l.name]:
			b.WriteString(text[at:l.at])
			at = l.next
		}
	}
	b.WriteString(text[at:])
	rest := slices.DeleteFunc(slices.Clone(set), func(v secret.Variable) bool { return done[v.Name] })
	item, err := f.Text(rest)
	if err != nil {
		return nil, err
	}
	if len(item) > 0 && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
	b.Write(item)
	return []byte(b.String()), nil
}
