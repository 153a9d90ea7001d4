package awsauth

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/vault"
)

// DefaultName is the name of a sign-in that was given none.
const DefaultName = "default"

// Question is something that only the user knows.
type Question struct {
	Option   string // the --opt that would have answered it; "" when there is none
	Text     string // "start URL of IAM Identity Center"
	Standard string // what an empty answer means; "" when there must be one
	Hidden   bool
	Choices  []string // the answer is one of these; "" in others
}

// LoginOptions are one login.
type LoginOptions struct {
	Name   string            // "" is [DefaultName]
	Method string            // "" is the one of the sign-in that is renewed, else the first of [Methods]
	Opts   map[string]string // by the names of the method's options
	Given  map[string]string // secrets that came by a pipe or the environment, by the vault's names of them

	Dir string // the folder that files are relative to, absolute

	Unverified bool // not checked with STS before it is kept
	AllowRoot  bool // also the keys of an account's root user
	Anew       bool // ends the session that there is, first

	// Ask asks the user. Its error is of kind Invalid and names the option when
	// nobody can be asked.
	Ask func(ctx context.Context, q Question) (string, error)
	// Show shows a text on the terminal: an address, a code. It may draw a QR code
	// of link, when there is one.
	Show func(text, link string)
	// Browse opens an address in a browser of this machine; nil: there is none.
	Browse func(address string) error
}

// Login is the result of a login.
type Login struct {
	Name, Method string
	Caller       query.Caller // zero when it was not verified
	Notes        []string     // what the user should know
	Made         bool         // there was no sign-in of this name before
	Default      bool
}

// attempt is a login under way.
type attempt struct {
	o     Options
	l     LoginOptions
	was   vault.Credential // the sign-in that is renewed, if it is of the same method
	notes []string
}

// SignIn makes a sign-in, or makes it anew: asks for what is missing, signs in,
// has STS confirm who that is, and keeps it. A login that fails leaves what was
// there. While the user is asked, no other process of this machine asks: they
// wait, or fail.
func SignIn(ctx context.Context, o Options, lo LoginOptions) (Login, error) {
	o.fill()
	lo.Name = cmp.Or(lo.Name, DefaultName)
	if lo.Name == Chain {
		return Login{}, errs.New(errs.Invalid, "a sign-in cannot be named %q: that word means what the AWS SDK finds", Chain)
	}
	was, err := o.Vault.Find(Service, lo.Name)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return Login{}, err
	}
	made := err != nil
	m, err := lookupMethod(cmp.Or(lo.Method, was.Method, Methods()[0].Name))
	if err != nil {
		return Login{}, err
	}
	l := &attempt{o: o, l: lo}
	if was.Method == m.Name {
		l.was = was
	}
	if err := m.check(lo.Opts); err != nil {
		return Login{}, err
	}
	unlock, err := l.alone(ctx)
	if err != nil {
		return Login{}, err
	}
	defer unlock()
	if lo.Anew && !made {
		if ended, why := o.endSession(ctx, was); !ended && was.Method == "sso" {
			l.note("the session before is not ended: %s", why)
		}
	}
	d, err := m.login(ctx, l)
	if err != nil {
		return Login{}, err
	}
	kept := &memory{
		cred:     vault.Credential{Service: Service, Name: lo.Name, Method: m.Name, Meta: d.meta},
		material: vault.NewMaterial(d.secret),
	}
	out := Login{Name: lo.Name, Method: m.Name, Made: made}
	if !lo.Unverified && !d.open {
		if out.Caller, err = l.verify(ctx, m, kept); err != nil {
			return Login{}, err
		}
	}
	if m.verified != nil && out.Caller.ARN != "" {
		m.verified(ctx, l, kept)
	}
	stored, err := kept.moveTo(ctx, o.Vault)
	if err != nil {
		return Login{}, err
	}
	out.Default, out.Notes = stored.Default, l.notes
	return out, nil
}

// alone makes this the one login of this sign-in on the machine.
func (l *attempt) alone(ctx context.Context) (unlock func(), err error) {
	unlock, holder, err := l.o.Vault.TryLock(Service, l.l.Name)
	if err != nil || unlock != nil {
		return unlock, err
	}
	l.o.Notice(fmt.Sprintf("waiting for %s, which signs in or renews the sign-in %q just now", holder, l.l.Name))
	for start := time.Now(); ; {
		if err := httpx.Sleep(ctx, renewLook); err != nil {
			return nil, err
		}
		if unlock, holder, err = l.o.Vault.TryLock(Service, l.l.Name); err != nil || unlock != nil {
			return unlock, err
		}
		if time.Since(start) > renewWait {
			return nil, errs.New(errs.Conflict, "%s is signing in as %q", holder, l.l.Name).
				WithHint("finish it there, or end that process; then try again")
		}
	}
}

// verify has STS say who the sign-in is, with credentials that are got by the
// very way that commands will get theirs.
func (l *attempt) verify(ctx context.Context, m Method, kept *memory) (query.Caller, error) {
	p, err := m.provider(&signIn{o: l.o, vault: kept, name: l.l.Name, cred: kept.cred})
	if err != nil {
		return query.Caller{}, err
	}
	who, err := l.o.caller(ctx, p, "the new sign-in", "give others, or pass --no-verify to keep them as they are")
	if err != nil {
		return query.Caller{}, fmt.Errorf("the sign-in is not kept: %w", err)
	}
	if strings.HasSuffix(who.ARN, ":root") && !l.l.AllowRoot {
		return query.Caller{}, errs.New(errs.Auth, "this is the root user of account %s, who may do everything; the sign-in is not kept", who.Account).
			WithHint("make an IAM user or a role with few permissions, see skret auth policy; --allow-root keeps it all the same")
	}
	kept.cred.Meta["account"], kept.cred.Meta["arn"] = who.Account, who.ARN
	return who, nil
}

// value returns an option: as given, as it was before, or asked for. Standard is
// offered when it is asked for.
func (l *attempt) value(ctx context.Context, option, text, standard string) (string, error) {
	if v := strings.TrimSpace(l.l.Opts[option]); v != "" {
		return v, nil
	}
	if v := l.was.Meta[option]; v != "" {
		return v, nil
	}
	return l.l.Ask(ctx, Question{Option: option, Text: text, Standard: standard})
}

// given returns an option that is not asked for: as given, or as it was before.
func (l *attempt) given(option string) string {
	return cmp.Or(strings.TrimSpace(l.l.Opts[option]), l.was.Meta[option])
}

// secret returns a secret: one that came by a pipe or the environment, or asked
// for without echo.
func (l *attempt) secret(ctx context.Context, field, text string) (string, error) {
	if v, ok := l.l.Given[field]; ok {
		return v, nil
	}
	if l.l.Given != nil {
		return "", errs.New(errs.Invalid, "%s is missing in what was given", text)
	}
	v, err := l.l.Ask(ctx, Question{Text: text, Hidden: true})
	return strings.TrimSpace(v), err
}

// pick adds the options that were given to meta.
func (l *attempt) pick(meta map[string]string, options ...string) {
	for _, o := range options {
		if v := l.given(o); v != "" {
			meta[o] = v
		}
	}
}

func (l *attempt) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}
