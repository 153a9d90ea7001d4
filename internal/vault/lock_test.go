package vault_test

import (
	"strings"
	"testing"
)

func TestOneRenewsAtATime(t *testing.T) {
	h := newHome(t)
	unlock, err := h.vault().Lock(t.Context(), "aws", "work")
	if err != nil {
		t.Fatal(err)
	}
	got, holder, err := h.vault().TryLock("aws", "work")
	if got != nil || err != nil || !strings.HasPrefix(holder, "process ") && holder != "another process" {
		t.Errorf("while it is locked: %v, %q, %v", got != nil, holder, err)
	}
	other, _, err := h.vault().TryLock("aws", "other")
	if other == nil || err != nil {
		t.Errorf("another sign-in is locked, too: %v", err)
	}
	other()
	h.put(t, "aws", "work", "x") // the file itself is free
	unlock()
	if again, _, err := h.vault().TryLock("aws", "work"); again == nil || err != nil {
		t.Errorf("after unlock: %v", err)
	}
}
