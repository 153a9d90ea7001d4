package engine

import (
	"context"
	"errors"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/secret"
)

// BySchema is the spec that stands for what the schema says of a secret.
const BySchema = "schema"

// Ungenerated returns the keys of what the schema generates and of which there is
// nothing, in the order of the rules.
func (c *Client) Ungenerated(ctx context.Context) (keys []secret.Key, err error) {
	es, err := c.Names(ctx, "")
	for _, r := range absent(c.Project.Rules, es) {
		if err == nil && r.Generate != "" {
			keys = append(keys, secret.Key(r.Name))
		}
	}
	return keys, err
}

// Generate makes new values for secrets, by one spec, and stores nothing. All values
// that cannot be made, or that the schema would not let be, are reported at once.
func (c *Client) Generate(spec string, keys ...secret.Key) ([]secret.Entry, error) {
	es := make([]secret.Entry, len(keys))
	probs := make([]error, len(keys))
	rule := secret.FindRule(c.Project.Rules)
	for i, k := range keys {
		es[i].Key = k
		es[i].Value, probs[i] = generated(rule(k), k, spec)
	}
	return es, errors.Join(probs...)
}

func generated(rule secret.Rule, k secret.Key, spec string) (secret.Value, error) {
	if spec == BySchema {
		if spec = rule.Generate; spec == "" {
			return secret.Value{}, errs.New(errs.Invalid, "no rule of the schema says how %s is generated", k).
				WithHint("name a kind: skret set %s --generate password", k)
		}
	}
	v, err := generate.Value(spec)
	if err != nil {
		return v, err
	}
	if faults := check.Judge([]secret.Rule{rule}, nil, []secret.Entry{{Key: k, Value: v}}); len(faults) > 0 {
		return v, errs.New(errs.Invalid, "%s generates a value for %s that %s", spec, k, faults[0].Why).
			WithHint("generate another kind, or change the rule at %s", faults[0].Where)
	}
	return v, nil
}
