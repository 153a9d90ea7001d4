package awsauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth/sso"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

func ssoMethod() Method {
	return Method{
		Name: "sso",
		Doc:  "IAM Identity Center, by a browser; renewed silently",
		Options: []Option{
			{"start_url", "the access portal, such as https://acme.awsapps.com/start", true},
			{"region", "the region of IAM Identity Center, such as us-east-1", true},
			{"account_id", "the account to sign in to; chosen from a list otherwise", false},
			{"role_name", "the permission set to sign in with; chosen from a list otherwise", false},
			{"flow", "how: pkce (a browser here), paste (a browser elsewhere), device (a code)", false},
		},
		login:    ssoLogin,
		provider: ssoProvider,
		origin: func(c vault.Credential) string {
			what := "IAM Identity Center"
			if c.Meta["role_name"] != "" {
				what += ", role " + c.Meta["role_name"] + " in " + c.Meta["account_id"]
			}
			return quoted(c, what)
		},
	}
}

func ssoLogin(ctx context.Context, l *attempt) (draft, error) {
	meta := map[string]string{}
	var err error
	if meta["start_url"], err = l.value(ctx, "start_url", "start URL of IAM Identity Center", ""); err != nil {
		return draft{}, err
	}
	if meta["region"], err = l.value(ctx, "region", "region of IAM Identity Center", noRegion); err != nil {
		return draft{}, err
	}
	flow, err := l.flow()
	if err != nil {
		return draft{}, err
	}
	client, reg, token, err := l.authorize(ctx, meta, flow)
	if err != nil {
		return draft{}, err
	}
	if meta["account_id"], meta["role_name"], err = l.pickRole(ctx, client, token.Access); err != nil {
		return draft{}, err
	}
	meta["flow"] = string(flow)
	meta["token_expires"] = token.Expires.UTC().Format(time.RFC3339)
	meta["registration_expires"] = reg.Expires.UTC().Format(time.RFC3339)
	if token.Refresh == "" {
		l.note("IAM Identity Center gave no way to renew this sign-in: it ends at %s", token.Expires.Local().Format("15:04"))
	} else {
		meta["renewable"] = "true"
	}
	return draft{meta: meta, open: meta["account_id"] == "", secret: map[string]string{
		"client_id": reg.ClientID, "client_secret": reg.ClientSecret, "access_token": token.Access, "refresh_token": token.Refresh,
	}}, nil
}

// flow chooses how to authorize: as asked, as the last time, by a browser of this
// machine if there is one, else by an address that is pasted back.
func (l *attempt) flow() (sso.Flow, error) {
	switch f := sso.Flow(l.given("flow")); f {
	case sso.PKCE, sso.Paste, sso.Device:
		return f, nil
	case "":
	default:
		return "", errs.New(errs.Invalid, "--flow: %q is not known", f).WithHint("use pkce, paste or device")
	}
	if l.l.Browse == nil {
		return sso.Paste, nil
	}
	return sso.PKCE, nil
}

// authorize registers a client and has the user authorize it. When the service
// says that it is in another region, that one is asked, and meta corrected.
func (l *attempt) authorize(ctx context.Context, meta map[string]string, flow sso.Flow) (*sso.Client, sso.Registration, sso.Token, error) {
	for corrected := false; ; corrected = true {
		client := ssoClient(l.o, meta["region"])
		reg, err := client.Register(ctx, meta["start_url"], flow)
		var token sso.Token
		if err == nil {
			token, err = l.ask(ctx, client, reg, meta["start_url"], flow)
		}
		other, wrong := errors.AsType[*sso.RegionError](err)
		if !wrong || corrected || other.Region == "" || other.Region == meta["region"] {
			return client, reg, token, err
		}
		l.note("IAM Identity Center is in %s, not in %s; that is kept", other.Region, meta["region"])
		meta["region"] = other.Region
	}
}

func (l *attempt) ask(ctx context.Context, client *sso.Client, reg sso.Registration, startURL string, flow sso.Flow) (sso.Token, error) {
	switch flow {
	case sso.Device:
		return client.Device(ctx, reg, startURL, func(p sso.DevicePrompt) error {
			l.l.Show(fmt.Sprintf("Open %s and enter the code\n\n    %s\n\nonly if you have just started this on this machine.", p.URL, p.Code), p.CompleteURL)
			if l.l.Browse != nil {
				_ = l.l.Browse(p.CompleteURL) // the address is shown all the same
			}
			return nil
		})
	case sso.Paste:
		return client.Paste(ctx, reg, func(ctx context.Context, address string) (string, error) {
			l.l.Show("Open this address in a browser, on any machine, and sign in:\n\n"+address+
				"\n\nAt the end the browser cannot open a page at 127.0.0.1. That is right: copy its address from the address bar.", "")
			return l.l.Ask(ctx, Question{Text: "the address that the browser ended at"})
		})
	}
	return client.PKCE(ctx, reg, func(address string) error {
		l.l.Show("Sign in with your browser. If it does not open, open this address in a browser on this machine:\n\n"+address, "")
		if l.l.Browse == nil {
			return nil
		}
		return l.l.Browse(address)
	})
}

// pickRole returns the account and the role to sign in to by default: as given,
// the only ones, or chosen from a list. Where nobody can be asked they are left
// open; every environment may name its own.
func (l *attempt) pickRole(ctx context.Context, client *sso.Client, token string) (account, role string, err error) {
	account, role = l.given("account_id"), l.given("role_name")
	if account != "" && role != "" {
		return account, role, nil
	}
	if account == "" {
		accounts, err := client.Accounts(ctx, token)
		if err != nil {
			return "", "", err
		}
		if account, err = l.pickAccount(ctx, accounts); account == "" || err != nil {
			return "", "", err
		}
	}
	roles, err := client.Roles(ctx, token, account)
	if err != nil {
		return "", "", err
	}
	if len(roles) == 0 {
		return "", "", errs.New(errs.Auth, "you have no role in account %s", account).WithHint("ask whoever manages IAM Identity Center for an assignment")
	}
	if role == "" {
		role, err = l.choose(ctx, "role_name", "role in account "+account, roles)
	}
	if role == "" {
		account = ""
	}
	return account, role, err
}

func (l *attempt) pickAccount(ctx context.Context, accounts []sso.Account) (string, error) {
	if len(accounts) == 0 {
		return "", errs.New(errs.Auth, "you are signed in, and have no account").WithHint("ask whoever manages IAM Identity Center for an assignment")
	}
	lines := make([]string, len(accounts))
	for i, a := range accounts {
		lines[i] = strings.TrimSpace(a.ID + "  " + a.Name)
	}
	line, err := l.choose(ctx, "account_id", "account", lines)
	id, _, _ := strings.Cut(line, " ")
	return id, err
}

// choose has the user choose; a single choice is taken. Where nobody can be asked
// it is "", with a note.
func (l *attempt) choose(ctx context.Context, option, what string, choices []string) (string, error) {
	if len(choices) == 1 {
		return choices[0], nil
	}
	got, err := l.l.Ask(ctx, Question{Option: option, Text: what, Choices: choices})
	if errs.KindOf(err) == errs.Invalid {
		l.note("no %s is chosen: name one with --opt %s=..., --account and --role, or account: and role: in .skret.yaml", what, option)
		return "", nil
	}
	return got, err
}
