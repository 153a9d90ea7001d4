package scan

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestSARIFHasAllThatWasFoundAndWhatWasNotLookedInto(t *testing.T) {
	r := &Result{
		Findings: []Finding{
			{Env: "dev", Key: "A", Form: "plain", File: "a b/ü", Line: 3, Column: 4, Offset: 30},
			{Env: "dev", Key: "A", Form: "plain", File: "a b/ü", Line: 9, Column: 1, Offset: 90},
			{Key: "B", Form: "hex", File: "bin", Binary: true, Offset: 0, Commit: "c0ffee"},
			{Env: "dev", Key: "C", Form: "line", File: "pem", Line: 1, Column: 1},
			{Key: "B", Form: "plain", File: "***", Name: true},
		},
		Problems: []Problem{{"/proc/x", "input/output error"}},
		Notes:    []string{"a note"},
	}
	text, err := json.Marshal(r.SARIF("1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"version":"2.1.0"`, `"version":"1.2.3"`, `"columnKind":"unicodeCodePoints"`, `"executionSuccessful":false`,
		`"uri":"a%20b/%C3%BC","uriBaseId":"%SRCROOT%"},"region":{"startLine":3,"startColumn":4}`,
		`"partialFingerprints":{"skret/v1":"dev:A:a b/ü:plain:1"}`, `"partialFingerprints":{"skret/v1":"dev:A:a b/ü:plain:2"}`,
		`The value that A has in dev is in this file.`, `A line of the value that C has in dev is in this file.`,
		`The value that B has in its store is in this file, as hex, brought in by commit c0ffee.`,
		`The value that B has in its store is in the name of this file.`,
		`"region":{"byteOffset":0}`, `"commit":"c0ffee"`, `"region":{"startLine":1}`,
		`{"level":"error","message":{"text":"not looked into: input/output error"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///proc/x"}}}]}`,
		`{"level":"note","message":{"text":"a note"}}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	empty, err := json.Marshal((&Result{}).SARIF(""))
	if err != nil || !strings.Contains(string(empty), `"results":[]`) || !strings.Contains(string(empty), `"executionSuccessful":true`) {
		t.Errorf("%s, %v", empty, err)
	}
}

func FuzzURI(f *testing.F) {
	f.Add("a b:c/%d\xff\n#?")
	f.Fuzz(func(t *testing.T, name string) {
		if strings.HasPrefix(name, "//") {
			return // no name of a file that is listed
		}
		u, err := url.Parse(uri(name))
		if err != nil || u.Path != name || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "" {
			t.Errorf("%q: %+v, %v", name, u, err)
		}
	})
}
