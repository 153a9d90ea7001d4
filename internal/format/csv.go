package format

import "strings"

// readCSV reads rows of RFC 4180: a name and a value. encoding/csv would drop the
// carriage returns of line breaks within quotes.
func readCSV(s *sheet, text string) {
	p := csvParser{text: text, line: 1}
	for head := true; p.at < len(p.text) && !s.full(); {
		at := p.line
		empty := strings.HasPrefix(p.text[p.at:], "\n") || strings.HasPrefix(p.text[p.at:], "\r\n")
		row, why := p.row()
		switch {
		case empty:
		case why != "":
			s.problem(at, "", "", why)
			return
		case head:
			head = false
			name := strings.ToLower(row[0])
			if len(row) != 2 || name != "name" && name != "key" || strings.ToLower(row[1]) != "value" {
				s.problem(at, "", "", "the first row must be NAME,VALUE or key,value")
				return
			}
		case len(row) != 2:
			s.problem(at, "", "a value with a comma, a quote or a line break goes into quotes", "the row must have two columns")
		default:
			s.add(at, row[0], row[0], row[1])
		}
	}
}

type csvParser struct {
	text string
	at   int
	line int
}

// row reads a row and the end of its line.
func (p *csvParser) row() (fields []string, why string) {
	for {
		field, why := p.field()
		if why != "" {
			return nil, why
		}
		fields = append(fields, field)
		switch rest := p.text[p.at:]; {
		case strings.HasPrefix(rest, ","):
			p.at++
			continue
		case strings.HasPrefix(rest, "\r\n"):
			p.at += 2
		case rest != "":
			p.at++
		}
		p.line++
		return fields, ""
	}
}

// field reads a field, to the comma or the end of the line behind it.
func (p *csvParser) field() (field, why string) {
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, `"`) {
		n := strings.IndexAny(rest, ",\n")
		if n < 0 {
			n = len(rest)
		}
		if n < len(rest) && rest[n] == '\n' || n == len(rest) {
			n = len(strings.TrimSuffix(rest[:n], "\r"))
		}
		if strings.ContainsAny(rest[:n], "\"\r") {
			return "", "a quote or a carriage return stands in a field without quotes"
		}
		p.at += n
		return rest[:n], ""
	}
	var b strings.Builder
	for rest = rest[1:]; ; {
		inner, after, found := strings.Cut(rest, `"`)
		if !found {
			return "", "a field in quotes begins in this row that has no end"
		}
		b.WriteString(inner)
		if rest = after; !strings.HasPrefix(rest, `"`) {
			break
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
	p.line += strings.Count(b.String(), "\n")
	p.at = len(p.text) - len(rest)
	if rest != "" && rest[0] != ',' && rest[0] != '\n' && !strings.HasPrefix(rest, "\r\n") {
		return "", "text stands behind the closing quote of a field"
	}
	return b.String(), ""
}
