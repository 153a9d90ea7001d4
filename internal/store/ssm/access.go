package ssm

import (
	"encoding/json"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// denies tells whether the service said that the identity may not.
func denies(f *failure) bool {
	return f.code == "AccessDeniedException" || f.code == "AccessDenied" || f.code == "UnauthorizedOperation" || f.code == "KMSAccessDeniedException"
}

// aboutKey tells whether a failure is about the KMS key of a parameter: another
// parameter may still be readable.
func aboutKey(f *failure) bool {
	text := strings.ToLower(f.message)
	return f.code == "InvalidKeyId" || strings.HasPrefix(f.code, "KMS") ||
		denies(f) && (strings.Contains(text, "kms:") || strings.Contains(text, "ciphertext") || strings.Contains(text, "master key"))
}

// denial is what an AccessDenied says, as far as it could be read.
type denial struct {
	user, action, resource string
	explicit               string // who denies: "a service control policy"; "" when nobody allows
}

// readDenial takes apart "User: U is not authorized to perform: A on resource: R
// because ...". A part that does not look like one is left empty.
func readDenial(message string) (d denial) {
	word := func(after string) string {
		_, rest, _ := strings.Cut(message, after)
		w, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_+=,.@*-") != "" || len(w) > 2048 {
			return ""
		}
		return w
	}
	d.user, d.action, d.resource = word("User: "), word("is not authorized to perform: "), word("on resource: ")
	if _, by, ok := strings.Cut(message, "with an explicit deny"); ok {
		d.explicit = "a policy"
		for _, p := range []string{"service control policy", "resource control policy", "permissions boundary", "session policy", "VPC endpoint policy", "identity-based policy", "resource-based policy"} {
			if strings.Contains(by, p) {
				d.explicit = "a " + p
				if p[0] == 'i' {
					d.explicit = "an " + p
				}
				break
			}
		}
	}
	return d
}

// deniedError says who may not do what, and gives the statement that would
// allow it.
func (s *Store) deniedError(what string, f *failure) error {
	d := readDenial(f.message)
	kms := aboutKey(f)
	if d.action == "" {
		if d.action = "ssm:" + f.op; kms {
			d.action = "kms:Decrypt"
			if f.op == "PutParameter" {
				d.action = "kms:Encrypt"
			}
		}
	}
	if d.user == "" {
		d.user = s.who()
	}
	e := errs.New(errs.Auth, "%s: access denied: %s may not do %s on %s", what, d.user, d.action, orElse(d.resource, "it"))
	if d.explicit != "" {
		return e.WithHint("%s denies it expressly, so that allowing it elsewhere does not help: ask whoever manages it", d.explicit)
	}
	resources := []string{orElse(d.resource, "*")}
	if account := strings.Split(d.resource, ":parameter/"); len(account) == 2 && !kms {
		below := account[0] + ":parameter" + s.root
		if resources = []string{below + "*"}; f.op == "GetParametersByPath" {
			resources = []string{strings.TrimSuffix(below, "/"), below + "*"}
		}
	}
	return e.WithHint("a policy of that identity needs the statement %s", statement(d.action, resources))
}

func statement(action string, resources []string) string {
	b, err := json.Marshal(struct {
		Effect   string
		Action   string
		Resource []string
	}{"Allow", action, resources})
	if err != nil {
		return ""
	}
	return string(b)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
