package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
)

const plainText = `# our secrets
version: "1"
secrets:
  # the database
  DATABASE_URL: "postgres://localhost/app" # keep
  PORT: 8080
  FLAG: yes
  HEX: 0x1F
  DATE: 2026-05-01
  SINGLE: 'it''s'
  EMPTY: ""
  NOTHING:
  BLOCK: |
    line 1
    line 2
  FOLDED: >-
    a
    b
`

var plainValues = []string{"BLOCK", "line 1\nline 2\n", "DATABASE_URL", "postgres://localhost/app", "DATE", "2026-05-01", "EMPTY", "", "FLAG", "yes",
	"FOLDED", "a b", "HEX", "0x1F", "NOTHING", "", "PORT", "8080", "SINGLE", "it's"}

func TestAPlainFileIsReadAndWrittenWithAStandingNotice(t *testing.T) {
	o := options(t)
	write(t, o.File, plainText)
	var notices []string
	o.Notice = func(msg string) { notices = append(notices, msg) }
	want(t, o, plainValues...)
	want(t, o, plainValues...)
	if len(notices) != 2 || !strings.Contains(notices[0], "skret local encrypt") {
		t.Errorf("notices %q", notices)
	}
	odd := " \"quoted\" \\ \u2028 \x01\x7f\r\nline 2\n\n\ttab: #no - {x} é" + strings.Repeat(" long", 60)
	set(t, o, "PORT", "8081", "NEW", odd)
	text := read(t, o.File)
	for _, w := range []string{"# our secrets", "# the database", "# keep", "FLAG: yes", "line 2"} {
		if !strings.Contains(text, w) {
			t.Errorf("%q is gone from\n%s", w, text)
		}
	}
	es, err := local.New(o).Get(t.Context(), "NEW", "PORT", "NOTHING", "DATE")
	if err != nil || es[0].Value.Reveal() != odd || es[1].Value.Reveal() != "8081" || es[2].Value.Reveal() != "" || es[3].Value.Reveal() != "2026-05-01" {
		t.Errorf("%v %v", es, err)
	}
	if err := local.New(o).Delete(t.Context(), "PORT"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, local.New(o).Delete(t.Context(), "PORT"), errs.NotFound, "PORT")
	if _, err := os.Stat(o.IdentityFile); err == nil {
		t.Error("a plain file has made an identity")
	}
}

func TestWhatAPlainFileCannotHoldIsRefused(t *testing.T) {
	o := options(t)
	write(t, o.File, plainText)
	s := local.New(o)
	put := func(e secret.Entry, expect int64) error {
		_, err := s.Put(t.Context(), e, store.PutOptions{Expect: expect})
		return err
	}
	wantKind(t, put(secret.Entry{Key: "B", Value: secret.NewValue("\xff")}, -1), errs.Invalid, "B", "skret local encrypt")
	wantKind(t, put(secret.Entry{Key: "D", Description: "x"}, -1), errs.Invalid, "D", "skret local encrypt")
	wantKind(t, put(secret.Entry{Key: "PORT"}, 1), errs.Invalid, "PORT", "skret local encrypt")
	wantKind(t, put(secret.Entry{Key: "PORT"}, 0), errs.Conflict, "PORT")
	wantKind(t, put(secret.Entry{Key: "BIG", Value: secret.NewValue(strings.Repeat("x", 1<<20))}, -1), errs.Invalid, "too large", "skret local encrypt")
	_, err := s.History(t.Context(), "PORT")
	wantKind(t, err, errs.Invalid, "PORT", "skret local encrypt")
	_, err = s.History(t.Context(), "NOPE")
	wantKind(t, err, errs.NotFound, "NOPE")
	_, err = s.Recipients()
	wantKind(t, err, errs.Invalid, "skret local encrypt")
	_, err = s.AddRecipients(t.Context(), []string{recipient(t, options(t))})
	wantKind(t, err, errs.Invalid, "skret local encrypt")
	if read(t, o.File) != plainText {
		t.Error("the file was changed")
	}
}

func TestABadPlainFileIsRefusedWithItsPlaceAndNoValue(t *testing.T) {
	const top = "version: \"1\"\nsecrets:\n"
	const mib = 1 << 20
	for text, place := range map[string]string{
		top + "  A: hunter2\n  A: hunter3\n":        "line 4, column 3",
		top + "  A: &x hunter2\n  B: *x\n":          "line 3, column 6",
		top + "  A: !!binary aHVudGVyMg==\n":        "line 3, column 6",
		top + "  A: !hunter2 x\n":                   "line 3, column 6",
		top + "  <<: {A: hunter2}\n":                "line 3, column 3",
		top + "  A: [hunter2]\n":                    "line 3, column 6",
		top + "  A: {hunter2: x}\n":                 "line 3, column 6",
		top + "  ? [hunter2]\n  : x\n":              "line 3, column 5",
		top + "  A: \"hunter2\n":                    "",
		top + "  A: hunter2: x\n":                   "line 3",
		top + "  A: \"\\hunter2\"\n":                "line 3",
		top + "  \"\": hunter2\n":                   "line 3, column 3",
		top + "  A: hunter2\n---\n" + top:           "",
		top + "  A: x\nhunter2: x\n":                "line 4, column 1",
		"version: \"1\"\n":                          "line 1, column 1",
		"version: \"hunter2\"\nsecrets: {}\n":       "line 1, column 10",
		"secrets:\n  A: hunter2\n":                  "line 1, column 1",
		"version: \"1\"\nsecrets: hunter2\n":        "line 2, column 10",
		top + strings.Repeat("  # hunter\n", mib/8): "larger than",
		"hunter2":         "line 1, column 1",
		"- hunter2\n":     "line 1, column 1",
		"\x00\x01hunter2": "",
		top + strings.Repeat("[", 20000) + "hunter2": "",
		top + "  A: *hunter2\n":                      "",
		"%YAML 9.9 hunter2\n---\n" + top:             "",
	} {
		o := options(t)
		write(t, o.File, text)
		err := listError(t, o)
		wantKind(t, err, errs.Backend, place)
		if strings.Contains(err.Error(), "hunter") || strings.Contains(errs.HintOf(err), "hunter") {
			t.Errorf("the error tells a value: %v", err)
		}
		if _, err := local.New(o).Put(t.Context(), secret.Entry{Key: "A"}, whatever); err == nil || read(t, o.File) != text {
			t.Errorf("%.60q was written: %v", text, err)
		}
	}
}

func TestEncryptConvertsAndLeavesNothingInClear(t *testing.T) {
	o := options(t)
	marked := strings.Replace(plainText, "8080", "marker-8080", 1)
	write(t, o.File, marked)
	o.Recipients = []string{recipient(t, options(t))}
	n, changed, err := local.New(o).Encrypt(t.Context())
	if err != nil || n != 10 || !changed {
		t.Fatalf("%d %v %v", n, changed, err)
	}
	values := slices.Clone(plainValues)
	values[slices.Index(values, "8080")] = "marker-8080"
	want(t, o, values...)
	files, err := os.ReadDir(filepath.Dir(o.File))
	if err != nil || len(files) != 1 || strings.Contains(read(t, o.File), "marker") {
		t.Errorf("left in clear: %v %v", files, err)
	}
	if rs, err := local.New(o).Recipients(); err != nil || len(rs) != 2 {
		t.Errorf("recipients %v %v", rs, err)
	}
	before := read(t, o.File)
	if n, changed, err := local.New(o).Encrypt(t.Context()); n != 10 || changed || err != nil || read(t, o.File) != before {
		t.Errorf("again: %d %v %v", n, changed, err)
	}
	o.File += "-none"
	_, _, err = local.New(o).Encrypt(t.Context())
	wantKind(t, err, errs.NotFound, o.File)
}

func TestAnEmptyPlainFileCanBeFilledAndSealed(t *testing.T) {
	for i, secrets := range []string{"secrets:\n", "secrets: {}\n", "secrets: null # none yet\n", "secrets: ~\n"} {
		o := options(t)
		write(t, o.File, "version: 1\n"+secrets)
		if i%2 == 0 {
			set(t, o, "A", fmt.Sprint(i), "B", "x")
			want(t, o, "A", fmt.Sprint(i), "B", "x")
		}
		if _, changed, err := local.New(o).Encrypt(t.Context()); err != nil || !changed {
			t.Fatalf("%q: %v", secrets, err)
		}
		if i%2 == 1 {
			want(t, o)
			set(t, o, "A", "y")
			want(t, o, "A", "y")
		}
	}
}
