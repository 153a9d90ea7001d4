package remote

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// WorkersOptions say which Worker of Cloudflare.
type WorkersOptions struct {
	AccountID   string // 32 hexadecimal digits; "" is the account that the token was stored with
	Script      string // the name of the Worker
	Environment string // as wrangler has them: the Worker is then SCRIPT-ENVIRONMENT
}

// Worker is where a Worker of Cloudflare keeps secrets. It takes them and never gives
// them back. It is safe for concurrent use.
//
// All that is written in one step is one new version of the Worker, which is deployed
// at once: that is so of every change of secrets. The Worker must exist, and its newest
// version must be the one that is deployed.
type Worker struct {
	api     *API
	account string
	script  string
}

// WorkersTarget returns the Worker that the options name. It makes no request. All
// that is wrong with the options is in one error of kind Invalid.
func WorkersTarget(a *API, o WorkersOptions) (*Worker, error) {
	var probs []error
	account, err := a.accountID(o.AccountID)
	if err != nil {
		probs = append(probs, err)
	}
	script := o.Script
	if o.Environment != "" {
		script += "-" + o.Environment
	}
	if o.Script == "" || !madeOf(script, letters+digits+"_-", 255) {
		probs = append(probs, errs.New(errs.Invalid, "%q is not the name of a Worker", script).
			WithHint("it is made of letters, digits, and the signs _ -, as in wrangler's configuration"))
	}
	if len(probs) > 0 {
		return nil, errors.Join(probs...)
	}
	return &Worker{a, account, script}, nil
}

// accountID returns the account that was named, or else the one that the token was
// stored with.
func (a *API) accountID(named string) (string, error) {
	const hint = "it is the 32 hexadecimal digits in the address of the dashboard: set account_id or CLOUDFLARE_ACCOUNT_ID"
	id := cmp.Or(named, a.t.field("account_id"))
	switch {
	case id == "":
		return "", errs.New(errs.Invalid, "which account of Cloudflare is not said").WithHint(hint)
	case len(id) != 32 || !madeOf(id, digits+"abcdef", 32):
		return "", errs.New(errs.Invalid, "%.80q is not the ID of an account of Cloudflare", id).WithHint(hint)
	}
	return id, nil
}

// CloudflareAccount asks for the ID of the account: the one that the token was stored
// with, or else the only one that it sees. If there are several, that is an error of
// kind Config.
func (a *API) CloudflareAccount(ctx context.Context) (string, error) {
	id, err := a.cloudflareAccount(ctx)
	if err == nil && id == "" {
		err = errs.New(errs.Config, "%s sees several accounts of Cloudflare, or none", a.t.From).WithHint("name one: set account_id or CLOUDFLARE_ACCOUNT_ID")
	}
	return id, err
}

// ID names the Worker for messages and for what is remembered of it:
// "cloudflare-workers:ACCOUNT/script".
func (w *Worker) ID() string {
	return "cloudflare-workers:" + w.api.elsewhere() + w.account + "/" + w.script
}

// Name returns the name that a key has at the Worker, which is that of its variable, or
// why there can be none.
func (w *Worker) Name(k secret.Key) (name secret.Key, why string) { return cloudflareName(k) }

// cloudflareName makes a name that JavaScript has for a variable.
func cloudflareName(k secret.Key) (name secret.Key, why string) {
	name = secret.Key(k.EnvName())
	if secret.CheckEnvName(string(name)) != nil {
		return name, "Cloudflare takes letters, digits and _ alone, and no digit first"
	}
	return name, ""
}

// Same returns the name itself: Cloudflare tells case apart.
func (w *Worker) Same(name secret.Key) string { return string(name) }

// Value returns why Cloudflare would refuse a value; "" if it would not.
func (w *Worker) Value(_ secret.Key, v secret.Value) (why string) { return cloudflareValue(v) }

const maxCloudflareValue = 5 << 10

func cloudflareValue(v secret.Value) (why string) {
	switch {
	case v.Len() > maxCloudflareValue:
		return "it is larger than the 5 KB that Cloudflare takes"
	case !isText(v):
		return "it is not text, and Cloudflare keeps text; encode it, such as with base64"
	}
	return ""
}

// maxCloudflareNames is what a paid plan has; of the free one it is half, and that
// shows when it is too much.
const maxCloudflareNames = 128

// MaxNames returns how many secrets there may be, on a paid plan.
func (w *Worker) MaxNames() int { return maxCloudflareNames }

// Workers returns 1: every request deploys the Worker.
func (w *Worker) Workers() int { return 1 }

// Readable tells that no value can be read.
func (w *Worker) Readable() bool { return false }

// BatchSize returns how many secrets Cloudflare takes in one request.
func (w *Worker) BatchSize() int { return 100 }

func (w *Worker) at() string {
	return "/accounts/" + w.account + "/workers/scripts/" + url.PathEscape(w.script)
}

// List returns the secrets without their values. Variables that are no secrets are not
// among them. Cloudflare does not say when a secret was written.
func (w *Worker) List(ctx context.Context) ([]secret.Entry, error) {
	var v struct {
		Success bool
		Result  []struct{ Name, Type string }
	}
	if _, err := w.api.Do(ctx, http.MethodGet, w.at()+"/secrets", nil, &v); err != nil {
		return nil, w.explain(err)
	}
	if !v.Success {
		return nil, w.api.notCloudflare()
	}
	es := make([]secret.Entry, 0, len(v.Result))
	for _, s := range v.Result {
		if s.Name == "" || w.api.shown(s.Name) != s.Name {
			return nil, w.api.notCloudflare()
		}
		es = append(es, secret.Entry{Key: secret.Key(s.Name), Type: w.api.shown(s.Type)})
	}
	secret.SortEntries(es)
	return es, nil
}

func (a *API) notCloudflare() error {
	return errs.New(errs.Backend, "the list that %s gave is not understood", hostOf(a.t.Origin)).WithHint("is that the address of Cloudflare?")
}

// workerSecret is a secret as Cloudflare takes it.
type workerSecret struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Text string `json:"text"`
}

// Put writes one secret.
func (w *Worker) Put(ctx context.Context, e secret.Entry, _ *secret.Entry) error {
	return w.PutAll(ctx, []secret.Entry{e})
}

// PutAll writes up to 100 secrets, all or none, and deploys them together.
func (w *Worker) PutAll(ctx context.Context, es []secret.Entry) error {
	secrets := make(map[string]*workerSecret, len(es))
	for _, e := range es {
		secrets[string(e.Key)] = &workerSecret{string(e.Key), "secret_text", e.Value.Reveal()}
	}
	return w.patch(ctx, secrets)
}

// Delete deletes secrets, 100 at a time, each time all or none.
func (w *Worker) Delete(ctx context.Context, names ...secret.Key) error {
	for part := range slices.Chunk(names, w.BatchSize()) {
		secrets := make(map[string]*workerSecret, len(part))
		for _, name := range part {
			secrets[string(name)] = nil // which deletes it
		}
		if err := w.patch(ctx, secrets); err != nil {
			return err
		}
	}
	return nil
}

// patch writes and deletes. What is not named stays as it is. There is no other way
// for a server that does not know this one: it would be a version and a deployment
// for each secret, and not all or none.
func (w *Worker) patch(ctx context.Context, secrets map[string]*workerSecret) error {
	in := map[string]any{"secrets": secrets}
	_, err := w.api.Do(ctx, http.MethodPatch, w.at()+"/secrets-bulk", in, nil)
	return w.explain(err)
}

// explain says what a Worker must be for its secrets to be changed.
func (w *Worker) explain(err error) error {
	const permission = "Workers Scripts: Edit"
	switch code := codeOf(err); {
	case code == "10214" || code == "10215":
		return errs.New(errs.Conflict, "the newest version of the Worker %s is not the deployed one, and Cloudflare changes the secrets of that alone: %w", w.script, err).
			WithHint("deploy it, with wrangler versions deploy or in the dashboard, and run this again")
	case code == "10053":
		return errs.New(errs.Conflict, "the Worker %s has a variable or a binding, which is no secret, of such a name: %w", w.script, err).
			WithHint("take it out of vars in wrangler's configuration, deploy, and run this again")
	case hasStatus(err, http.StatusNotFound):
		return errs.New(errs.NotFound, "%w", err).
			WithHint("is there a Worker %s in the account? It has to be deployed once before it can have secrets; the token needs the permission %s", w.script, permission)
	case hasStatus(err, http.StatusForbidden):
		return errs.New(errs.Auth, "%w", err).WithHint("give the token the permission %s for the account: %s", permission, w.api.t.s.Manage)
	}
	return err
}
