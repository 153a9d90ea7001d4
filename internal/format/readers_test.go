package format_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"
)

// Readers of the formats by their documented rules, as strict as can be: they
// know only what skret writes. The real programs judge in `make test-real`.

type vars map[string]string

func (v vars) add(name, value string) error {
	if _, twice := v[name]; twice {
		return fmt.Errorf("%s twice", name)
	}
	v[name] = value
	return nil
}

// readShell reads assignments behind lead, their values in POSIX quotes.
func readShell(lead string) func(text string) (vars, error) {
	return func(text string) (vars, error) {
		got := vars{}
		for text != "" {
			rest, ok := strings.CutPrefix(text, lead)
			name, rest, eq := strings.Cut(rest, "=")
			if !ok || !eq {
				return nil, fmt.Errorf("no assignment: %.80q", text)
			}
			var value strings.Builder
			for !strings.HasPrefix(rest, "\n") {
				if strings.HasPrefix(rest, `\'`) {
					value.WriteByte('\'')
					rest = rest[2:]
					continue
				}
				if rest == "" || rest[0] != '\'' && rest[0] != '"' {
					return nil, fmt.Errorf("not quoted: %.80q", rest)
				}
				inner, after, closed := strings.Cut(rest[1:], rest[:1])
				if !closed || rest[0] == '"' && strings.ContainsAny(inner, "\\$`") {
					return nil, fmt.Errorf("an open or a live string: %.80q", rest)
				}
				value.WriteString(inner)
				rest = after
			}
			if err := got.add(name, value.String()); err != nil {
				return nil, err
			}
			text = rest[1:]
		}
		return got, nil
	}
}

func readFish(text string) (vars, error) {
	got := vars{}
	for text != "" {
		rest, ok := strings.CutPrefix(text, "set -gx ")
		name, rest, sp := strings.Cut(rest, " '")
		if !ok || !sp {
			return nil, fmt.Errorf("no set: %.80q", text)
		}
		var value strings.Builder
		for !strings.HasPrefix(rest, "'") {
			if strings.HasPrefix(rest, `\\`) || strings.HasPrefix(rest, `\'`) {
				rest = rest[1:]
			}
			if rest == "" {
				return nil, errors.New("an open string")
			}
			value.WriteByte(rest[0])
			rest = rest[1:]
		}
		if text, ok = strings.CutPrefix(rest, "'\n"); !ok {
			return nil, fmt.Errorf("more than a string: %.80q", rest)
		}
		if err := got.add(name, value.String()); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// readPowerShell reads line by line, as `| Invoke-Expression` does.
func readPowerShell(text string) (vars, error) {
	got := vars{}
	for line := range strings.Lines(text) {
		for _, c := range []byte(strings.TrimSuffix(line, "\n")) {
			if c < ' ' || c > '~' {
				return nil, fmt.Errorf("not printable ASCII: %q", line)
			}
		}
		name, expr, ok := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "$env:"), " = ")
		if !ok {
			return nil, fmt.Errorf("no assignment: %q", line)
		}
		inner, join := strings.CutPrefix(expr, "-join (")
		if join {
			expr = strings.TrimSuffix(inner, ")")
		}
		var units []uint16
		for first := true; expr != ""; first = false {
			if !first {
				if expr, ok = strings.CutPrefix(expr, ", "); !ok || !join {
					return nil, fmt.Errorf("more than one: %q", line)
				}
			}
			if n, isChar := strings.CutPrefix(expr, "[char]"); isChar {
				digits := 0
				for digits < len(n) && n[digits] >= '0' && n[digits] <= '9' {
					digits++
				}
				u, err := strconv.ParseUint(n[:digits], 10, 16)
				if err != nil {
					return nil, err
				}
				units, expr = append(units, uint16(u)), n[digits:]
				continue
			}
			if expr[0] != '\'' {
				return nil, fmt.Errorf("not quoted: %q", line)
			}
			expr = expr[1:]
			for {
				i := strings.IndexByte(expr, '\'')
				if i < 0 {
					return nil, fmt.Errorf("an open string: %q", line)
				}
				units = append(units, utf16.Encode([]rune(expr[:i]))...)
				if expr = expr[i+1:]; !strings.HasPrefix(expr, "'") {
					break
				}
				units, expr = append(units, '\''), expr[1:]
			}
		}
		if len(units) == 0 {
			return nil, fmt.Errorf("empty, which removes the variable: %q", line)
		}
		if err := got.add(name, string(utf16.Decode(units))); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// readDocker follows the package documentation of docker's kvfile.
func readDocker(text string) (vars, error) {
	got := vars{}
	for line := range strings.Lines(text) {
		if len(line) >= 64<<10 {
			return nil, errors.New("line too long")
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if line = strings.TrimLeft(line, " \t\v\f\r\u0085\u00a0"); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("no variable: %.80q", line)
		}
		if err := got.add(name, value); err != nil {
			return nil, err
		}
	}
	return got, nil
}

// readGitHub follows the runner's reading of the files behind GITHUB_ENV. On
// Windows it takes CR LF for the end of a line too.
func readGitHub(windows bool) func(text string) (vars, error) {
	return func(text string) (vars, error) {
		next := func() (line, end string, ok bool) {
			if text == "" {
				return "", "", false
			}
			i := strings.IndexByte(text, '\n')
			if i < 0 {
				line, text = text, ""
				return line, "", true
			}
			line, end, text = text[:i], "\n", text[i+1:]
			if windows && strings.HasSuffix(line, "\r") {
				line, end = line[:i-1], "\r\n"
			}
			return line, end, true
		}
		got := vars{}
		for {
			line, _, ok := next()
			if !ok {
				return got, nil
			}
			if line == "" {
				continue
			}
			name, delimiter, heredoc := strings.Cut(line, "<<")
			if !heredoc || name == "" || delimiter == "" || strings.Contains(name, "=") {
				return nil, fmt.Errorf("no heredoc: %.80q", line)
			}
			var value strings.Builder
			ending := ""
			for {
				line, end, ok := next()
				if !ok {
					return nil, fmt.Errorf("%s has no end", name)
				}
				if line == delimiter {
					break
				}
				value.WriteString(ending + line)
				ending = end
			}
			if err := got.add(name, value.String()); err != nil {
				return nil, err
			}
		}
	}
}

func readJSON(text string) (got vars, err error) {
	return got, json.Unmarshal([]byte(text), &got)
}

func readYAML(text string) (got vars, err error) {
	return got, yaml.Unmarshal([]byte(text), &got)
}

// readOurs reads with the Reader of this name.
func readOurs(name string) func(text string) (vars, error) {
	return func(text string) (vars, error) {
		es, err := readText(name, "", text)
		got := vars{}
		for _, e := range es {
			if err := got.add(string(e.Key), e.Value.Reveal()); err != nil {
				return nil, err
			}
		}
		return got, err
	}
}
