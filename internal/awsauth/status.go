package awsauth

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/vault"
)

// State is how an identity is.
type State string

// The states of an identity.
const (
	Valid    State = "valid"
	Expiring State = "expiring" // soon, and it cannot be renewed without the user
	Expired  State = "expired"  // only the user can renew it
	Wrong    State = "wrong"    // not of the account or the role that the environment is bound to
	Failed   State = "failed"   // refused, or nobody could be asked
	Unknown  State = "unknown"  // nobody was asked
	None     State = "none"     // there are no credentials
)

// Status is what is known of one identity.
type Status struct {
	Name   string // of the sign-in; "" for the chain
	Method string // "chain" for the chain
	Used   bool   // commands would use it now
	State  State
	Origin string
	Reason string // why it is used
	Shadow string // what it takes the place of
	Stored string // where the key of its secrets is

	Account, ARN string // as STS said now, or with Unknown at the login

	Credentials time.Time // when the present role credentials end; they are renewed before
	Token       time.Time // when the access token ends; it is renewed before
	Session     time.Time // until when renewing is possible at most; zero when there is no bound
	Bound       string    // what sets Session, in words
	Renewable   bool      // without the user
	KeyCreated  time.Time // of an access key, if that is known

	Err error // with Failed, Expired, Wrong, None
}

// Statuses tells of every sign-in of skret's, and first of the identity that
// commands would use. STS is asked with that very identity's credentials; offline
// nobody is asked, no key is needed, and State is what the clock says.
func Statuses(ctx context.Context, o Options, offline bool) ([]Status, error) {
	o.fill()
	used, err := choose(o)
	if err != nil {
		return nil, err
	}
	all, err := o.Vault.List()
	if err != nil {
		return nil, err
	}
	var out []Status
	if used.signIn == nil {
		out = append(out, o.chainStatus(ctx, used, offline))
	}
	for _, c := range all {
		if c.Service != Service {
			continue
		}
		st := o.stored(c)
		if used.signIn != nil && used.signIn.Name == c.Name {
			st.Used, st.Reason, st.Shadow = true, used.reason, used.shadows
		}
		if !offline {
			p := o
			if !st.Used {
				p.Account, p.Role = "", "" // those bind the identity that is used
			}
			p.Auth, p.ProfileExplicit = c.Name, false
			st.ask(ctx, p)
		}
		if st.Used {
			out = append([]Status{st}, out...)
		} else {
			out = append(out, st)
		}
	}
	return out, nil
}

// Glance is the status of the sign-in that commands would use, by what is in the
// file and the clock alone; ok is false where it is the chain.
func Glance(o Options) (st Status, ok bool, err error) {
	o.fill()
	c, err := choose(o)
	if err != nil || c.signIn == nil {
		return Status{}, false, err
	}
	st = o.stored(*c.signIn)
	st.Used = true
	return st, true, nil
}

// stored says what the file and the clock say of a sign-in.
func (o Options) stored(c vault.Credential) Status {
	st := Status{Name: c.Name, Method: c.Method, State: Unknown, Account: c.Meta["account"], ARN: c.Meta["arn"], Origin: c.Name, Renewable: true}
	if m, err := lookupMethod(c.Method); err == nil {
		st.Origin = m.origin(c)
	}
	now := o.Now()
	for _, s := range c.Sessions {
		if s.Expires.After(now) && s.Expires.After(st.Credentials) {
			st.Credentials = s.Expires
		}
	}
	st.KeyCreated, _ = time.Parse(time.RFC3339, c.Meta["key_created"])
	if c.Method != "sso" {
		st.Renewable = c.Method != "access-key"
		return st
	}
	st.Token, _ = time.Parse(time.RFC3339, c.Meta["token_expires"])
	st.Renewable = c.Meta["renewable"] == "true"
	st.Session, st.Bound = st.Token, "the access token, which cannot be renewed"
	if st.Renewable {
		st.Session, _ = time.Parse(time.RFC3339, c.Meta["registration_expires"])
		st.Bound = "the registration; whoever manages IAM Identity Center may end it earlier"
	}
	switch left := st.Session.Sub(now); {
	case left <= 0 && st.Credentials.IsZero():
		st.State = Expired
	case st.Renewable && left < 3*24*time.Hour, !st.Renewable && left < time.Hour:
		st.State = Expiring
	default:
		st.State = Valid
	}
	return st
}

// ask has STS say who the sign-in is.
func (st *Status) ask(ctx context.Context, o Options) {
	id, err := o.quietly()
	if err == nil {
		st.judge(o.whoIs(ctx, id))
		return
	}
	st.judge(query.Caller{}, err)
}

// quietly is Resolve without remarks, for looking and not for using.
func (o Options) quietly() (*Identity, error) {
	o.Notice, o.Relogin = func(string) {}, nil
	o.Region = cmp.Or(o.Region, noRegion)
	return Resolve(o)
}

// whoIs asks STS, signed by the identity.
func (o Options) whoIs(ctx context.Context, id *Identity) (query.Caller, error) {
	return o.callerOf(ctx, id, id.Credentials)
}

// judge takes what STS said.
func (st *Status) judge(who query.Caller, err error) {
	st.Err = err
	switch {
	case err == nil:
		st.Account, st.ARN = who.Account, who.ARN
		if st.State != Expiring {
			st.State = Valid
		}
	case is[*over](err):
		st.State = Expired
	case is[*wrongIdentity](err):
		st.State = Wrong
	default:
		st.State = Failed
	}
}

func is[E error](err error) bool { _, ok := errors.AsType[E](err); return ok }

// chainStatus is the status of what the SDK's chain finds.
func (o Options) chainStatus(ctx context.Context, c choice, offline bool) Status {
	st := Status{Method: Chain, Used: true, State: Unknown, Reason: c.reason}
	id, err := o.quietly()
	if err != nil {
		st.judge(query.Caller{}, err)
		return st
	}
	st.Origin = id.Origin
	if _, in := o.profileLines(); strings.HasPrefix(id.Origin, "profile ") && len(in) > 0 {
		st.Origin += " in " + strings.Join(in, " and ")
	}
	if offline {
		return st
	}
	creds, err := id.Credentials.Retrieve(ctx)
	if is[*noCredentials](err) {
		st.State, st.Err, st.Origin = None, err, ""
		return st
	}
	if err != nil {
		st.judge(query.Caller{}, err)
		return st
	}
	if creds.CanExpire {
		st.Credentials = creds.Expires
	}
	id.Credentials = constant(creds)
	st.judge(o.whoIs(ctx, id))
	return st
}

// Works tells whether commands can use the identity, as far as is known.
func (st Status) Works() bool {
	return st.State == Valid || st.State == Expiring || st.State == Unknown
}
