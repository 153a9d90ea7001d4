package format

import (
	"bytes"
	"errors"

	"github.com/pelletier/go-toml/v2/unstable"
)

// readTOML reads keys with values, without tables. The parser is used below its
// decoder, which would not tell how a number was written.
func readTOML(s *sheet, text string) {
	data := []byte(text)
	at := lines{text: text}
	var p unstable.Parser
	p.Reset(data)
	inTable := false
	for !s.full() && p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.KeyValue:
			if !inTable { // the table was reported
				s.tomlValue(&p, e, &at)
			}
		case unstable.Table, unstable.ArrayTable:
			inTable = true
			key := e.Key()
			key.Next()
			s.nested(at.line(int(key.Node().Raw.Offset)), string(key.Node().Data))
		}
	}
	// What the parser says of a text may show what is in it; only the place is taken.
	if pe, ok := errors.AsType[*unstable.ParserError](p.Error()); ok {
		// A slice tells where it is by its capacity.
		offset := max(at.at, min(len(data), cap(data)-cap(pe.Highlight)))
		s.problem(at.line(offset), "", "a text goes into quotes", "this is not valid TOML")
	} else if p.Error() != nil {
		s.problem(1, "", "", "this is not valid TOML")
	}
}

func (s *sheet) tomlValue(p *unstable.Parser, e *unstable.Node, at *lines) {
	key := e.Key()
	key.Next()
	line, name, dotted := at.line(int(key.Node().Raw.Offset)), string(key.Node().Data), !key.IsLast()
	v := e.Value()
	switch {
	case dotted:
		s.problem(line, name, "put a name with dots in quotes", "the name has parts, and stands for a table")
	case v.Kind == unstable.Array || v.Kind == unstable.InlineTable:
		s.nested(line, name)
	case v.Kind == unstable.String && bytes.ContainsRune(p.Raw(v.Raw), '\r'):
		s.problem(line, name, `write it as \r, or give the lines of the file other ends`, "readers of TOML take a carriage return within a text differently")
	case v.Kind == unstable.String, v.Kind == unstable.Bool, v.Kind == unstable.Integer, v.Kind == unstable.Float:
		s.add(line, name, name, string(v.Data))
	default:
		s.problem(line, name, "write it as a text, in quotes", "the value is a date or a time")
	}
}
