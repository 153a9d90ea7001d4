package fake

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// infisicalQuery is what a reading asks for.
type infisicalQuery struct {
	at                                              InfisicalFolder
	recursive, imports, resolve, personal, readable bool
}

// list answers a reading. What it does not know in a query it passes over.
func (i *Infisical) list(r *http.Request, t *infisicalToken, v3 bool) (any, *apiError) {
	q, e := i.readQuery(r.URL.Query(), t, v3)
	if e != nil {
		return nil, e
	}
	if t.scopes != nil && t.project != q.at.Project {
		return nil, infisicalError(http.StatusForbidden, "PermissionDenied", "You are not allowed to read on secrets")
	}
	if i.folders[q.at] == nil {
		return nil, infisicalError(http.StatusNotFound, "SecretPathNotFound", "Folder with path '%s' in environment '%s' was not found.", q.at.Path, q.at.Environment)
	}
	secrets, folders := []any{}, []InfisicalFolder{}
	for at := range i.folders {
		if at.Project == q.at.Project && at.Environment == q.at.Environment && (at == q.at || q.recursive && i.below(at.Path, q.at.Path)) {
			folders = append(folders, at)
		}
	}
	slices.SortFunc(folders, func(a, b InfisicalFolder) int { return strings.Compare(a.Path, b.Path) })
	imports, seen := []any{}, map[InfisicalFolder]bool{}
	for _, at := range folders {
		for name, s := range i.folders[at].secrets {
			for _, view := range i.show(q, at, name, s, v3) {
				view["secretPath"] = at.Path
				secrets = append(secrets, view)
			}
		}
		for _, from := range i.folders[at].imports {
			if q.imports && !seen[from] && i.folders[from] != nil { // which folder imports it is not told
				seen[from] = true
				imports = append(imports, map[string]any{"environment": from.Environment, "secretPath": from.Path, "folderId": "f-" + from.Path, "secrets": i.imported(q, from, 0)})
			}
		}
	}
	return map[string]any{"secrets": secrets, "imports": imports}, nil
}

func (i *Infisical) readQuery(query url.Values, t *infisicalToken, v3 bool) (q infisicalQuery, e *apiError) {
	flag := func(name string, other bool) bool {
		switch v := query.Get(name); {
		case !query.Has(name):
			return other
		case v != "true" && v != "false":
			e = infisicalError(http.StatusUnprocessableEntity, "ValidationFailure", "%s is not a boolean", name)
		}
		return query.Get(name) == "true"
	}
	on := !v3 && !i.EarlyFlags
	project, imports := "projectId", "includeImports"
	if v3 {
		project = "workspaceId"
	}
	if !on {
		imports = "include_imports"
	}
	q = infisicalQuery{
		at:        InfisicalFolder{query.Get(project), query.Get("environment"), "/" + strings.Trim(query.Get("secretPath"), "/")},
		recursive: flag("recursive", false), imports: flag(imports, on), resolve: flag("expandSecretReferences", on),
		personal: flag("includePersonalOverrides", on), readable: flag("viewSecretValue", true),
	}
	if len(t.scopes) == 1 && !strings.Contains(t.scopes[0], "*") {
		q.at.Project = t.project
		environment, path, _ := strings.Cut(t.scopes[0], ":")
		q.at.Environment, q.at.Path = environment, "/"+strings.Trim(path, "/")
	}
	if q.at.Project == "" || q.at.Environment == "" {
		e = infisicalError(http.StatusBadRequest, "BadRequest", "Missing project id or environment")
	}
	return q, e
}

func (i *Infisical) below(path, root string) bool {
	return root == "/" || strings.HasPrefix(path, root+"/") || i.Careless && strings.HasPrefix(path, root)
}

// imported are the secrets of a folder that another imports, and of those that it
// imports itself.
func (i *Infisical) imported(q infisicalQuery, from InfisicalFolder, depth int) []any {
	list := []any{}
	if depth > 9 || i.folders[from] == nil {
		return list
	}
	for name, s := range i.folders[from].secrets {
		s.Personal = ""
		for _, view := range i.show(q, from, name, s, false) {
			list = append(list, view)
		}
	}
	for _, deeper := range i.folders[from].imports {
		list = append(list, i.imported(q, deeper, depth+1)...)
	}
	return list
}

// show is a secret as it is sent. Before v4 a user's own value came beside the
// other.
func (i *Infisical) show(q infisicalQuery, at InfisicalFolder, name string, s InfisicalSecret, v3 bool) []map[string]any {
	view := func(kind, value string) map[string]any {
		v := map[string]any{
			"id": "id-" + name, "_id": "id-" + name, "workspace": at.Project, "environment": at.Environment, "version": 1, "type": kind,
			"secretKey": name, "secretValue": value, "secretComment": "a comment", "secretValueHidden": false, "skipMultilineEncoding": s.OneLine,
		}
		switch {
		case s.Hidden || !q.readable:
			v["secretValue"], v["secretValueHidden"] = "<hidden-by-infisical>", true
		case s.Null:
			v["secretValue"] = nil
		case q.resolve && infisicalReference.MatchString(value):
			value = i.resolve(at, value, 0)
			if s.OneLine && strings.Contains(value, "\n") {
				value = `"` + strings.ReplaceAll(value, "\n", `\n`) + `"`
			}
			v["secretValue"] = value
		}
		return v
	}
	switch {
	case s.Personal != "" && v3:
		return []map[string]any{view("shared", s.Value), view("personal", s.Personal)}
	case s.Personal != "" && q.personal:
		return []map[string]any{view("personal", s.Personal)}
	}
	return []map[string]any{view("shared", s.Value)}
}

var infisicalReference = regexp.MustCompile(`\$\{([a-zA-Z0-9\-_.@]+)\}`)

// resolve puts values in the place of references. What refers to nothing, or to
// what may not be read, stays.
func (i *Infisical) resolve(at InfisicalFolder, value string, depth int) string {
	return infisicalReference.ReplaceAllStringFunc(value, func(reference string) string {
		parts := strings.Split(reference[2:len(reference)-1], ".")
		there := at
		if len(parts) > 1 {
			there.Environment, there.Path = parts[0], "/"+strings.Join(parts[1:len(parts)-1], "/")
		}
		f := i.folders[there]
		if f == nil || depth > 9 {
			return reference
		}
		s, ok := f.secrets[parts[len(parts)-1]]
		if !ok || s.Hidden {
			return reference
		}
		return i.resolve(there, s.Value, depth+1)
	})
}
