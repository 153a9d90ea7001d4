package leak

import (
	"fmt"
	"slices"
	"strings"
)

// minLine is the shortest line of a longer value that is looked for by itself.
const minLine = 8

// common are values, in lower case, that occur everywhere.
const common = " true false null none undefined empty enabled disabled default auto always never optional required " +
	"localhost 127.0.0.1 0.0.0.0 host.docker.internal production prod staging stage development develop devel test testing preview local " +
	"debug info warn warning error trace verbose silent json text utf-8 utf8 main master latest stable " +
	"admin administrator root user username guest postgres postgresql mysql mariadb sqlite redis mongodb rabbitmq http https smtp " +
	"password passwd secret token changeme change-me example dummy sample placeholder unset todo " +
	"123456 1234567 12345678 123456789 1234567890 password1 password123 qwerty abc123 " +
	"http://localhost https://localhost http://localhost:3000 http://localhost:8080 http://127.0.0.1 "

// unfit returns why value is not to be looked for, or "". It shows nothing of it.
func unfit(value string, least int) string {
	switch {
	case value == "":
		return "it is empty"
	case len(value) < least:
		return fmt.Sprintf("it is shorter than %d bytes", least)
	case len(value) < 6 && strings.Trim(value, "0123456789.-") == "":
		return "it is a short number"
	case alike(value):
		return "it has too few different characters"
	case len(value) < 32 && (strings.Contains(common, " "+strings.ToLower(value)+" ") && !strings.Contains(value, " ") || region(value)):
		return "it is a common word"
	}
	return ""
}

// alike tells whether value is made of two bytes at most.
func alike(value string) bool {
	seen := value[:1]
	for i := range len(value) {
		if strings.IndexByte(seen, value[i]) >= 0 {
			continue
		}
		if seen += value[i : i+1]; len(seen) > 2 {
			return false
		}
	}
	return true
}

// region tells whether value looks like the name of a region of AWS.
func region(value string) bool {
	rest := strings.TrimRight(value, "123456789")
	for _, way := range []string{"north", "south", "east", "west", "central"} {
		if strings.Contains(rest, "-"+way) && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz-") == "" {
			return len(value) == len(rest)+1 && rest[2] == '-' && strings.Count(rest, "-") <= 3 && strings.HasSuffix(rest, "-")
		}
	}
	return false
}

// frame tells whether a line says what stands around it and nothing of a secret:
// the first and last line of PEM, and what Google writes into every account's file.
func frame(line string) bool {
	return strings.HasPrefix(line, "-----BEGIN ") || strings.HasPrefix(line, "-----END ") || slices.Contains([]string{
		`"type": "service_account",`,
		`"auth_uri": "https://accounts.google.com/o/oauth2/auth",`,
		`"token_uri": "https://oauth2.googleapis.com/token",`,
		`"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",`,
		`"universe_domain": "googleapis.com"`,
	}, line)
}
