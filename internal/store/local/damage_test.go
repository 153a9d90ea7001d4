package local_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store/local"
)

// sample is a store with everything that a file can have.
func sample(t testing.TB) (o local.Options, text string) {
	t.Helper()
	o = options(t)
	set(t, o, "A", "first", "B", "second", "GONE", "third")
	set(t, o, "A", "fourth")
	s := local.New(o)
	if _, err := s.Put(t.Context(), secret.Entry{Key: "B", Value: secret.NewValue("fifth"), Description: "what \"it\" is"}, whatever); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "GONE"); err != nil {
		t.Fatal(err)
	}
	return o, read(t, o.File)
}

// refuses fails unless the damaged text gives an error of kind Backend or Auth
// to every reader and writer, and is left as it is.
func refuses(t testing.TB, o local.Options, text, what string) error {
	t.Helper()
	write(t, o.File, text)
	_, err := local.New(o).List(t.Context(), "")
	if k := errs.KindOf(err); err == nil || k != errs.Backend && k != errs.Auth {
		t.Errorf("%s: read with %v", what, err)
	}
	_, perr := local.New(o).Put(t.Context(), secret.Entry{Key: "NEW", Value: secret.NewValue("x")}, whatever)
	if k := errs.KindOf(perr); perr == nil || k != errs.Backend && k != errs.Auth {
		t.Errorf("%s: written with %v", what, perr)
	}
	if read(t, o.File) != text {
		t.Errorf("%s: the file was changed", what)
	}
	if err != nil && (strings.Contains(err.Error(), "fourth") || strings.Contains(err.Error(), "AGE-SECRET")) {
		t.Errorf("%s: the error tells a secret: %v", what, err)
	}
	return err
}

func TestAFlippedBitAnywhereIsFound(t *testing.T) {
	t.Parallel() // with the other slow ones
	o, text := sample(t)
	for i := range text {
		b := []byte(text)
		b[i] ^= 1 << (i % 8)
		refuses(t, o, string(b), "byte "+text[max(0, i-10):i]+"|"+text[i:i+1])
	}
}

func TestATruncatedFileIsFound(t *testing.T) {
	o, text := sample(t)
	for n := 0; n < len(text); n += 7 {
		refuses(t, o, text[:n], "truncated")
	}
	refuses(t, o, text[:len(text)-1], "without the last newline")
	refuses(t, o, text+"\n", "with a line more")
	refuses(t, o, text+text, "twice")
}

func TestMovedAndMissingLinesAreFound(t *testing.T) {
	o, text := sample(t)
	lines := strings.SplitAfter(text, "\n")
	for i := range lines[:len(lines)-1] {
		without := strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "")
		refuses(t, o, without, "without line "+lines[i])
		refuses(t, o, strings.Replace(text, lines[i], lines[i]+lines[i], 1), "twice the line "+lines[i])
	}
	err := refuses(t, o, strings.Replace(text, lines[7], lines[7]+lines[7], 1), "twice")
	wantKind(t, err, errs.Backend, "twice", "git restore")
}

func TestSwappedValuesAreFoundAndNamed(t *testing.T) {
	o, text := sample(t)
	sealed := regexp.MustCompile(`"sealed": "[^"]*"`).FindAllString(text, -1)
	swapped := strings.NewReplacer(sealed[1], sealed[3], sealed[3], sealed[1]).Replace(text)
	err := refuses(t, o, swapped, "swapped")
	wantKind(t, err, errs.Backend, "A#2", "B#2", "outside skret")
}

func TestLinesRemovedByHandAreTold(t *testing.T) {
	o, text := sample(t)
	line := regexp.MustCompile(`(?m)^  "A#1".*\n`).FindString(text)
	err := refuses(t, o, strings.Replace(text, line, "", 1), "removed")
	wantKind(t, err, errs.Backend, "every value is intact")
}

func TestAMergeConflictIsNamedWithTheWayOut(t *testing.T) {
	o, text := sample(t)
	for _, conflict := range []string{
		strings.Replace(text, `"mac"`, "<<<<<<< HEAD\n\"mac\"", 1),
		"<<<<<<< HEAD\n" + text + "=======\n" + text + ">>>>>>> theirs\n",
		"version: \"1\"\nsecrets:\n<<<<<<< HEAD\n  A: hunter2\n=======\n  A: b\n>>>>>>> theirs\n",
	} {
		wantKind(t, refuses(t, o, conflict, "conflict"), errs.Backend, "merge conflict", "git checkout --ours")
	}
}

func TestANewerFormatIsNamed(t *testing.T) {
	o, text := sample(t)
	wantKind(t, refuses(t, o, strings.Replace(text, "sealed-1", "sealed-2", 1), "version"), errs.Backend, "not known", "newer skret")
}

func TestLineEndsOfWindowsAreTaken(t *testing.T) {
	o, text := sample(t)
	write(t, o.File, strings.ReplaceAll(text, "\n", "\r\n"))
	want(t, o, "A", "fourth", "B", "fifth")
	set(t, o, "A", "sixth")
	want(t, o, "A", "sixth", "B", "fifth")
	if strings.Contains(read(t, o.File), "\r") {
		t.Error("the line ends are mixed")
	}
}

func TestAFileSealedForOthersNamesThem(t *testing.T) {
	o, text := sample(t)
	theirs := recipient(t, o)
	me := options(t)
	mine := recipient(t, me)
	me.File = o.File
	wantKind(t, refuses(t, me, text, "others'"), errs.Auth, theirs, "not for you", "recipients add "+mine)
	nobody := options(t)
	nobody.File = o.File
	wantKind(t, refuses(t, nobody, text, "nobody"), errs.Auth, theirs, "no identity", "skret local identity")
}

func recipient(t testing.TB, o local.Options) string {
	t.Helper()
	id, err := local.New(o).Identity(t.Context())
	if err != nil || len(id.Recipients) != 1 {
		t.Fatalf("%+v %v", id, err)
	}
	return id.Recipients[0]
}
