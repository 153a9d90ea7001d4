package ssm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

func (w *world) fill(n int) {
	for i := range n {
		w.SSM.Put(fmt.Sprintf("/app/dev/K%03d", i), fmt.Sprint(i))
	}
}

func wantErr(t *testing.T, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if errs.KindOf(err) != kind {
		t.Fatalf("error of kind %v: %v; want kind %v", errs.KindOf(err), err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error()+"\n"+errs.HintOf(err), w) {
			t.Errorf("%q is not in: %v\nhint: %s", w, err, errs.HintOf(err))
		}
	}
}

func TestListingIsOneRequestForTenOnOneConnection(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 10: 1, 11: 2, 100: 10, 105: 11} {
		w := open(t)
		w.fill(n)
		for _, list := range []func(context.Context, secret.Key) ([]secret.Entry, error){w.List, w.Store.Names} {
			w.Forget()
			es, err := list(t.Context(), "")
			if err != nil || len(es) != n {
				t.Fatalf("%d of %d: %v", len(es), n, err)
			}
			if w.Count("GetParametersByPath") != want || w.Count("") != want || w.Conns() != 1 {
				t.Errorf("%d parameters: %d requests on %d connections, want %d on 1", n, w.Count(""), w.Conns(), want)
			}
		}
	}
}

func TestNamesAskForNoDecryption(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"walk": func(*Options) {}, "keys": func(o *Options) { o.Keys = []secret.Key{"K000"} },
	} {
		w := open(t, change)
		w.fill(1)
		w.Set(func(r *fake.Rules) { r.Unreadable = map[string]bool{"/app/dev/K000": true} })
		if es, err := w.Store.Names(t.Context(), ""); err != nil || len(es) != 1 || es[0].Value.Present() || es[0].Version != 1 {
			t.Errorf("%s: %+v %v", name, es, err)
		}
	}
}

// A prefix with a folder asks for that folder: less to read, and less that the
// identity must be allowed.
func TestPrefixNarrowsTheWalk(t *testing.T) {
	w := open(t)
	w.SSM.Put("/app/dev/db/url", "1")
	w.SSM.Put("/app/dev/db-x", "2")
	es, err := w.List(t.Context(), "db/u")
	if err != nil || len(es) != 1 || es[0].Key != "db/url" {
		t.Fatalf("%+v %v", es, err)
	}
	if path := w.Calls()[0].Body["Path"]; path != "/app/dev/db" {
		t.Errorf("asked for %v", path)
	}
}

func TestRootPath(t *testing.T) {
	w := open(t, func(o *Options) { o.Path = "/" })
	w.SSM.Put("/a", "1")
	w.SSM.Put("/b/c", "2")
	es, err := w.List(t.Context(), "")
	if err != nil || len(es) != 2 || es[0].Key != "a" || es[1].Key != "b/c" {
		t.Fatalf("%+v %v", es, err)
	}
	if es, err := w.Get(t.Context(), "b/c"); err != nil || es[0].Value.Reveal() != "2" {
		t.Errorf("%+v %v", es, err)
	}
}

func TestDeclaredKeysAreReadInParallel(t *testing.T) {
	var keys []secret.Key
	for i := range 45 {
		keys = append(keys, secret.Key(fmt.Sprintf("K%03d", i)))
	}
	w := open(t, func(o *Options) { o.Keys = keys })
	w.fill(60)
	es, err := w.List(t.Context(), "")
	if err != nil || len(es) != 45 || es[44].Key != "K044" || es[44].Value.Reveal() != "44" {
		t.Fatalf("%d: %v", len(es), err)
	}
	if w.Count("GetParameters") != 5 || w.Count("") != 5 {
		t.Errorf("%d requests, want 5", w.Count(""))
	}
	if es, err := w.List(t.Context(), "K00"); err != nil || len(es) != 10 {
		t.Errorf("with a prefix: %d %v", len(es), err)
	}
	if _, err := w.Get(t.Context(), "K050"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("a key that is not declared: %v", err)
	}
}

// A name that the service would refuse must not spoil the request of others,
// and one with a colon must not ask for a version.
func TestImpossibleNamesAreMissing(t *testing.T) {
	w := open(t)
	w.fill(1)
	for _, k := range []secret.Key{"K000:1", "K000:label", "ä", "a b", "", "a//b", "a/", secret.Key(strings.Repeat("x", 2000))} {
		_, err := w.Get(t.Context(), "K000", k)
		wantErr(t, err, errs.NotFound, "not found below /app/dev: "+string(k))
		wantErr(t, w.Delete(t.Context(), k), errs.NotFound)
		_, err = w.History(t.Context(), k)
		wantErr(t, err, errs.NotFound)
	}
	if w.Count("DeleteParameters")+w.Count("GetParameterHistory") != 0 {
		t.Error("the service was asked")
	}
}

// One undecryptable parameter of many: the others are read, it is named.
func TestUnreadableIsNamedAndHidesNothing(t *testing.T) {
	w := open(t)
	w.fill(35)
	w.Set(func(r *fake.Rules) { r.Unreadable = map[string]bool{"/app/dev/K007": true, "/app/dev/K023": true} })
	es, err := w.List(t.Context(), "")
	u, ok := errors.AsType[*store.Unreadable](err)
	if !ok || len(es) != 33 || secret.Join(u.Keys) != "K007, K023" {
		t.Fatalf("%d: %v", len(es), err)
	}
	wantErr(t, err, errs.Auth, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/")
	// The walk up to the page that failed, a walk of names, four requests by
	// name, and single ones for the two of them that fail.
	if n := w.Count(""); n > 2+4+4+20 {
		t.Errorf("%d requests", n)
	}

	// Who may walk but not read by name is told of the key, which is the cause.
	w.Set(func(r *fake.Rules) { r.Deny = map[string]string{"ssm:GetParameters": "implicit"} })
	_, err = w.List(t.Context(), "")
	wantErr(t, err, errs.Auth, "kms:Decrypt")
}

func TestHistoryOfManyVersions(t *testing.T) {
	w := open(t)
	for i := range 120 {
		w.PutVersion("/app/dev/K", fake.Version{Type: "SecureString", Value: fmt.Sprint(i), User: "arn:aws:iam::1:user/" + fmt.Sprint(i)})
	}
	es, err := w.History(t.Context(), "K")
	if err != nil || len(es) != 100 {
		t.Fatalf("%d: %v", len(es), err)
	}
	if first, last := es[0], es[99]; first.Version != 21 || first.Value.Reveal() != "20" || first.Author != "arn:aws:iam::1:user/20" || last.Version != 120 {
		t.Errorf("%+v ... %+v", first, last)
	}
	if w.Count("GetParameterHistory") != 2 {
		t.Errorf("%d requests", w.Count(""))
	}
}

// The log tells of each request, and holds no value, key or signature.
func TestLogOfRequests(t *testing.T) {
	var out bytes.Buffer
	w := open(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.SSM.Fault(fake.Fault{Op: "GetParametersByPath", Status: 503, Code: "ServiceUnavailable"})
	w.SSM.Put("/app/dev/K", "hunter2-marker")
	if _, err := w.List(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Store.Put(t.Context(), secret.Entry{Key: "L", Value: secret.NewValue("hunter2-marker")}, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"service=ssm", "operation=GetParametersByPath", "attempt=1 status=503", "attempt=2 status=200", "operation=PutParameter", "took=", "request_id=00000000-"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	for _, never := range []string{"marker", fake.SecretKey, "Signature"} {
		if strings.Contains(out.String(), never) {
			t.Errorf("%q is in\n%s", never, &out)
		}
	}
	if agent := w.Calls()[0].Agent; agent != "skret/test" {
		t.Errorf("user agent %q", agent)
	}
}

// No request goes out with credentials that could not be had.
func TestCredentialsFail(t *testing.T) {
	w := open(t, func(o *Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errs.New(errs.Auth, "no credentials")
		})
	})
	_, err := w.List(t.Context(), "")
	wantErr(t, err, errs.Auth, "no credentials")
	_, err = w.Store.Put(t.Context(), secret.Entry{Key: "L", Value: secret.NewValue("x")}, store.PutOptions{})
	wantErr(t, err, errs.Auth, "no credentials")
	if w.Count("") != 0 {
		t.Error("the service was asked")
	}
}

// A service that never answers is waited for as long as the caller wants.
func TestDeadline(t *testing.T) {
	w := open(t)
	w.SSM.Fault(fake.Fault{Op: "GetParametersByPath", Do: "hang"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.List(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
