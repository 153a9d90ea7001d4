package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestKindAndHintSurviveWrapping(t *testing.T) {
	base := errs.New(errs.NotFound, "parameter %q: %w", "/a", io.EOF).WithHint("run %s", "skret list")
	for name, err := range map[string]error{
		"bare":    base,
		"wrapped": fmt.Errorf("get: %w", base),
		"joined":  errors.Join(errors.New("plain"), fmt.Errorf("get: %w", base)),
		"rewrap":  errs.New(errs.Unclassified, "get: %w", base),
	} {
		if got := errs.KindOf(err); got != errs.NotFound {
			t.Errorf("%s: kind %v", name, got)
		}
		if got := errs.HintOf(err); got != "run skret list" {
			t.Errorf("%s: hint %q", name, got)
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}

func TestPlainErrorHasNoKind(t *testing.T) {
	if k, h := errs.KindOf(io.EOF), errs.HintOf(io.EOF); k != errs.Unclassified || h != "" {
		t.Errorf("got %v %q", k, h)
	}
	if errs.KindOf(nil) != errs.Unclassified {
		t.Error("nil has a kind")
	}
}
