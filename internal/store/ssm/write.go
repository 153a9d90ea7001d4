package ssm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// defaultKey is the KMS key of those who choose none.
const defaultKey = "alias/aws/ssm"

// maxLost is how often a write is made again after its answer was lost and a
// look showed that it was not carried out.
const maxLost = 3

// Put is the method of [store.Store].
func (s *Store) Put(ctx context.Context, e secret.Entry, o store.PutOptions) (int64, error) {
	if err := s.Check(e); err != nil {
		return 0, err
	}
	if o.Expect == store.EachVersion {
		o.Expect = e.Version
	}
	if o.Expect > 0 {
		return s.update(ctx, e, o.Expect)
	}
	version, err := s.create(ctx, e)
	if !hasCode(err, "ParameterAlreadyExists") {
		return version, s.putError(e, err)
	}
	if o.Expect == 0 {
		return 0, errs.New(errs.Conflict, "%s exists already", s.name(e.Key)).
			WithHint("see it with skret get %s; leave --if-version out to write over it", e.Key)
	}
	return s.update(ctx, e, store.AnyVersion)
}

// create writes a parameter that must not exist.
func (s *Store) create(ctx context.Context, e secret.Entry) (int64, error) {
	in := s.request(e)
	in.Type = cmp.Or(e.Type, "SecureString")
	if in.Type != "SecureString" {
		in.KeyID = ""
	}
	for _, k := range slices.Sorted(maps.Keys(e.Tags)) {
		in.Tags = append(in.Tags, tag{k, e.Tags[k]})
	}
	return s.put(ctx, e, in, 0)
}

// update writes a new version of a parameter that exists, and keeps of it what
// e does not change.
func (s *Store) update(ctx context.Context, e secret.Entry, expect int64) (int64, error) {
	cur, err := s.current(ctx, e.Key)
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return 0, errs.New(errs.Conflict, "%s does not exist, or was deleted just now", s.name(e.Key)).
			WithHint("to create it, leave --if-version out")
	case errs.KindOf(err) == errs.Auth && expect == store.AnyVersion && e.Type != "" && (e.Type != "SecureString" || s.o.KMSKeyID != ""):
		// Who may only write has said all that would be looked up.
	case err != nil:
		return 0, fmt.Errorf("look up what it is, to keep its type and key: %w", err)
	case expect != store.AnyVersion && cur.Version != expect:
		return 0, errs.New(errs.Conflict, "%s has version %d, not %d", s.name(e.Key), cur.Version, expect).
			WithHint("somebody changed it: see skret history %s", e.Key)
	}
	in := s.request(e)
	in.Overwrite = true
	in.Type = cmp.Or(e.Type, cur.Type)
	in.Description = cmp.Or(e.Description, cur.Description)
	switch {
	case in.Type != "SecureString":
		in.KeyID = ""
	case in.KeyID == "" && cur.KeyID != defaultKey:
		in.KeyID = cur.KeyID
	}
	version, err := s.put(ctx, e, in, cur.Version)
	if err != nil {
		return 0, s.putError(e, err)
	}
	if cur.Version > 0 && version != cur.Version+1 {
		s.o.Notice(fmt.Sprintf("%s was changed by somebody else just before: version %d is overwritten; skret history %s has it", s.name(e.Key), version-1, e.Key))
	}
	if e.Type == "" && in.Type != "SecureString" {
		s.o.Notice(fmt.Sprintf("%s stays a %s, which is not encrypted with a key; --type SecureString changes that", s.name(e.Key), in.Type))
	}
	return version, s.addTags(ctx, e, version)
}

// request is what every write of e has.
func (s *Store) request(e secret.Entry) putIn {
	tiers := map[string]string{"standard": "Standard", "advanced": "Advanced", "intelligent": "Intelligent-Tiering"}
	return putIn{
		Name: s.name(e.Key), Value: e.Value.Reveal(), Description: e.Description,
		KeyID: s.o.KMSKeyID, Tier: tiers[s.o.Tier],
	}
}

// current looks up the newest version of k, without its value.
func (s *Store) current(ctx context.Context, k secret.Key) (named, error) {
	var cur named
	err := s.history(ctx, k, false, func(v valued) {
		if v.Version > cur.Version {
			cur = v.named
		}
	})
	return cur, err
}

// put makes the request of a write. When its answer is lost, it looks whether
// the write was carried out. was is the version before, 0 for none or unknown.
func (s *Store) put(ctx context.Context, e secret.Entry, in putIn, was int64) (int64, error) {
	for try := 1; ; try++ {
		var out putOut
		err := s.write(ctx, s.writes, "PutParameter", in, &out)
		if err == nil && out.Version <= 0 {
			err = &lost{errs.New(errs.Backend, "the service gave no version")}
		}
		lostErr, isLost := errors.AsType[*lost](err)
		if !isLost || ctx.Err() != nil {
			return out.Version, err
		}
		now, rerr := fetchOne(ctx, s, e.Key)
		switch {
		case rerr != nil:
			return 0, errs.New(errs.Network, "%s: the answer to the write was lost, and it is not known whether it was carried out: %w", s.name(e.Key), lostErr).
				WithHint("look with skret history %s before you try again", e.Key)
		case now.Version > was && now.Value.Equal(e.Value):
			return now.Version, nil
		case now.Version > was && (was > 0 || !in.Overwrite):
			return 0, errs.New(errs.Conflict, "%s was written by somebody else", s.name(e.Key)).
				WithHint("see skret history %s", e.Key)
		case try == maxLost:
			return 0, fmt.Errorf("%s: %w", s.name(e.Key), lostErr)
		}
	}
}

// fetchOne reads what k is now; the zero entry when there is none.
func fetchOne(ctx context.Context, s *Store, k secret.Key) (secret.Entry, error) {
	found, bad, err := fetch[valued](ctx, s, []secret.Key{k}, true)
	if err == nil {
		err = bad.err()
	}
	return found[k], err
}

func (s *Store) addTags(ctx context.Context, e secret.Entry, version int64) error {
	if len(e.Tags) == 0 {
		return nil
	}
	in := addTagsIn{ResourceType: "Parameter", ResourceID: s.name(e.Key)}
	for _, k := range slices.Sorted(maps.Keys(e.Tags)) {
		in.Tags = append(in.Tags, tag{k, e.Tags[k]})
	}
	// Adding a tag twice is adding it once.
	if err := s.read(ctx, "AddTagsToResource", in, nil); err != nil {
		return fmt.Errorf("the value is written as version %d, but not the tags: %w", version, s.explain(s.name(e.Key), err))
	}
	return nil
}

func (s *Store) putError(e secret.Entry, err error) error {
	if _, ok := errors.AsType[*failure](err); !ok {
		return err
	}
	return s.explain(s.name(e.Key), err)
}

// Delete is the method of [store.Store].
func (s *Store) Delete(ctx context.Context, keys ...secret.Key) error {
	var ask, missing []secret.Key
	for _, k := range keys {
		if k == "" || !possible(s.name(k)) || !s.asked(k) {
			missing = append(missing, k)
		} else if !slices.Contains(ask, k) {
			ask = append(ask, k)
		}
	}
	done := 0
	for part := range slices.Chunk(ask, chunk) {
		gone, err := s.deleteSome(ctx, part)
		if err != nil {
			err = s.explain(s.o.Path, err)
			if done > 0 {
				err = fmt.Errorf("of what was named, the first %d are deleted: %w", done, err)
			}
			return err
		}
		done += len(part)
		missing = append(missing, gone...)
	}
	if len(missing) > 0 {
		return s.notFound(missing)
	}
	return nil
}

// deleteSome deletes up to ten and returns those that were not there.
func (s *Store) deleteSome(ctx context.Context, keys []secret.Key) (missing []secret.Key, err error) {
	in := namesIn{}
	for _, k := range keys {
		in.Names = append(in.Names, s.name(k))
	}
	for try := 1; ; try++ {
		var out deleteOut
		err := s.write(ctx, s.deletes, "DeleteParameters", in, &out)
		if _, ok := errors.AsType[*lost](err); ok && ctx.Err() == nil && try < maxLost {
			// To delete twice is to delete once; but from here on what is not
			// there may be what the first request deleted.
			continue
		}
		if err != nil {
			return nil, err
		}
		if try > 1 {
			return nil, nil
		}
		for _, n := range out.InvalidParameters {
			if k, ok := s.key(n); ok {
				missing = append(missing, k)
			}
		}
		if len(out.InvalidParameters)+len(out.DeletedParameters) != len(keys) {
			return nil, errs.New(errs.Backend, "the service does not say of all parameters whether it deleted them").
				WithHint("see what is left with skret list")
		}
		return missing, nil
	}
}
