package awsauth

import (
	"context"
	"fmt"
	"time"

	"github.com/skret/skret/internal/vault"
)

// Logout is the result of a logout.
type Logout struct {
	Name, Method string
	Ended        bool      // the service ended the session
	Why          string    // why it did not, if it should have
	Until        time.Time // until when copies of its credentials stay valid; zero when none do
	Stays        string    // what stays valid beyond that, in words; "" when nothing
}

// SignOut ends a sign-in at its service where that can be done, and forgets it
// here in any case: also when the service cannot be reached, which is no error.
func SignOut(ctx context.Context, o Options, name string) (Logout, error) {
	o.fill()
	c, err := o.Vault.Find(Service, name)
	if err != nil {
		return Logout{}, err
	}
	return o.signOut(ctx, c)
}

func (o Options) signOut(ctx context.Context, c vault.Credential) (Logout, error) {
	out := Logout{Name: c.Name, Method: c.Method}
	for _, s := range c.Sessions {
		if s.Expires.After(o.Now()) && s.Expires.After(out.Until) {
			out.Until = s.Expires
		}
	}
	switch c.Method {
	case "sso":
		out.Ended, out.Why = o.endSession(ctx, c)
		if !out.Ended {
			out.Stays = "the session at IAM Identity Center, until it ends by itself"
		}
	case "access-key":
		out.Stays = fmt.Sprintf("the access key %s, until somebody deletes it in IAM", c.Meta["key"])
	}
	return out, o.Vault.Delete(ctx, c.Service, c.Name)
}

// endSession ends a session with IAM Identity Center. It returns why not, if it
// cannot.
func (o Options) endSession(ctx context.Context, c vault.Credential) (ended bool, why string) {
	m, err := o.Vault.Open(ctx, c)
	if err == nil {
		err = ssoClient(o, c.Meta["region"]).Logout(ctx, m.Field("access_token"))
	}
	if err != nil {
		return false, err.Error()
	}
	return true, ""
}
