package ssm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/skret/skret/internal/errs"
)

// explain gives a failure its kind, plain words and the next step. what names
// the parameter or the path. Errors that are not the service's own pass.
func (s *Store) explain(what string, err error) error {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if k := errs.KindOf(err); k == errs.Auth || k == errs.Config {
			return err // not about the parameter: no credentials, no endpoint
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case throttled(err):
		return errs.New(errs.Network, "%s: the service throttled %s to the end", what, f.op).
			WithHint("try again later; the quota is shared by all who use Parameter Store in this account and region")
	case denies(f):
		return s.deniedError(what, f)
	case slices.Contains([]string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}, f.code):
		return s.authError("%s: the credentials of %s have expired", what, s.who())
	case slices.Contains([]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "OptInRequired"}, f.code):
		return s.authError("%s: AWS does not know the access key of %s", what, s.who())
	case slices.Contains([]string{"InvalidSignatureException", "SignatureDoesNotMatch"}, f.code):
		return s.authError("%s: AWS refused the signature: the secret key of %s is wrong, or something in between changed the request", what, s.who())
	case slices.Contains([]string{"MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature", "IncompleteSignatureException", "NotAuthorized"}, f.code):
		return s.authError("%s: AWS refused the credentials of %s (%s)", what, s.who(), cleanWord(f.code))
	case f.status >= 500:
		return errs.New(errs.Backend, "%s: %w (%s) to do %s", what, errs.ErrFailed, cleanWord(f.code), f.op).
			WithHint("try again later; https://health.aws.amazon.com tells of trouble")
	}
	if m, ok := modelled()[f.code]; ok {
		e := errs.New(m.kind, "%s: %s", what, m.text)
		if m.hint != "" {
			e = e.WithHint("%s", m.hint)
		}
		return e
	}
	if f.code == "ValidationException" && strings.Contains(f.message, "downgrade") {
		return errs.New(errs.Invalid, "%s: it is in the advanced tier, and cannot go back to the standard one", what).
			WithHint("leave tier: out or set it to advanced, or delete the parameter and set it anew")
	}
	if f.code == "ValidationException" {
		return errs.New(errs.Invalid, "%s: the service finds the request invalid%s", what, f.shown())
	}
	return errs.New(errs.Backend, "%s: the service refused %s: %s%s", what, f.op, cleanWord(f.code), f.shown())
}

// who names the identity.
func (s *Store) who() string {
	if s.o.Identity == "" {
		return "this identity"
	}
	return s.o.Identity
}

func (s *Store) authError(format string, args ...any) error {
	e := errs.New(errs.Auth, format, args...)
	if s.o.Renew != "" {
		return e.WithHint("%s", s.o.Renew)
	}
	return e.WithHint("renew them where they come from")
}

// shown is the service's own message, for an error that no words of ours fit:
// cut, neutralised, and left out where it could quote a value.
func (f *failure) shown() string {
	if f.op == "PutParameter" || f.message == "" {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, f.message)
	if r := []rune(clean); len(r) > 200 {
		clean = string(r[:200]) + "..."
	}
	return fmt.Sprintf(": %q", clean)
}

type words struct {
	kind       errs.Kind
	text, hint string
}

// modelled are the errors that the service's model has, in our words.
func modelled() map[string]words {
	const mend = "mend kms_key_id in .skret.yaml; it is a key's id, its ARN, or alias/NAME in the same region"
	return map[string]words{
		"ParameterNotFound":                    {errs.NotFound, "there is no such parameter", "see what there is with skret list"},
		"ParameterVersionNotFound":             {errs.NotFound, "there is no such version", "see the versions with skret history"},
		"ParameterAlreadyExists":               {errs.Conflict, "the parameter exists already", "to write over it, leave --if-version 0 out"},
		"ParameterLimitExceeded":               {errs.Backend, "the account has as many parameters in this region as it may", "delete some, or set tier: advanced"},
		"ParameterMaxVersionLimitExceeded":     {errs.Backend, "it has 100 versions, and the oldest cannot be dropped, since it has a label", "move the label to a newer version with aws ssm label-parameter-version"},
		"HierarchyLevelLimitExceededException": {errs.Invalid, "a name has 15 levels at most", "choose a shorter path or key"},
		"HierarchyTypeMismatchException":       {errs.Invalid, "the type of a parameter cannot be changed", "leave --type out, or delete the parameter and set it anew"},
		"HierarchyTypeMismatch":                {errs.Invalid, "the type of a parameter cannot be changed", "leave --type out, or delete the parameter and set it anew"},
		"ParameterPatternMismatchException":    {errs.Invalid, "the value does not match the pattern that the parameter demands", "aws ssm describe-parameters shows its AllowedPattern"},
		"ParameterPatternMismatch":             {errs.Invalid, "the value does not match the pattern that the parameter demands", "aws ssm describe-parameters shows its AllowedPattern"},
		"InvalidAllowedPatternException":       {errs.Invalid, "the pattern of the parameter is not valid", ""},
		"UnsupportedParameterType":             {errs.Invalid, "the type is not supported", "use SecureString, String or StringList"},
		"InvalidKeyId":                         {errs.Config, "the KMS key is not known, disabled, or not usable here", mend},
		"PoliciesLimitExceededException":       {errs.Backend, "the parameter has too many policies", ""},
		"InvalidPolicyTypeException":           {errs.Backend, "a policy of the parameter is not supported", ""},
		"InvalidPolicyAttributeException":      {errs.Backend, "a policy of the parameter is not valid", ""},
		"IncompatiblePolicyException":          {errs.Backend, "the policies of the parameter are in conflict", ""},
		"TooManyTagsError":                     {errs.Invalid, "it would have more than 50 tags", "remove some with aws ssm remove-tags-from-resource"},
		"InvalidResourceId":                    {errs.NotFound, "there is no such parameter", "see what there is with skret list"},
		"InvalidNextToken":                     {errs.Backend, "the service does not know its own page any more", "try again"},
		"UnknownOperationException":            {errs.Backend, "what answers at the endpoint does not speak the protocol of SSM", "check AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL"},
		"SerializationException":               {errs.Backend, "the service could not read the request", "check AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL"},
	}
}

// hasCode tells whether err is the service's error of this code.
func hasCode(err error, code string) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.code == code
}
