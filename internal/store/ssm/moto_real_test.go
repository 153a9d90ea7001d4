//go:build real

package ssm

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/storetest"
)

// onMoto returns a store in moto.
func onMoto(t *testing.T, m *realtest.MotoServer) *Store {
	t.Helper()
	s := New(Options{
		Path: "/app/dev", Region: "us-east-1", Endpoint: m.URL, HTTP: httpx.Client(httpx.Options{Conns: 10}),
		Credentials: static(aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}),
		UserAgent:   "skret/test", Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(s.o.HTTP.CloseIdleConnections)
	s.reads, s.writes, s.deletes = newPace(1e6, 1e6, 1e6), newPace(1e6, 1e6, 1e6), newPace(1e6, 1e6, 1e6)
	return s
}

func TestRealMotoPassesTheSuite(t *testing.T) {
	m := realtest.Moto(t)
	storetest.Run(t, storetest.Capabilities{MaxValue: 4096, Keeps: keeps}, func(t *testing.T) store.Store {
		m.Reset(t)
		return onMoto(t, m)
	})
}

// exchanged are values that must survive between skret and the aws command line.
func exchanged() map[string]string {
	return map[string]string{
		"plain": "v", "unicode": "ünïcödé 日本語 👩‍👩‍👧 e\u0301", "quotes": `"a" 'b' \n $HOME`,
		"full": strings.Repeat("x", 4096), "full-unicode": strings.Repeat("é", 2048),
		"pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n", "space": " x ",
	}
}

// cliParameter is a parameter as the aws command line prints it.
type cliParameter struct {
	Name, Type, Value, LastModifiedUser, Description, KeyID string
	Version                                                 int64
	Labels                                                  []string
}

func cli[T any](t *testing.T, m *realtest.MotoServer, args ...string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(m.AWS(t, append(args, "--output", "json")...)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRealAWSReadsWhatSkretWrites(t *testing.T) {
	m := realtest.Moto(t)
	s := onMoto(t, m)
	for k, v := range exchanged() {
		e := secret.Entry{Key: secret.Key(k), Value: secret.NewValue(v), Description: "about " + k, Tags: map[string]string{"team": "web"}}
		if _, err := s.Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion}); err != nil {
			t.Fatal(err)
		}
	}
	got := cli[struct{ Parameters []cliParameter }](t, m, "ssm", "get-parameters-by-path", "--path", "/app/dev", "--recursive", "--with-decryption")
	if len(got.Parameters) != len(exchanged()) {
		t.Errorf("%d parameters", len(got.Parameters))
	}
	for _, p := range got.Parameters {
		if want := exchanged()[strings.TrimPrefix(p.Name, "/app/dev/")]; p.Value != want || p.Type != "SecureString" {
			t.Errorf("%s: %q of type %s, want %q", p.Name, p.Value, p.Type, want)
		}
	}

	// A second version: history, description, and tags that are added.
	e := secret.Entry{Key: "plain", Value: secret.NewValue("second"), Tags: map[string]string{"owner": "me"}}
	if v, err := s.Put(t.Context(), e, store.PutOptions{Expect: 1}); err != nil || v != 2 {
		t.Fatalf("version %d: %v", v, err)
	}
	history := cli[struct{ Parameters []cliParameter }](t, m, "ssm", "get-parameter-history", "--name", "/app/dev/plain", "--with-decryption").Parameters
	if len(history) != 2 || history[0].Value != "v" || history[1].Value != "second" || history[1].Description != "about plain" {
		t.Errorf("history: %+v", history)
	}
	tags := cli[struct{ TagList []tag }](t, m, "ssm", "list-tags-for-resource", "--resource-type", "Parameter", "--resource-id", "/app/dev/plain").TagList
	if len(tags) != 2 {
		t.Errorf("tags: %v", tags)
	}
	if err := s.Delete(t.Context(), "plain", "unicode"); err != nil {
		t.Fatal(err)
	}
	left := cli[struct{ Parameters []cliParameter }](t, m, "ssm", "get-parameters-by-path", "--path", "/app/dev", "--recursive")
	if len(left.Parameters) != len(exchanged())-2 {
		t.Errorf("%d left", len(left.Parameters))
	}
}

func TestRealSkretReadsWhatAWSWrites(t *testing.T) {
	m := realtest.Moto(t)
	s := onMoto(t, m)
	for k, v := range exchanged() {
		input, err := json.Marshal(map[string]any{"Name": "/app/dev/" + k, "Value": v, "Type": "SecureString", "KeyId": "alias/team", "Description": "by aws"})
		if err != nil {
			t.Fatal(err)
		}
		m.AWS(t, "ssm", "put-parameter", "--cli-input-json", string(input))
	}
	es, err := s.List(t.Context(), "")
	if err != nil || len(es) != len(exchanged()) {
		t.Fatalf("%d: %v", len(es), err)
	}
	for _, e := range es {
		if e.Value.Reveal() != exchanged()[string(e.Key)] {
			t.Errorf("%s: %q", e.Key, e.Value.Reveal())
		}
	}
	m.AWS(t, "ssm", "put-parameter", "--name", "/app/dev/plain", "--value", "second", "--overwrite")
	m.AWS(t, "ssm", "label-parameter-version", "--name", "/app/dev/plain", "--parameter-version", "1", "--labels", "stable")
	history, err := s.History(t.Context(), "plain")
	if err != nil || len(history) != 2 {
		t.Fatalf("%d versions: %v", len(history), err)
	}
	if one := history[0]; one.Version != 1 || one.Value.Reveal() != "v" || len(one.Labels) != 1 || one.Labels[0] != "stable" || one.Modified.IsZero() || one.Description != "by aws" {
		t.Errorf("%+v", one)
	}
	// What skret writes over it keeps the key that aws chose.
	if _, err := s.Put(t.Context(), secret.Entry{Key: "plain", Value: secret.NewValue("third")}, store.PutOptions{Expect: 2}); err != nil {
		t.Fatal(err)
	}
	last := cli[struct{ Parameters []cliParameter }](t, m, "ssm", "get-parameter-history", "--name", "/app/dev/plain").Parameters[2]
	if last.KeyID != "alias/team" || last.Type != "SecureString" {
		t.Errorf("%+v", last)
	}
}

// The fake is no judge of its own: what the aws command line makes of it must be
// what it makes of moto.
func TestRealAWSReadsTheFake(t *testing.T) {
	f := fake.NewSSM()
	defer f.Close()
	f.Put("/app/dev/A", "value")
	m := &realtest.MotoServer{URL: f.URL}
	f.Set(func(r *fake.Rules) { r.Keys = map[string]string{"test": "test"} })
	if got := m.AWS(t, "ssm", "get-parameter", "--name", "/app/dev/A", "--with-decryption", "--query", "Parameter.Value", "--output", "text"); got != "value" {
		t.Errorf("%q", got)
	}
	m.AWS(t, "ssm", "put-parameter", "--name", "/app/dev/B", "--value", "x", "--type", "SecureString", "--tags", "Key=a,Value=b")
	if p, ok := f.Parameter("/app/dev/B"); !ok || p.Tags["a"] != "b" {
		t.Errorf("%+v", p)
	}
	if got := m.AWS(t, "ssm", "get-parameters-by-path", "--path", "/app", "--recursive", "--query", "Parameters[].Name", "--output", "text"); !strings.Contains(got, "/app/dev/A") || !strings.Contains(got, "/app/dev/B") {
		t.Errorf("%q", got)
	}
}
