package ssm

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// The requests and replies of the nine calls, as far as they are used.

type byPathIn struct {
	Path           string
	Recursive      bool
	WithDecryption bool
	MaxResults     int
	NextToken      string `json:",omitempty"`
}

type namesIn struct {
	Names          []string
	WithDecryption bool `json:",omitempty"`
}

type historyIn struct {
	Name           string
	WithDecryption bool
	MaxResults     int
	NextToken      string `json:",omitempty"`
}

type putIn struct {
	Name        string
	Value       string
	Type        string
	Description string `json:",omitempty"`
	KeyID       string `json:"KeyId,omitempty"`
	Tier        string `json:",omitempty"`
	Overwrite   bool
	Tags        []tag `json:",omitempty"`
}

type tag struct{ Key, Value string }

type addTagsIn struct {
	ResourceType string
	ResourceID   string `json:"ResourceId"`
	Tags         []tag
}

// named is a parameter without its value, which is not even read.
type named struct {
	Name             string
	Type             string
	Version          int64
	LastModifiedDate epoch

	// In a history only.
	LastModifiedUser string
	Description      string
	KeyID            string `json:"KeyId"`
	Tier             string
	Labels           []string
}

// valued is a parameter with its value.
type valued struct {
	named
	Value *string
}

type page[T any] struct {
	Parameters        []T
	InvalidParameters []string
	NextToken         string
}

type putOut struct{ Version int64 }

type deleteOut struct{ DeletedParameters, InvalidParameters []string }

// epoch is a time as the protocol has it: seconds since 1970 with a fraction.
type epoch struct{ time.Time }

func (e *epoch) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e11 {
		return fmt.Errorf("not a time")
	}
	e.Time = time.UnixMilli(int64(math.Round(f * 1000))).UTC()
	return nil
}

// entry makes an entry without a value.
func (n named) entry(k secret.Key) secret.Entry {
	return secret.Entry{
		Key: k, Version: n.Version, Type: n.Type, Modified: n.LastModifiedDate.Time,
		Description: n.Description, Labels: n.Labels, Author: n.LastModifiedUser,
	}
}

// entry makes an entry with its value.
func (v valued) entry(k secret.Key) secret.Entry {
	e := v.named.entry(k)
	if v.Value != nil {
		e.Value = secret.NewValue(*v.Value)
	}
	return e
}

func (n named) id() string { return n.Name }

// parameter is named or valued.
type parameter interface {
	id() string
	entry(secret.Key) secret.Entry
}

// maxPages bounds a walk: an account can have 100,000 parameters, ten a page.
const maxPages = 10_000

// pages calls op until there are no more pages. set puts the token into the
// request and returns it. A page may be short, or empty, and still not be the
// last; only the token tells.
func pages[T any](ctx context.Context, s *Store, op string, set func(token string) any, each func(page[T])) error {
	seen := map[string]bool{}
	token := ""
	for range maxPages {
		p := page[T]{Parameters: make([]T, 0, chunk)}
		if err := s.read(ctx, op, set(token), &p); err != nil {
			return err
		}
		each(p)
		if p.NextToken == "" {
			return nil
		}
		if seen[p.NextToken] {
			return errs.New(errs.Backend, "%s: the service gave the same page twice; what it has is not all known", op).
				WithHint("try again; if it stays so, whatever answers at the endpoint is not SSM")
		}
		token = p.NextToken
		seen[token] = true
	}
	return errs.New(errs.Backend, "%s: no end after %d pages", op, maxPages)
}
