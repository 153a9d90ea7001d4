package vault_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/vault"
)

// Whatever the file holds, it is refused, or what is printed of it is read back
// and printed the same.
func FuzzFile(f *testing.F) {
	const sealed = `{"version":"1","about":"x","store":"keyfile","key":{"id":"I","check":"C"},"credentials":[
		{"service":"aws","name":"work","method":"sso","default":true,"generation":3,"logged_in":"2026-05-01T10:00:00.5+02:00","meta":{"k":"v"},"sealed":"abc",
		"sessions":[{"key":"1/dev","expires":"2026-05-01T11:00:00Z","sealed":"def"}]}]}`
	f.Add([]byte(sealed))
	f.Add([]byte(strings.NewReplacer(`"keyfile"`, `"plaintext"`, `"key":{"id":"I","check":"C"},`, "", `"sealed":"abc"`, `"plain":{"\u2028<":"\u0000"}`, `,"sealed":"def"`, "").Replace(sealed)))
	f.Add([]byte(`{"version":"1","about":"","credentials":null}`))
	f.Add([]byte(`{"version":"2","Version":"1"}`))
	f.Add([]byte(`[[[{"version":`))
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := vault.Reprint(text)
		if err != nil {
			return
		}
		twice, err := vault.Reprint(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s\nbecame\n%s\n%v", once, twice, err)
		}
	})
}

// Whatever is put is found and opened the same.
func FuzzPut(f *testing.F) {
	f.Add("aws", "work", "sso", "region", "us-east-1", "token", "x", "1/dev")
	f.Add("a", "b", "", "\u2028", "\"\\\x00", "", "\U000e0041", "<&>")
	f.Fuzz(func(t *testing.T, service, name, method, metaKey, meta, field, value, key string) {
		h := newHome(t)
		v := h.vault()
		mat := vault.NewMaterial(map[string]string{field: value})
		c, err := v.Put(t.Context(), vault.Credential{Service: service, Name: name, Method: method, Meta: map[string]string{metaKey: meta}}, mat)
		if err != nil {
			if _, serr := os.Stat(h.Dir); serr == nil {
				t.Errorf("refused after the folder was made: %v", err)
			}
			return
		}
		if err := v.PutSession(t.Context(), c, vault.Session{Key: key, Expires: h.now.Add(time.Hour), Meta: map[string]string{meta: metaKey}}, mat); err != nil {
			return
		}
		v = h.vault()
		got := find(t, v, service, name)
		m, err := v.Open(t.Context(), got)
		if err != nil || m.Field(field) != value || got.Method != method || got.Meta[metaKey] != meta {
			t.Errorf("%+v, %v", got, err)
		}
		if m, err = v.OpenSession(t.Context(), got, key); err != nil || m.Field(field) != value || got.Sessions[0].Meta[meta] != metaKey {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
