package engine

import (
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/ssm"
	"github.com/skret/skret/internal/vault"
)

// openAWS returns the store in SSM of o.Project's environment, and what is kept of
// it around it. It makes no request, but starts loading the trust store for those
// to come, unless there may be none.
func openAWS(o Options) (store.Store, error) {
	s, err := o.sessions.of(o.Project.Place, func() (session, error) { return openSession(o) })
	if err != nil {
		return nil, err
	}
	o.visit.As(s.id.Origin)
	return cached(o, s.id, s.vault, ssm.New(ssmOptions(o, s)))
}

// ssmOptions are those of the store of o.Project's environment, for who asks in s.
func ssmOptions(o Options, s session) ssm.Options {
	id, p := s.id, o.Project
	return ssm.Options{
		Path: p.Place.Path, Region: id.Region, Credentials: id.Credentials, Identity: id.Origin, Renew: id.Renew, HTTP: s.http,
		Endpoint: id.Endpoint, FIPS: id.FIPS, DualStack: id.DualStack, MaxAttempts: id.MaxAttempts,
		KMSKeyID: p.Place.KMSKeyID, Tier: p.Place.Tier, Keys: placeKeys(p),
		UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice,
	}
}

// session is who asks, and by which connections.
type session struct {
	id    *awsauth.Identity
	vault *vault.Vault
	http  *http.Client
}

func openSession(o Options) (session, error) {
	p := o.Project
	bundle, load := p.Getenv("AWS_CA_BUNDLE"), httpx.Preload
	if serves(o) {
		load = httpx.Bundle
	}
	var trust *httpx.Trust
	if !localEndpoint(p.Getenv("AWS_ENDPOINT_URL_SSM")) && !localEndpoint(p.Getenv("AWS_ENDPOINT_URL")) {
		trust = load(bundle)
	}
	a := AWS(o)
	id, err := awsauth.Resolve(a)
	if err != nil {
		return session{}, err
	}
	if !localEndpoint(id.Endpoint) && (trust == nil || id.CABundle != bundle) {
		trust = load(id.CABundle)
	}
	return session{id, a.Vault, httpx.Client(httpx.Options{Trust: trust, Conns: 10})}, nil
}

// sessions are those of an environment's layers: layers that say the same of who
// signs have one, so that nobody is asked twice and no role is taken twice. nil is
// that of one layer.
type sessions struct {
	mu    sync.Mutex
	known map[[6]string]session
}

func (all *sessions) of(p config.Place, open func() (session, error)) (session, error) {
	if all == nil {
		return open()
	}
	who := [6]string{p.Region, p.Profile, strconv.FormatBool(p.ProfileExplicit), p.Auth, p.Account, p.Role}
	all.mu.Lock()
	defer all.mu.Unlock()
	s, ok := all.known[who]
	if ok {
		return s, nil
	}
	s, err := open()
	if err == nil {
		all.known[who] = s
	}
	return s, err
}

// localEndpoint tells whether an endpoint is plain HTTP to this machine, which
// needs no trust store.
func localEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "http" && httpx.Loopback(u.Hostname())
}
