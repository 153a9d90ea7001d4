package remote

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/nacl/box"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// shared is something that many want at once and one asks for.
type shared[T any] struct {
	mu  sync.Mutex
	got *T
}

// get returns it. It is asked for when nobody has it, or when what there is turned
// out to be no good: stale. A failure is not kept.
func (s *shared[T]) get(stale *T, ask func() (*T, error)) (*T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil || s.got == stale {
		got, err := ask()
		if err != nil {
			return nil, err
		}
		s.got = got
	}
	return s.got, nil
}

// githubKey is the public key that the secrets of a place are sealed to.
type githubKey struct {
	id     string
	public [32]byte
}

// publicKey returns the key of the place, and another than stale if there is one.
func (g *GitHub) publicKey(ctx context.Context, stale *githubKey) (*githubKey, error) {
	return g.key.get(stale, func() (*githubKey, error) {
		var v struct {
			ID  string `json:"key_id"`
			Key string `json:"key"`
		}
		if _, err := g.api.Do(ctx, http.MethodGet, g.at+"/secrets/public-key", nil, &v); err != nil {
			return nil, err
		}
		raw, err := base64.StdEncoding.DecodeString(v.Key)
		if err != nil || v.ID == "" || !isPublicKey(raw) {
			return nil, errs.New(errs.Backend, "%s sent no key that a secret could be sealed to", hostOf(g.api.t.Origin)).
				WithHint("is that the address of GitHub?")
		}
		return &githubKey{v.ID, [32]byte(raw)}, nil
	})
}

// isPublicKey tells whether these bytes are a key of X25519 for which nobody knows
// the result beforehand: for some, such as zero, anyone could open what is sealed.
func isPublicKey(raw []byte) bool {
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return false
	}
	mine, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return false
	}
	_, err = mine.ECDH(public)
	return err == nil
}

// githubAccess is who sees what an organization has.
type githubAccess struct {
	Visibility   string `json:"visibility,omitempty"`
	Repositories any    `json:"selected_repository_ids,omitempty"` // []int64 or []string
}

// sealed is a secret as GitHub takes it.
type sealed struct {
	Value string `json:"encrypted_value"`
	KeyID string `json:"key_id"`
	githubAccess
}

// putSecret seals a secret and writes it. When the key has been changed in the
// meantime, it does so again with the new one.
func (g *GitHub) putSecret(ctx context.Context, e secret.Entry, exists bool) error {
	access, err := g.access(ctx, e.Key, exists)
	if err != nil {
		return err
	}
	key, err := g.publicKey(ctx, nil)
	if err != nil {
		return err
	}
	if err = g.seal(ctx, e, key, access); !hasStatus(err, http.StatusUnprocessableEntity) {
		return err
	}
	fresh, kerr := g.publicKey(ctx, key)
	if kerr != nil {
		return kerr
	}
	if *fresh == *key { // it was refused for something else
		return err
	}
	return g.seal(ctx, e, fresh, access)
}

func (g *GitHub) seal(ctx context.Context, e secret.Entry, key *githubKey, access githubAccess) error {
	raw, err := box.SealAnonymous(nil, []byte(e.Value.Reveal()), &key.public, rand.Reader)
	if err != nil {
		return errs.New(errs.Unclassified, "%s cannot be sealed", e.Key)
	}
	in := sealed{base64.StdEncoding.EncodeToString(raw), key.id, access}
	_, err = g.api.Do(ctx, http.MethodPut, g.at+"/secrets/"+url.PathEscape(string(e.Key)), in, nil)
	return err
}

// putVariable creates a variable or changes it, whichever is needed: it may have
// come or gone since it was looked for.
func (g *GitHub) putVariable(ctx context.Context, e secret.Entry, exists bool) error {
	in := struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		githubAccess
	}{string(e.Key), e.Value.Reveal(), githubAccess{}}
	create := func() (err error) {
		if in.githubAccess, err = g.access(ctx, e.Key, false); err == nil {
			_, err = g.api.Do(ctx, http.MethodPost, g.at+"/variables", in, nil)
		}
		return err
	}
	change := func() (err error) {
		in.githubAccess = githubAccess{} // as it is, if that is left open
		if g.o.Visibility != "" {
			in.githubAccess, err = g.access(ctx, e.Key, true)
		}
		if err == nil {
			_, err = g.api.Do(ctx, http.MethodPatch, g.at+"/variables/"+url.PathEscape(string(e.Key)), in, nil)
		}
		return err
	}
	if !exists {
		if err := create(); !hasStatus(err, http.StatusConflict) {
			return err
		}
		return change()
	}
	if err := change(); !hasStatus(err, http.StatusNotFound) {
		return err
	}
	return create()
}

// access returns who is to see a secret of an organization. What is written takes
// the place of all that was there, so what is to stay is read first.
func (g *GitHub) access(ctx context.Context, name secret.Key, exists bool) (githubAccess, error) {
	switch {
	case g.o.Organization == "":
		return githubAccess{}, nil
	case g.o.Visibility == visibleSelected:
		ids, err := g.selected(ctx)
		if err != nil {
			return githubAccess{}, err
		}
		return githubAccess{visibleSelected, g.ids(*ids)}, nil
	case g.o.Visibility != "":
		return githubAccess{Visibility: g.o.Visibility}, nil
	case !exists:
		return githubAccess{Visibility: visiblePrivate}, nil
	}
	at := g.at + "/secrets/" + url.PathEscape(string(name))
	var now struct{ Visibility string }
	_, err := g.api.Do(ctx, http.MethodGet, at, nil, &now)
	switch {
	case hasStatus(err, http.StatusNotFound): // deleted in the meantime
		return githubAccess{Visibility: visiblePrivate}, nil
	case err != nil:
		return githubAccess{}, err
	case !isVisibility(now.Visibility):
		return githubAccess{}, errs.New(errs.Backend, "%s does not say who sees %s", hostOf(g.api.t.Origin), name).
			WithHint("set the visibility: all, private or selected")
	case now.Visibility != visibleSelected:
		return githubAccess{Visibility: now.Visibility}, nil
	}
	repositories, err := g.all(ctx, at+"/repositories", 100)
	ids := make([]int64, len(repositories))
	for i, r := range repositories {
		ids[i] = r.ID
	}
	return githubAccess{visibleSelected, g.ids(ids)}, err
}

// ids are the ids of repositories as they are sent: Dependabot wants texts.
func (g *GitHub) ids(ids []int64) any {
	if g.o.App != appDependabot {
		return ids
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return texts
}

// selected returns the ids of the repositories that the options name.
func (g *GitHub) selected(ctx context.Context) (*[]int64, error) {
	return g.seen.get(nil, func() (*[]int64, error) {
		ids := []int64{}
		for _, name := range g.o.Repositories {
			var v struct{ ID int64 }
			at := "/repos/" + url.PathEscape(g.o.Organization) + "/" + url.PathEscape(g.o.within(name))
			if _, err := g.api.Do(ctx, http.MethodGet, at, nil, &v); err != nil {
				return nil, err
			}
			if v.ID <= 0 {
				return nil, errs.New(errs.Backend, "%s does not say which repository %s is", hostOf(g.api.t.Origin), name)
			}
			ids = append(ids, v.ID)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		return &ids, nil
	})
}

// githubItem is what a list has: a secret, a variable or a repository.
type githubItem struct {
	ID      int64
	Name    string
	Value   string
	Updated time.Time `json:"updated_at"`
}

// maxPages bounds a list: it is several times what GitHub lets there be.
const maxPages = 100

// all returns a list to its end, in pages of so many. The addresses of the pages
// are made here; what the service says that they are is not looked at.
func (g *GitHub) all(ctx context.Context, path string, per int) (items []githubItem, err error) {
	type page struct {
		Total                            *int `json:"total_count"`
		Secrets, Variables, Repositories []githubItem
	}
	seen := map[string]bool{} // what is written meanwhile can move an item to the next page
	for n := 1; n <= maxPages; n++ {
		var p page
		if _, err := g.api.Do(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", path, per, n), nil, &p); err != nil {
			return nil, err
		}
		got := slices.Concat(p.Secrets, p.Variables, p.Repositories)
		if p.Total == nil {
			break
		}
		for _, i := range got {
			if id := fmt.Sprintf("%s %d", i.Name, i.ID); !seen[id] {
				seen[id] = true
				items = append(items, i)
			}
		}
		if len(got) == 0 || len(items) >= *p.Total {
			return items, nil
		}
	}
	return nil, errs.New(errs.Backend, "the list that %s gave is not understood", hostOf(g.api.t.Origin)).WithHint("is that the address of GitHub?")
}
