package engine

import (
	"context"
	"net/url"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/store/ssm"
)

// openAWS returns the store in SSM of o.Project's environment. It makes no
// request, but starts loading the trust store for those to come.
func openAWS(ctx context.Context, o Options) (*ssm.Store, error) {
	p := o.Project
	bundle := p.Getenv("AWS_CA_BUNDLE")
	var trust *httpx.Trust
	if !localEndpoint(p.Getenv("AWS_ENDPOINT_URL_SSM")) && !localEndpoint(p.Getenv("AWS_ENDPOINT_URL")) {
		trust = httpx.Preload(bundle)
	}
	id, err := awsauth.Resolve(ctx, AWS(o))
	if err != nil {
		return nil, err
	}
	if !localEndpoint(id.Endpoint) && (trust == nil || id.CABundle != bundle) {
		trust = httpx.Preload(id.CABundle)
	}
	return ssm.New(ssm.Options{
		Path: p.Place.Path, Region: id.Region, Credentials: id.Credentials, Identity: id.Origin, Renew: id.Renew,
		HTTP:     httpx.Client(httpx.Options{Trust: trust, Conns: 10}),
		Endpoint: id.Endpoint, FIPS: id.FIPS, DualStack: id.DualStack, MaxAttempts: id.MaxAttempts,
		KMSKeyID: p.Place.KMSKeyID, Tier: p.Place.Tier, Keys: placeKeys(p),
		UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice,
	}), nil
}

// localEndpoint tells whether an endpoint is plain HTTP to this machine, which
// needs no trust store.
func localEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "http" && httpx.Loopback(u.Hostname())
}
