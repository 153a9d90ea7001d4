package ssm

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/skret/skret/internal/errs"
)

// FuzzReply feeds what a server may send to everything that reads it. Nothing
// may panic, and no error may carry what cannot be shown.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"Parameters":[{"Name":"/app/dev/A","Type":"SecureString","Value":"x","Version":3,"LastModifiedDate":1.7e9}],"NextToken":"t"}`,
		`{"Parameters":[{"Name":"/app/dev/","Value":null,"Version":9223372036854775807,"LastModifiedDate":1e400}]}`,
		`{"__type":"com.amazonaws.ssm#AccessDeniedException:http://x","message":"User: arn:aws:iam::1:user/u is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:1:parameter/app/dev/A because no identity-based policy allows it"}`,
		`{"__type":"AccessDeniedException","Message":"User: \u001b[31m is not authorized to perform: "}`,
		`{"__type":"ValidationException","message":"\u202e\u0000"}`, `[]`, `{}`, ``, `null`, "<html>", `{"Parameters":{}}`,
		`{"DeletedParameters":["a"],"InvalidParameters":null}`, `{"Version":"1"}`,
	} {
		f.Add([]byte(s), 200)
		f.Add([]byte(s), 400)
		f.Add([]byte(s), 503)
	}
	s := New(Options{Path: "/app/dev", Region: "us-east-1"})
	f.Fuzz(func(t *testing.T, reply []byte, status int) {
		var values page[valued]
		if decode(reply, &values) == nil {
			for _, v := range values.Parameters {
				if k, ok := s.key(v.Name); ok && (k == "" || s.name(k) != v.Name) {
					t.Errorf("key %q of %q", k, v.Name)
				}
				if e := v.entry("k"); e.Value.Present() != (v.Value != nil) {
					t.Error("a value that did not come is present")
				}
			}
		}
		_ = decode(reply, &page[named]{})
		_ = decode(reply, &putOut{})
		_ = decode(reply, &deleteOut{})
		_ = decode(reply, nil)
		for _, op := range []string{"GetParameters", "PutParameter"} {
			fail := refusal(op, &http.Response{StatusCode: status, Header: http.Header{}}, reply, time.Now())
			err := s.explain("/app/dev", fail)
			if errs.KindOf(err) == errs.Unclassified {
				t.Errorf("no kind: %v", err)
			}
			text := err.Error() + errs.HintOf(err) + briefly(fail)
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not fit to be shown: %q", text)
			}
			_, _, _ = repeatable(fail), throttled(fail), aboutKey(fail)
		}
	})
}
