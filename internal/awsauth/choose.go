package awsauth

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// choice is which identity is taken.
type choice struct {
	signIn  *vault.Credential // nil: the chain
	reason  string
	shadows string // what the default sign-in takes the place of, in a sentence; "" when nothing
}

// choose applies the order of identities. A vault that cannot be read is an
// error: it must not look as if nobody had signed in.
func choose(o Options) (choice, error) {
	switch {
	case o.ProfileExplicit:
		return choice{reason: "named by " + cmp.Or(o.ProfileFrom, "--profile")}, nil
	case o.Auth == Chain:
		return choice{reason: "named by " + cmp.Or(o.AuthFrom, "--auth")}, nil
	case o.Vault == nil && o.Auth == "":
		return choice{reason: "there is no sign-in of skret's"}, nil
	case o.Vault == nil:
		return choice{}, unknownSignIn(o)
	}
	c, err := o.Vault.Find(Service, o.Auth)
	switch {
	case err == nil && o.Auth != "":
		return choice{signIn: &c, reason: "named by " + cmp.Or(o.AuthFrom, "--auth")}, nil
	case err == nil:
		return choice{signIn: &c, reason: "stored by skret auth login aws", shadows: shadowed(o, c.Name)}, nil
	case errs.KindOf(err) != errs.NotFound:
		return choice{}, err
	case o.Auth != "":
		return choice{}, unknownSignIn(o)
	}
	return choice{reason: "there is no sign-in of skret's"}, nil
}

func unknownSignIn(o Options) error {
	return errs.New(errs.Auth, "there is no sign-in named %q, which %s names", o.Auth, cmp.Or(o.AuthFrom, "--auth")).
		WithHint("make it with %s, or see what there is with skret auth status", loginCommand(o.Auth))
}

// loginCommand is the command that makes the sign-in of this name, or renews it.
func loginCommand(name string) string {
	if name == "" || name == DefaultName {
		return "skret auth login aws"
	}
	return "skret auth login aws --name " + name
}

// shadowed says what would have signed if skret kept no default sign-in, where
// the user named it: variables, and the profile of .skret.yaml.
func shadowed(o Options, name string) string {
	var what []string
	keys, web := inEnvironment(o.Getenv)
	if keys {
		what = append(what, "the access key in AWS_ACCESS_KEY_ID")
	}
	if web {
		what = append(what, "the web identity in AWS_WEB_IDENTITY_TOKEN_FILE")
	}
	if o.Profile != "" {
		what = append(what, fmt.Sprintf("profile %q (%s)", o.Profile, cmp.Or(o.ProfileFrom, "AWS_PROFILE")))
	}
	if len(what) == 0 {
		return ""
	}
	return fmt.Sprintf("the sign-in %q is used, and not %s; --auth chain turns that round", name, strings.Join(what, " or "))
}

// inEnvironment tells what the environment itself has to sign with.
func inEnvironment(getenv func(string) string) (keys, webIdentity bool) {
	e := readEnvironment(getenv)
	return e.keys.HasKeys(), e.webIdentityFile != ""
}
