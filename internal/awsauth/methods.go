package awsauth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// Method is one way to sign in to AWS.
type Method struct {
	Name    string
	Doc     string // what it is, in a line
	Options []Option

	// login asks for what is missing and gets what is to be kept.
	login func(ctx context.Context, l *attempt) (draft, error)
	// verified adds to what is kept what only a sign-in that works can find out; nil:
	// nothing.
	verified func(ctx context.Context, l *attempt, kept *memory)
	// provider signs with what is kept.
	provider func(s *signIn) (aws.CredentialsProvider, error)
	// origin says in words what the sign-in is.
	origin func(c vault.Credential) string
	// renew is the next step when its credentials have expired; nil: sign in again.
	renew func(c vault.Credential) string
}

// Option is a setting of a method, given by --opt NAME=VALUE or asked for.
type Option struct {
	Name string
	Doc  string
	Must bool // it is asked for when it is not given
}

// draft is what a login is to keep.
type draft struct {
	meta   map[string]string
	secret map[string]string
	open   bool // it does not say yet what is signed with it, and cannot be verified
}

// Methods are the ways to sign in, the default first.
func Methods() []Method {
	return []Method{ssoMethod(), accessKeyMethod(), assumeRoleMethod(), profileMethod(), rolesAnywhereMethod(), oidcMethod(), consoleMethod()}
}

func lookupMethod(name string) (Method, error) {
	all := Methods()
	for _, m := range all {
		if m.Name == name {
			return m, nil
		}
	}
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.Name
	}
	return Method{}, errs.New(errs.Invalid, "--method: %q is not known", name).WithHint("use one of %s", strings.Join(names, ", "))
}

// check refuses options that the method does not have, all at once.
func (m Method) check(opts map[string]string) error {
	known := make([]string, len(m.Options))
	for i, o := range m.Options {
		known[i] = o.Name
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		if !slices.Contains(known, name) {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	hint := "it takes no options"
	if len(known) > 0 {
		hint = "its options are " + strings.Join(known, ", ")
	}
	return errs.New(errs.Invalid, "--opt: the method %s has no %s", m.Name, strings.Join(wrong, ", ")).WithHint("%s", hint)
}

// quoted is a setting in quotes, for the words of an origin.
func quoted(c vault.Credential, what string) string {
	return fmt.Sprintf("the sign-in %q (%s)", c.Name, what)
}
