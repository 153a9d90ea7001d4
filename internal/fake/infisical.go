package fake

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Infisical is a server that has the folders of projects, and gives their secrets
// to those who have a token, as Infisical does: below /api. Machine identities
// sign in there.
//
// Its operations are "login", "revoke", "service-token", "details" and "list", or
// "list v3" for the reading that came before.
type Infisical struct {
	source

	// Set these before the first request.
	Old        bool   // the server is from before the reading of v4
	EarlyFlags bool   // flags that are left out are false, and imports are asked for with include_imports alone
	Careless   bool   // a recursive reading of /app also finds /application
	STS        string // the host of AWS STS; "" is sts.REGION.amazonaws.com

	folders    map[InfisicalFolder]*infisicalFolder
	identities map[string]*infisicalIdentity
	tokens     map[string]*infisicalToken
	usedAfter  int
}

// InfisicalFolder is where secrets are.
type InfisicalFolder struct{ Project, Environment, Path string }

// InfisicalSecret is a secret in a folder.
type InfisicalSecret struct {
	Value    string // with references: ${NAME}, ${environment.folder.NAME}
	Personal string // another value for the user who asks; "" for none
	Hidden   bool   // that it exists may be known, and not its value
	Null     bool   // the server has none, though it should
	OneLine  bool   // line breaks become \n where references are resolved
}

type infisicalFolder struct {
	secrets map[string]InfisicalSecret
	imports []InfisicalFolder
}

// infisicalIdentity is a machine identity with one way to sign in.
type infisicalIdentity struct {
	method, proof string // the proof is a client secret, a JWT, or the ID of an access key
	uses          int    // how often it may sign in; -1: any number
}

type infisicalToken struct {
	uses    int // how many requests it is good for; -1: any number
	revoked bool
	project string   // of a service token
	scopes  []string // of a service token: environment:path
}

// NewInfisical starts a server that has nothing. Close stops it.
func NewInfisical() *Infisical {
	i := &Infisical{
		folders: map[InfisicalFolder]*infisicalFolder{}, identities: map[string]*infisicalIdentity{}, tokens: map[string]*infisicalToken{},
	}
	i.refuse = func(w http.ResponseWriter, status int, code, message string) {
		w.WriteHeader(status)
		v := map[string]any{"reqId": "req-" + rand.Text()[:8], "statusCode": status, "error": code, "message": message}
		if code == "Not Found" { // no route: the framework's own words
			delete(v, "reqId")
		}
		json.NewEncoder(w).Encode(v)
	}
	i.start(i.answer)
	return i
}

// Set writes a secret. Its folder and those above are made.
func (i *Infisical) Set(at InfisicalFolder, name string, s InfisicalSecret) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.folder(at).secrets[name] = s
}

// Delete deletes a secret.
func (i *Infisical) Delete(at InfisicalFolder, name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.folder(at).secrets, name)
}

// Import has a folder import others; of those, later ones go first.
func (i *Infisical) Import(into InfisicalFolder, from ...InfisicalFolder) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := i.folder(into)
	f.imports = append(f.imports, from...)
}

// folder makes a folder and those above. The lock is held.
func (i *Infisical) folder(at InfisicalFolder) *infisicalFolder {
	for up := at; ; up.Path = up.Path[:max(1, strings.LastIndex(up.Path, "/"))] {
		if i.folders[up] == nil {
			i.folders[up] = &infisicalFolder{secrets: map[string]InfisicalSecret{}}
		}
		if up.Path == "/" {
			return i.folders[at]
		}
	}
}

// AddToken has the server accept an access token for so many requests, -1 for any
// number.
func (i *Infisical) AddToken(token string, uses int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tokens[token] = &infisicalToken{uses: uses}
}

// AddServiceToken has the server accept a service token of a project. A scope is
// environment:path, where the path may be a pattern. With one scope that is none,
// the token reads that, whatever is asked for.
func (i *Infisical) AddServiceToken(token, project string, scopes ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tokens[token] = &infisicalToken{uses: -1, project: project, scopes: scopes}
}

// AddIdentity makes a machine identity that signs in by a method with a proof: of
// its client ID by universal-auth with a client secret, of its ID by oidc-auth with
// a JWT, by aws-auth with the access key of this ID. It may do that so many times,
// -1 for any number.
func (i *Infisical) AddIdentity(id, method, proof string, uses int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.identities[id] = &infisicalIdentity{method, proof, uses}
}

// Open returns the access tokens that were minted and not revoked.
func (i *Infisical) Open() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	open := []string{}
	for token, t := range i.tokens {
		if strings.HasPrefix(token, mintedPrefix) && !t.revoked {
			open = append(open, token)
		}
	}
	return open
}

// UsedAfterRevoke returns how many requests came with a token that was revoked.
func (i *Infisical) UsedAfterRevoke() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.usedAfter
}

const mintedPrefix = "eyJmaW50ZWQ."

func infisicalError(status int, code, format string, args ...any) *apiError {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

func (i *Infisical) answer(w http.ResponseWriter, r *http.Request) {
	route := r.Method + " " + r.URL.Path
	method, login := strings.CutPrefix(route, "POST /api/v1/auth/")
	method, ends := strings.CutSuffix(method, "/login")
	op := map[string]string{
		"POST /api/v1/auth/token/revoke": "revoke", "GET /api/v2/service-token": "service-token", "GET /api/v1/identities/details": "details",
		"GET /api/v4/secrets": "list", "GET /api/v3/secrets/raw": "list v3",
	}[route]
	if login && ends {
		op = "login"
	}
	if op == "list" && i.Old {
		op = ""
	}
	i.serve(w, r, op, func(body []byte) (any, *apiError) {
		switch op {
		case "":
			return nil, infisicalError(http.StatusNotFound, "Not Found", "Route %s:%s not found", r.Method, r.URL.Path)
		case "login":
			return i.login(r, method, body)
		}
		t := i.tokens[bearerOf(r)]
		if e := i.use(t); e != nil {
			return nil, e
		}
		switch op {
		case "revoke":
			var in struct{ AccessToken string }
			_ = json.Unmarshal(body, &in)
			gone := i.tokens[in.AccessToken]
			if gone == nil || gone.scopes != nil {
				return nil, infisicalError(http.StatusNotFound, "NotFound", "the token does not exist")
			}
			gone.revoked = true
			return map[string]string{"message": "Successfully revoked access token"}, nil
		case "details":
			return map[string]any{"identityDetails": map[string]any{"organization": map[string]string{"id": "o1", "name": "Acme", "slug": "acme"}}}, nil
		case "service-token":
			if t.scopes == nil {
				return nil, infisicalError(http.StatusUnauthorized, "Unauthorized", "not a service token")
			}
			scopes := []map[string]string{}
			for _, s := range t.scopes {
				environment, path, _ := strings.Cut(s, ":")
				scopes = append(scopes, map[string]string{"environment": environment, "secretPath": path})
			}
			return map[string]any{"_id": "s1", "name": "ci", "workspace": t.project, "projectId": t.project, "expiresAt": nil, "scopes": scopes}, nil
		}
		return i.list(r, t, op == "list v3")
	})
}

// use counts a request that comes with a token.
func (i *Infisical) use(t *infisicalToken) *apiError {
	switch {
	case t == nil:
		return infisicalError(http.StatusUnauthorized, "Unauthorized", "Token missing")
	case t.revoked:
		i.usedAfter++
		return infisicalError(http.StatusUnauthorized, "Unauthorized", "Failed to authenticate revoked access token")
	case t.uses == 0:
		return infisicalError(http.StatusUnauthorized, "Unauthorized", "Access token has reached its number of uses")
	case t.uses > 0:
		t.uses--
	}
	return nil
}

// login signs an identity in.
func (i *Infisical) login(r *http.Request, method string, body []byte) (any, *apiError) {
	var in map[string]string
	if r.Header.Get("Authorization") != "" || json.Unmarshal(body, &in) != nil {
		return nil, infisicalError(http.StatusBadRequest, "BadRequest", "a sign-in is JSON, and carries no token")
	}
	fields := map[string][]string{
		"universal-auth": {"clientId", "clientSecret"}, "oidc-auth": {"identityId", "jwt"},
		"aws-auth": {"identityId", "iamHttpRequestMethod", "iamRequestBody", "iamRequestHeaders"},
	}[method]
	for _, f := range fields {
		if in[f] == "" {
			return nil, infisicalError(http.StatusUnprocessableEntity, "ValidationFailure", "%s is required", f)
		}
	}
	if fields == nil || len(in) != len(fields) && (len(in) != len(fields)+1 || in["organizationSlug"] == "") {
		return nil, infisicalError(http.StatusUnprocessableEntity, "ValidationFailure", "too much")
	}
	identity := i.identities[in[fields[0]]]
	if identity == nil || identity.method != method {
		return nil, infisicalError(http.StatusNotFound, "NotFound", "%s not found for identity, did you configure it?", method)
	}
	proof := in[fields[1]]
	if method == "aws-auth" {
		var e *apiError
		if proof, e = i.signedBy(in); e != nil {
			return nil, e
		}
	}
	if proof != identity.proof || identity.uses == 0 {
		return nil, infisicalError(http.StatusUnauthorized, "Unauthorized", "Access denied")
	}
	identity.uses -= min(1, max(identity.uses, 0))
	token := mintedPrefix + rand.Text()
	i.tokens[token] = &infisicalToken{uses: -1}
	return map[string]any{"accessToken": token, "expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer"}, nil
}

// signedBy returns the access key that signed the request to AWS STS in a sign-in,
// whose form is checked, and whose signature is for AWS to check.
func (i *Infisical) signedBy(in map[string]string) (key string, e *apiError) {
	bad := func(format string, args ...any) (string, *apiError) {
		return "", infisicalError(http.StatusBadRequest, "BadRequest", format, args...)
	}
	body, err := base64.StdEncoding.DecodeString(in["iamRequestBody"])
	list, herr := base64.StdEncoding.DecodeString(in["iamRequestHeaders"])
	var headers map[string]string
	if err != nil || herr != nil || json.Unmarshal(list, &headers) != nil {
		return bad("the body and the headers are base64, and the headers JSON")
	}
	if in["iamHttpRequestMethod"] != http.MethodPost || string(body) != "Action=GetCallerIdentity&Version=2011-06-15" {
		return bad("only GetCallerIdentity is sent on")
	}
	r := &http.Request{Header: http.Header{}}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	a, ok := readAuthorization(r, "AWS4-HMAC-SHA256")
	if !ok || a.at.IsZero() || a.scope[1] != a.date[:8] || a.scope[3] != "sts" || a.scope[4] != "aws4_request" || len(a.signature) != 64 {
		return bad("Invalid AWS region")
	}
	if host := r.Header.Get("Host"); host != cmp.Or(i.STS, "sts."+a.scope[2]+".amazonaws.com") {
		return bad("the request is for %s", host)
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return bad("the body is a form")
	}
	if length := r.Header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(body)) {
		return bad("the body is of another length")
	}
	for _, h := range []string{"host", "x-amz-date"} {
		if !slices.Contains(a.signed, h) {
			return bad("%s must be signed", h)
		}
	}
	for _, h := range a.signed {
		if r.Header.Get(h) == "" {
			return bad("%s was signed and is missing", h)
		}
	}
	return a.scope[0], nil
}
