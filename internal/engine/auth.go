package engine

import (
	"net/http"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/vault"
)

// Vault is the vault of the user's sign-ins. Nothing is opened.
func Vault(o Options) *vault.Vault {
	return vault.New(vault.Options{
		Dir: o.Project.Home, KeyFile: o.Project.Getenv("SKRET_KEY_FILE"), PassphraseFile: o.Project.Getenv("SKRET_PASSPHRASE_FILE"),
		Getenv: o.Project.Getenv, AskPassphrase: o.AskPassphrase, Notice: o.Notice, Log: o.Log,
	})
}

// authHTTP is the client for the services of signing in, which are asked seldom:
// the trust store is loaded when it is needed.
func authHTTP(o Options) *http.Client {
	return httpx.Client(httpx.Options{Trust: httpx.Bundle(o.Project.Getenv("AWS_CA_BUNDLE"))})
}

// AWS are the options of awsauth for the configuration.
func AWS(o Options) awsauth.Options {
	p := o.Project
	a := awsauth.Options{
		Auth: p.Place.Auth, AuthFrom: where(p, "auth"),
		Profile: p.Place.Profile, ProfileFrom: where(p, "profile"), ProfileExplicit: p.Place.ProfileExplicit,
		Account: p.Place.Account, Role: p.Place.Role, Region: p.Place.Region,
		HTTP: authHTTP(o), Home: p.Home, UserAgent: o.UserAgent,
		Getenv: p.Getenv, Log: o.Log, Notice: o.Notice, AskMFA: o.AskPassphrase, Relogin: o.Relogin,
	}
	if p.Home != "" {
		a.Vault = Vault(o)
	}
	return a
}

// where says where a setting stands, for a message.
func where(p *config.Project, name string) string {
	switch o := p.Origins[name]; o.Kind {
	case "file":
		return name + ": in " + o.String()
	case "flag", "variable":
		return o.Name
	}
	return ""
}
