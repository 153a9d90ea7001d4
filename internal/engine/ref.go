package engine

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Ref reads a place from a word, as diff and copy take it: an environment's
// name, perhaps with @TIME or @vN; a path in SSM; a file; or TYPE:WHAT.
func (p *Places) Ref(word string) (Spec, error) {
	if name, when, ok := strings.Cut(word, "@"); ok && p.isEnv(name) {
		w, err := parseWhen(when)
		return Spec{Type: "env", Fields: map[string]string{"env": name}, When: &w}, err
	}
	if p.isEnv(word) {
		return Spec{Type: "env", Fields: map[string]string{"env": word}}, nil
	}
	if typ, what, ok := strings.Cut(word, ":"); ok && typ != "" {
		if s, known := refSpec(typ, what); known {
			return s, nil
		}
	}
	switch {
	case word == "":
		return Spec{}, errs.New(errs.Invalid, "a place is empty")
	case strings.HasPrefix(word, "/") && !fileExists(word):
		return Spec{Type: "aws", Fields: map[string]string{"path": word}}, nil
	case word == "-" || strings.ContainsAny(word, "./\\") || fileExists(word):
		return Spec{Type: "file", Fields: map[string]string{"file": word}}, nil
	}
	return Spec{}, p.unknownRef(word)
}

func (p *Places) isEnv(name string) bool { return slices.Contains(p.Project.Envs, name) }

// fileExists tells whether a word is the name of a file. Folders are not meant.
func fileExists(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// refSpec reads what stands behind a type.
func refSpec(typ, what string) (s Spec, known bool) {
	first, second, _ := strings.Cut(what, ":")
	fields := map[string]string{}
	switch typ {
	case "env":
		fields["env"] = what
	case "github":
		if fields["repository"] = first; !strings.Contains(first, "/") {
			fields = map[string]string{"organization": first}
		}
		fields["environment"] = second
	case "gitlab":
		fields["project"], fields["scope"] = first, second
	case "cloudflare-workers":
		fields["script"] = what
	case "cloudflare-pages":
		fields["project"], fields["environment"] = first, second
	case "kubernetes":
		fields["name"] = what
		if namespace, name, ok := strings.Cut(what, "/"); ok {
			fields["namespace"], fields["name"] = namespace, name
		}
	case "doppler":
		fields["project"], fields["config"], _ = strings.Cut(what, "/")
	case "infisical":
		var rest string
		fields["project_id"], rest, _ = strings.Cut(what, "/")
		fields["environment"], fields["path"], _ = strings.Cut(rest, "/")
		fields["path"] = "/" + fields["path"]
	case "aws":
		fields["path"] = what
		if second != "" {
			fields["region"], fields["path"] = first, second
		}
	case "chamber":
		fields["service"] = what
	case "local", "file":
		fields["file"] = what
	default:
		fields["file"] = what
		return Spec{Fields: fields}.AsFile(typ), IsFormat(typ)
	}
	return Spec{Type: typ, Fields: fields}, true
}

// parseWhen reads a time, of the user's zone where none is said, or a version.
func parseWhen(s string) (When, error) {
	if v, ok := strings.CutPrefix(s, "v"); ok {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
			return When{Version: n}, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return When{At: t}, nil
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return When{At: t}, nil
		}
	}
	return When{}, errs.New(errs.Invalid, "%q is no time and no version", s).
		WithHint("write a day such as 2026-11-01, a time such as 2026-11-01T15:04, or v3 for the third version of each secret")
}

func (p *Places) unknownRef(word string) error {
	hint := "name a path such as /app/prod, a file, or TYPE:WHAT such as github:acme/app"
	if len(p.Project.Envs) > 0 {
		hint = "the environments are " + strings.Join(p.Project.Envs, ", ") + "; or " + hint
	}
	return errs.New(errs.NotFound, "there is no environment %q", word).WithHint("%s", hint)
}
