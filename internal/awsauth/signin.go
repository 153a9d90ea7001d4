package awsauth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/vault"
)

// signIn is a sign-in that skret keeps, at work for one command.
type signIn struct {
	o     Options
	vault keeper
	name  string

	mu     sync.Mutex
	cred   vault.Credential // as it was last read
	locked bool             // this process has the lock of the sign-in
}

// fromVault makes the identity of a sign-in that skret keeps.
func fromVault(o Options, c vault.Credential) (*Identity, error) {
	id, wrong := fromVariables(o)
	if wrong != "" {
		return nil, errs.New(errs.Config, "%s: this value is not understood", wrong).
			WithHint("it is true or false, or a number for AWS_MAX_ATTEMPTS; or unset it")
	}
	m, err := lookupMethod(c.Method)
	if err != nil {
		return nil, errs.New(errs.Auth, "the sign-in %q is of a kind that this skret does not know", c.Name).
			WithHint("use the skret that made it, or sign in again with %s", loginCommand(c.Name))
	}
	s := &signIn{o: o, vault: o.Vault, name: c.Name, cred: c}
	p, err := m.provider(s)
	if err != nil {
		return nil, err
	}
	id.Credentials = &lasting{p, s}
	id.SignIn, id.Origin, id.Renew = c.Name, m.origin(c), "sign in again with "+loginCommand(c.Name)
	id.Who = who("sign-in", c.Name, c.Method, c.LoggedIn.UTC().Format(time.RFC3339Nano))
	if m.renew != nil {
		id.Renew = m.renew(c)
	}
	return id, nil
}

// read reads the sign-in anew.
func (s *signIn) read() (vault.Credential, error) {
	c, err := s.vault.Find(Service, s.name)
	if errs.KindOf(err) == errs.NotFound {
		return c, errs.New(errs.Auth, "the sign-in %q is gone: somebody logged out", s.name).
			WithHint("sign in again with %s", loginCommand(s.name))
	}
	if err != nil {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cred = c
	return c, nil
}

// last returns the sign-in as it was last read.
func (s *signIn) last() vault.Credential {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cred
}

// open returns the sign-in as it is now, with its secrets. Somebody else may
// renew it between the two steps; then it is read again.
func (s *signIn) open(ctx context.Context) (vault.Credential, vault.Material, error) {
	for range 5 {
		c, err := s.read()
		if err != nil {
			return c, vault.Material{}, err
		}
		m, err := s.vault.Open(ctx, c)
		if errs.KindOf(err) != errs.Conflict {
			return c, m, err
		}
	}
	return vault.Credential{}, vault.Material{}, errs.New(errs.Conflict, "the sign-in %q changes faster than it can be read", s.name)
}

// over is the error of a sign-in that only its user can renew.
type over struct{ error }

func (o *over) Unwrap() error { return o.error }

// over says that the sign-in has ended, and why.
func (s *signIn) over(format string, args ...any) error {
	e := errs.New(errs.Auth, "the sign-in %q is over: %w", s.name, fmt.Errorf(format, args...))
	return &over{e.WithHint("sign in again with %s", loginCommand(s.name))}
}

// lasting lets the user sign in again when a sign-in is over, and then goes on.
type lasting struct {
	aws.CredentialsProvider
	s *signIn
}

// Retrieve returns the credentials.
func (l *lasting) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := l.CredentialsProvider.Retrieve(ctx)
	if _, ended := errors.AsType[*over](err); !ended || l.s.o.Relogin == nil {
		return c, err
	}
	if rerr := l.s.o.Relogin(ctx, l.s.name, err); rerr != nil {
		return c, rerr
	}
	return l.CredentialsProvider.Retrieve(ctx)
}

// How long a process waits for another one that renews the same sign-in, and
// how often it looks.
const (
	renewWait = 20 * time.Second
	renewLook = 250 * time.Millisecond
)

// once lets one process of this machine do at a time. The others look meanwhile,
// by done, whether what they need is there; it is asked again before do. Where
// there can be no lock, as in a folder that nobody may write to, do is done
// without.
func (s *signIn) once(ctx context.Context, done func() (bool, error), do func() error) error {
	for start := time.Now(); ; {
		unlock, holder, err := s.vault.TryLock(Service, s.name)
		switch {
		case err != nil && cannotWrite(err):
			s.o.Log.Debug("no lock for the sign-in", "name", s.name, "error", err)
			return do()
		case err != nil:
			return err
		case unlock != nil:
			s.locked = true
			defer func() { s.locked = false; unlock() }()
			if ok, err := done(); ok || err != nil {
				return err
			}
			return do()
		case time.Since(start) > renewWait:
			return errs.New(errs.Auth, "the sign-in %q is being renewed by %s, and has not been for %s", s.name, holder, renewWait).
				WithHint("look at that process, perhaps somebody is signing in there; then try again")
		}
		if err := httpx.Sleep(ctx, renewLook); err != nil {
			return err
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
}

func cannotWrite(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}
