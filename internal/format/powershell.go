package format

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// powershell writes $env:NAME = 'value' in printable ASCII and on one line,
// because PowerShell decodes a program's output by the console's code page, and
// hands it to Invoke-Expression line by line. All other characters are written
// as their code units:
//
//	$env:NAME = -join ('one', [char]10, 'two')
//
// So no character but the ASCII quote, which is doubled, can end the literal:
// PowerShell takes some typographic quotes for single quotes too.
func powershell(name, value string) (text, refusal string) {
	if value == "" {
		return "", "the value is empty, and PowerShell before 7.5 removes a variable that is set so"
	}
	var parts []string
	for value != "" {
		plain := prefix(value, true)
		if plain != "" {
			parts = append(parts, "'"+strings.ReplaceAll(plain, "'", "''")+"'")
		}
		other := prefix(value[len(plain):], false)
		for _, unit := range utf16.Encode([]rune(other)) {
			parts = append(parts, fmt.Sprintf("[char]%d", unit))
		}
		value = value[len(plain)+len(other):]
	}
	if len(parts) == 1 && parts[0][0] == '\'' {
		return "$env:" + name + " = " + parts[0] + "\n", ""
	}
	return "$env:" + name + " = -join (" + strings.Join(parts, ", ") + ")\n", ""
}

// prefix returns how far s begins with printable ASCII, or with anything else.
func prefix(s string, printable bool) string {
	end := strings.IndexFunc(s, func(r rune) bool { return (r >= ' ' && r <= '~') != printable })
	if end < 0 {
		return s
	}
	return s[:end]
}
