package local_test

import (
	"path/filepath"
	"testing"

	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
	"github.com/skret/skret/internal/store/storetest"
)

// options are those of a store in a folder of its own, with an identity of its
// own.
func options(t testing.TB) local.Options {
	t.Helper()
	dir := t.TempDir()
	return local.Options{
		File: filepath.Join(dir, "store", "secrets.yaml"), Home: filepath.Join(dir, "home"),
		IdentityFile: filepath.Join(dir, "home", "identity.txt"),
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Capabilities{MaxValue: local.MaxValue, KeepsDeletions: true}, func(t *testing.T) store.Store {
		return local.New(options(t))
	})
}
