package local

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Whatever the file holds, the reader ends, and what it takes the printer gives
// back byte for byte.
func FuzzParse(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "sealed-1.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	text := string(b)
	f.Add(text)
	f.Add(strings.ReplaceAll(text, `"time"`, `"description": "x", "time"`))
	f.Add(strings.ReplaceAll(text, "until May", `\u2028\U000e0041é\"\\`))
	f.Add(header + "\"format\": \"skret-sealed-1\"\n\"id\": \"x\"\n\"recipients\":\n  - \"r\"\n\"key\": \"\"\n\"secrets\": {}\n\"mac\": \"\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDocument(text)
		if err != nil {
			return
		}
		if got := d.print(func(string) string { return d.mac }); got != text {
			t.Errorf("read\n%q\nprinted\n%q", text, got)
		}
		if !strings.HasPrefix(text, d.body) || strings.TrimPrefix(text, d.body) != `"mac": "`+d.mac+"\"\n" {
			t.Errorf("the mac is not over what stands before it: %q", d.body)
		}
		d.current()
	})
}

// Whatever is printed is read back the same.
func FuzzPrint(f *testing.F) {
	f.Add("KEY", int64(1), "description", "recipient", false)
	f.Add("a#b", int64(9), "\u2028\n\"\\\x00\U000e0041", "ssh-rsa AAAA me@here", true)
	f.Fuzz(func(t *testing.T, key string, version int64, description, rcpt string, deleted bool) {
		key, description, rcpt = strings.ToValidUTF8(key, ""), strings.ToValidUTF8(description, ""), strings.ToValidUTF8(rcpt, "")
		if key == "" || version < 1 {
			return
		}
		l := line{key: secret.Key(key), version: version, time: "2026-05-01T10:00:00Z", description: description, deleted: deleted, sealed: "abc"}
		if deleted {
			l.sealed = ""
		}
		d := &document{id: "id", recipients: []string{rcpt}, wrapped: "w", lines: []line{l}}
		got, err := parseDocument(d.print(func(string) string { return "m" }))
		if err != nil || got.lines[0] != l || got.recipients[0] != rcpt {
			t.Errorf("%+v became %+v: %v", l, got, err)
		}
	})
}

// Whatever a plain file holds, the reader ends; what it takes is kept by a write
// of something else, and a value that was written is read back exactly.
func FuzzPlain(f *testing.F) {
	f.Add("version: \"1\"\nsecrets:\n  A: b # c\n  D: |\n    x\n", "value")
	f.Add("version: 1\nsecrets: {}\n", "\r\n\u2028 \"x\" \x01")
	f.Fuzz(func(t *testing.T, text, value string) {
		p, err := parsePlain(text)
		if err != nil {
			return
		}
		before := maps.Clone(p.values)
		if err := p.put(secret.Entry{Key: "FUZZ", Value: secret.NewValue(value)}, store.PutOptions{Expect: store.AnyVersion}); err != nil {
			return
		}
		printed, err := p.print()
		if err != nil {
			return // refused: nothing is written
		}
		before["FUZZ"] = value
		again, err := parsePlain(string(printed))
		if err != nil || !maps.Equal(again.values, before) {
			t.Errorf("%q with %q became %q: %v", text, value, printed, err)
		}
	})
}

// A value is bound to its place, also for somebody who can make a right mac.
func TestASealedValueOpensNowhereElse(t *testing.T) {
	ks, err := deriveKeys(newDataKey(), "id")
	if err != nil {
		t.Fatal(err)
	}
	l := ks.seal("id", line{key: "K", version: 1, time: "2026-05-01T10:00:00Z", description: "d"}, "value")
	if v, err := (&opener{keys: ks, id: "id"}).open(l); err != nil || v != "value" {
		t.Fatalf("%v", err)
	}
	for name, change := range map[string]func(*line){
		"key": func(l *line) { l.key = "L" }, "version": func(l *line) { l.version = 2 },
		"time": func(l *line) { l.time = "2026-05-01T10:00:01Z" }, "description": func(l *line) { l.description = "" },
		"seam": func(l *line) { l.time, l.description = l.time+"d", "" },
	} {
		moved := l
		change(&moved)
		if _, err := (&opener{keys: ks, id: "id"}).open(moved); err == nil {
			t.Errorf("opens with another %s", name)
		}
	}
	if _, err := (&opener{keys: ks, id: "other id"}).open(l); err == nil {
		t.Error("opens in another store")
	}
	other, err := deriveKeys(ks.data, "other id")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&opener{keys: other, id: "id"}).open(l); err == nil || other.sum("x") == ks.sum("x") {
		t.Error("two stores have the same keys")
	}
}
