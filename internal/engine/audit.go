package engine

import (
	"errors"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/transfer"
)

// What the audit log is told: see [audit.Trail].

// auditPlace names a place for the log: which one it is, and not how it is shown.
func auditPlace(p *config.Project) string {
	if p.Place.Provider == config.ProviderAWS {
		return "aws:" + p.Place.Region + ":" + p.Place.Path
	}
	return p.Place.Provider + ":" + p.Place.File
}

// gone are the keys that were deleted, of those that were to be.
func gone(keys []secret.Key, err error) []secret.Key {
	if missing, ok := errors.AsType[*store.Missing](err); ok {
		return missing.Others(keys)
	}
	if err != nil {
		return nil
	}
	return keys
}

func writtenKeys(ws []Written) []secret.Key {
	keys := make([]secret.Key, len(ws))
	for i, w := range ws {
		keys[i] = w.Key
	}
	return keys
}

// audited tells of the secrets that a transfer wrote and deleted.
func (e *End) audited(r transfer.Result) {
	for _, it := range r.Done {
		if it.Action == transfer.Delete {
			e.visit.Deleted(it.Name)
		} else {
			e.visit.Wrote(it.Name)
		}
	}
}
