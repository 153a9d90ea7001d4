package remote

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// gitlabInput is what is written. What is left out stays as it is.
type gitlabInput struct {
	Key       string `json:"key,omitempty"`
	Value     string `json:"value"`
	Scope     string `json:"environment_scope,omitempty"`
	Raw       bool   `json:"raw"`
	Masked    bool   `json:"masked,omitempty"`
	Hidden    bool   `json:"masked_and_hidden,omitempty"`
	Protected bool   `json:"protected,omitempty"`
}

// Put creates a variable, or changes it if it is there: it may have come or gone since
// it was looked for.
func (g *GitLab) Put(ctx context.Context, e secret.Entry, was *secret.Entry) error {
	if was != nil {
		if err := g.change(ctx, e); !hasStatus(err, http.StatusNotFound) {
			return g.explain(err)
		}
	}
	err := g.create(ctx, e)
	if !hasStatus(err, http.StatusBadRequest) {
		return g.explain(err)
	}
	// It may be there by now. That is looked at first: a server that takes no heed of
	// scopes would change that of another.
	var there gitlabVariable
	if _, lerr := g.api.Do(ctx, http.MethodGet, g.one(e.Key), nil, &there); lerr != nil || cmp.Or(there.Scope, allScopes) != g.o.Scope {
		return g.explain(err)
	}
	return g.explain(g.change(ctx, e))
}

// one returns the path of one variable of the scope.
func (g *GitLab) one(name secret.Key) string {
	return g.at + "/" + url.PathEscape(string(name)) + "?" + url.Values{"filter[environment_scope]": {g.o.Scope}}.Encode()
}

// create creates a variable. If the server left out what it was to be, which old ones
// and those without a licence do in silence, it is taken back.
func (g *GitLab) create(ctx context.Context, e secret.Entry) error {
	in := gitlabInput{
		Key: string(e.Key), Value: e.Value.Reveal(), Scope: g.o.Scope, Raw: true,
		Masked: g.o.Masked && !g.o.Hidden, Hidden: g.o.Hidden, Protected: g.o.Protected,
	}
	var made gitlabVariable
	if _, err := g.api.Do(ctx, http.MethodPost, g.at, in, &made); err != nil {
		return err
	}
	made.Value.value = in.Value // of a hidden one it is not told
	lacks := g.lacks(made)
	switch {
	case cmp.Or(made.Scope, allScopes) != g.o.Scope:
		lacks = "limited to " + g.o.Scope
	case g.o.Hidden && !made.Hidden:
		lacks = "hidden"
	}
	if lacks == "" {
		return nil
	}
	undo := g.at + "/" + url.PathEscape(string(e.Key)) + "?" + url.Values{"filter[environment_scope]": {cmp.Or(made.Scope, allScopes)}}.Encode()
	left := "it was taken back"
	if _, err := g.api.Do(ctx, http.MethodDelete, undo, nil, nil); err != nil {
		left = "it is there now"
	}
	return errs.New(errs.Config, "%s made %s, and not %s; %s", hostOf(g.api.t.Origin), e.Key, lacks, left).
		WithHint("hidden variables need GitLab 17.4, scopes of a group need Premium; else leave that out")
}

// change changes a variable that is there.
func (g *GitLab) change(ctx context.Context, e secret.Entry) error {
	in := gitlabInput{Value: e.Value.Reveal(), Raw: true, Masked: g.o.Masked, Protected: g.o.Protected}
	var now gitlabVariable
	if _, err := g.api.Do(ctx, http.MethodPut, g.one(e.Key), in, &now); err != nil {
		return err
	}
	now.Value.value = in.Value
	if lacks := g.lacks(now); lacks != "" {
		return errs.New(errs.Config, "%s wrote %s, and it is not %s", hostOf(g.api.t.Origin), e.Key, lacks).
			WithHint("does this version of GitLab know that?")
	}
	return nil
}

// Delete deletes variables of the scope, and stops at the first that is refused.
func (g *GitLab) Delete(ctx context.Context, names ...secret.Key) error {
	for _, name := range names {
		if _, err := g.api.Do(ctx, http.MethodDelete, g.one(name), nil, nil); err != nil && !hasStatus(err, http.StatusNotFound) {
			return g.explain(err)
		}
	}
	return nil
}
