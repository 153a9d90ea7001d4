package shared

import (
	"slices"
	"strings"

	"github.com/skret/skret/internal/durable"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 16 << 20

// section is a section of a file: its settings, some with settings of their own.
type section struct {
	values  map[string]value
	partial bool // it has half of an access key
}

type value struct {
	text string
	sub  map[string]string
}

func (s *section) has(key string) bool { _, ok := s.values[key]; return s != nil && ok }

func (s *section) text(key string) string {
	if s == nil {
		return ""
	}
	return s.values[key].text
}

// readFile reads the sections of a file by their names, "profile x" and the like. A
// file that is not there, or cannot be read, has none: so it is in AWS's own
// programs.
func readFile(name string) map[string]*section {
	if name == "" {
		return nil
	}
	data, err := durable.ReadFile(name, maxFile)
	if err != nil {
		return nil
	}
	return parse(string(data))
}

// parse reads a file as the SDK does. What is neither a head nor a setting is passed
// over.
func parse(text string) map[string]*section {
	all := map[string]*section{}
	var in *section
	key := ""
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		if name, ok := head(line); ok {
			if all[name] == nil {
				all[name] = &section{values: map[string]value{}}
			}
			in, key = all[name], ""
			continue
		}
		if in == nil {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			if k, text, ok := setting(strings.TrimRight(uncomment(line), " \t")); ok {
				in.values[k], key = value{text: text}, k
			}
			continue
		}
		line = strings.TrimLeft(line, " \t")
		k, text, ok := setting(line)
		switch old := in.values[key]; {
		case ok && (key == "" || old.text != ""): // it was moved in for its looks
			k, text, _ := k, strings.TrimSpace(uncomment(text)), ok
			in.values[k], key = value{text: text}, k
		case ok:
			if old.sub == nil {
				old.sub = map[string]string{}
			}
			old.sub[k] = text
			in.values[key] = old
		case key != "" && old.text != "" && old.sub == nil:
			in.values[key] = value{text: old.text + "\n" + line}
		}
	}
	for _, s := range all {
		s.partial = s.has("aws_access_key_id") != s.has("aws_secret_access_key")
	}
	return all
}

// head reads "[type name]" or "[name]", perhaps with a comment behind.
func head(line string) (name string, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, ";")
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") || len(line) < 2 {
		return "", false
	}
	name = strings.TrimSpace(line[1 : len(line)-1])
	if i := strings.IndexAny(name, " \t"); i > 0 {
		name = name[:i] + " " + strings.TrimLeft(name[i:], " \t")
	}
	return name, true
}

// setting reads "key = value" or "key: value". The key's case makes no difference,
// and quotes around all of the value are no part of it.
func setting(s string) (key, text string, ok bool) {
	i := strings.IndexAny(s, "=:")
	if i < 0 {
		return "", "", false
	}
	text = strings.TrimSpace(s[i+1:])
	for _, q := range []string{"'", `"`} {
		if len(text) > 1 && strings.HasPrefix(text, q) && strings.HasSuffix(text, q) {
			text = text[1 : len(text)-1]
			break
		}
	}
	return strings.ToLower(strings.TrimSpace(s[:i])), text, true
}

// uncomment cuts a comment off that stands behind a blank.
func uncomment(s string) string {
	for _, mark := range []string{" #", " ;", "\t#", "\t;"} {
		s, _, _ = strings.Cut(s, mark)
	}
	return s
}

// merged are the settings that the credentials file can change in a profile that the
// configuration file has too. A profile that only the credentials file has is taken
// from there with all its settings.
const merged = "role_arn source_profile credential_source external_id mfa_serial role_session_name region credential_process web_identity_token_file " +
	"ec2_metadata_service_endpoint_mode ec2_metadata_service_endpoint use_dualstack_endpoint use_fips_endpoint ca_bundle duration_seconds max_attempts " +
	"sso_session sso_account_id sso_region sso_role_name sso_start_url login_session"

// merge joins the sections of the configuration file with those of the credentials
// file, under the names of the profiles; others keep their type: "sso-session x".
func merge(config, credentials map[string]*section) map[string]*section {
	all := map[string]*section{}
	for name, s := range config {
		profile, isProfile := strings.CutPrefix(name, "profile ")
		switch {
		case isProfile:
			all[profile] = s // also before [default]
		case strings.HasPrefix(name, "sso-session "), strings.HasPrefix(name, "services "):
			all[name] = s
		case strings.EqualFold(name, "default") && config["profile "+name] == nil:
			all[name] = s
		}
	}
	for name, s := range credentials {
		into := all[name]
		switch {
		case strings.HasPrefix(name, "profile "):
			continue
		case into == nil:
			all[name] = s
			continue
		}
		into.partial = s.partial
		if s.has("aws_access_key_id") && s.has("aws_secret_access_key") {
			for _, key := range []string{"aws_access_key_id", "aws_secret_access_key", "aws_session_token"} {
				if s.has(key) {
					into.values[key] = value{text: s.text(key)}
				}
			}
		}
		for key := range s.values {
			if slices.Contains(strings.Fields(merged), key) {
				into.values[key] = value{text: s.text(key)}
			}
		}
	}
	return all
}
