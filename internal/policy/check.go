package policy

import (
	"errors"
	"strings"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
)

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lower
	digits  = "0123456789"
)

// only tells whether s has something, and nothing but the characters of allowed.
// That keeps out what IAM gives a meaning: * and ? match, ${...} is a variable.
func only(s, allowed string) bool { return s != "" && strings.Trim(s, allowed) == "" }

func isAccount(s string) bool { return len(s) == 12 && only(s, digits) }

// check says all that is wrong with an environment.
func (e Environment) check() error {
	var wrong []error
	bad := func(hint, format string, args ...any) {
		wrong = append(wrong, errs.New(errs.Config, "environment %s: "+format, append([]any{e.Name}, args...)...).WithHint("%s", hint))
	}
	if e.Path != "/" && !isPath(e.Path) {
		bad("it is like /app/prod: letters, digits and _.- between slashes", "%q is not a path", e.Path)
	}
	if !only(e.Region, lower+digits+"-") {
		bad("set region: in .skret.yaml, or AWS_REGION", "%q is not a region", e.Region)
	}
	if e.Account != "" && !isAccount(e.Account) {
		bad("it has 12 digits", "%q is not an account", e.Account)
	}
	for _, k := range e.Keys {
		if !isPath("/" + k) {
			bad("a key has letters, digits and _.- between slashes", "%q is not a key", k)
		}
	}
	if e.KMSKeyID != "" {
		k, ok := parseKey(e.KMSKeyID)
		switch partition := endpoint.PartitionOf(e.Region).ID; {
		case !ok:
			bad("it is a key's id, its ARN, or alias/NAME", "kms_key_id does not name a KMS key")
		case k.region != "" && (k.region != e.Region || k.partition != partition):
			bad("Parameter Store uses keys of its own region alone", "the KMS key is in %s, and the parameters are in %s", k.region, e.Region)
		}
	}
	return errors.Join(wrong...)
}

// isPath tells whether s is like "/app/prod".
func isPath(s string) bool {
	segments, ok := strings.CutPrefix(s, "/")
	for segment := range strings.SplitSeq(segments, "/") {
		ok = ok && only(segment, letters+digits+"_.-")
	}
	return ok
}
