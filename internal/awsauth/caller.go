package awsauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// noRegion is the region whose STS is asked where no region is set: it answers
// for all of the commercial partition.
const noRegion = "us-east-1"

// query returns a client of STS and IAM that signs with p. who and renew are for
// its messages.
func (o Options) query(p aws.CredentialsProvider, who, renew string) *query.Client {
	id, _ := fromVariables(o)
	return query.New(query.Options{
		Credentials: p, Region: cmp.Or(o.Region, noRegion), HTTP: o.HTTP, Getenv: o.Getenv, FIPS: id.FIPS, DualStack: id.DualStack,
		UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice, Now: o.Now, Who: who, Renew: renew,
	})
}

// callerOf asks STS who signs with p, by the way that the identity has to it.
func (o Options) callerOf(ctx context.Context, id *Identity, p aws.CredentialsProvider) (query.Caller, error) {
	q := query.Options{
		Credentials: p, Region: cmp.Or(id.Region, noRegion), HTTP: cmp.Or(id.http, o.HTTP), Getenv: id.getenv, FIPS: id.FIPS, DualStack: id.DualStack,
		UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice, Now: o.Now, Who: id.Origin, Renew: id.Renew,
	}
	if q.Getenv == nil {
		q.Getenv = o.Getenv
	}
	return query.New(q).CallerIdentity(ctx)
}

// caller asks STS who signs with p.
func (o Options) caller(ctx context.Context, p aws.CredentialsProvider, who, renew string) (query.Caller, error) {
	return o.query(p, who, renew).CallerIdentity(ctx)
}

// SignCaller signs a request that shows who signs, for a service that sends it to
// AWS STS by itself: see [query.Client.SignCallerIdentity]. The headers are all
// that it is sent with.
func SignCaller(ctx context.Context, o Options) (method, body string, headers map[string]string, err error) {
	o.Region = cmp.Or(o.Region, noRegion)
	id, err := Resolve(o)
	if err != nil {
		return "", "", nil, err
	}
	o.fill()
	// The service sends it to AWS itself, wherever our own requests go.
	getenv := o.Getenv
	o.Getenv = func(name string) string {
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL") {
			return ""
		}
		return getenv(name)
	}
	o.Region = id.Region
	r, body, err := o.query(id.Credentials, id.Origin, id.Renew).SignCallerIdentity(ctx)
	if err != nil {
		return "", "", nil, err
	}
	headers = map[string]string{"Host": r.URL.Host, "Content-Length": strconv.Itoa(len(body))}
	for name := range r.Header {
		if name != "User-Agent" { // it is not signed
			headers[name] = r.Header.Get(name)
		}
	}
	return r.Method, body, headers, nil
}

// noticeClock says that this machine's clock is wrong, when it is by so much
// that sign-ins fail for it.
func (o Options) noticeClock(ahead time.Duration) {
	if ahead.Abs() >= 5*time.Minute {
		way := "behind"
		if ahead < 0 {
			way = "ahead of"
		}
		o.Notice(fmt.Sprintf("this machine's clock is %s %s AWS's; please set it", ahead.Abs().Round(time.Minute), way))
	}
}

// guarded refuses credentials of another account or role than the environment
// is bound to, before the first request is signed with them.
func guarded(o Options, id *Identity) aws.CredentialsProvider {
	if o.Account == "" && o.Role == "" {
		return id.Credentials
	}
	return &guard{CredentialsProvider: id.Credentials, o: o, id: id}
}

type guard struct {
	aws.CredentialsProvider
	o  Options
	id *Identity

	mu     sync.Mutex
	passed string // the access key id that was found good
}

// Retrieve returns the credentials, if they are of the right account and role.
func (g *guard) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := g.CredentialsProvider.Retrieve(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil || c.AccessKeyID == g.passed {
		return c, err
	}
	if err := g.check(ctx, c); err != nil {
		return aws.Credentials{}, err
	}
	g.passed = c.AccessKeyID
	return c, nil
}

func (g *guard) check(ctx context.Context, c aws.Credentials) error {
	// What minted the credentials knows the account that it asked for; what the
	// environment or a program claims is not enough.
	if g.id.SignIn != "" && g.o.Role == "" && c.AccountID != "" {
		return g.judge(c.AccountID, "")
	}
	who, err := g.o.knownCaller(ctx, c, g.id)
	if err != nil {
		return fmt.Errorf("check that the identity is of account %s: %w", cmp.Or(g.o.Account, "any, with role "+g.o.Role), err)
	}
	return g.judge(who.Account, who.ARN)
}

func (g *guard) judge(account, arn string) error {
	if g.o.Account != "" && account != g.o.Account {
		return wrong("wrong account: %s signs in account %s, and the environment is bound to %s", g.id.Origin, account, g.o.Account)
	}
	if g.o.Role != "" && !hasRole(arn, g.o.Role) {
		return wrong("wrong role: %s signs as %s, and the environment is bound to role %s", g.id.Origin, arn, g.o.Role)
	}
	return nil
}

// wrongIdentity is the error of an identity that the environment is not bound to.
type wrongIdentity struct{ error }

func (w *wrongIdentity) Unwrap() error { return w.error }

func wrong(format string, args ...any) error {
	return &wrongIdentity{errs.New(errs.Auth, format, args...).
		WithHint("choose another identity with --auth or --profile, or another environment with -e")}
}

// hasRole tells whether an identity has the role of this name. IAM Identity
// Center gives the role of a permission set a longer name.
func hasRole(arn, role string) bool {
	_, rest, ok := strings.Cut(arn, ":assumed-role/")
	name, _, _ := strings.Cut(rest, "/")
	if !ok {
		return false
	}
	set, isSet := strings.CutPrefix(name, "AWSReservedSSO_")
	if i := strings.LastIndexByte(set, '_'); isSet && i > 0 && set[:i] == role {
		return true
	}
	return name == role
}

// identities is the file in which is kept who signs with which access key. An
// access key belongs to one identity for good, so that this is asked once. There
// is no secret in it.
type identities map[string]struct {
	Account string    `json:"account"`
	ARN     string    `json:"arn"`
	Seen    time.Time `json:"seen"`
}

const (
	maxIdentities     = 200
	maxIdentitiesFile = 1 << 20
)

// knownCaller says who signs with c, as STS said once.
func (o Options) knownCaller(ctx context.Context, c aws.Credentials, id *Identity) (query.Caller, error) {
	name := ""
	if o.Home != "" {
		name = filepath.Join(o.Home, "cache", "identities.json")
		known := identities{}
		if b, err := durable.ReadFile(name, maxIdentitiesFile); err == nil && json.Unmarshal(b, &known) == nil {
			if k, ok := known[c.AccessKeyID]; ok {
				return query.Caller{Account: k.Account, ARN: k.ARN}, nil
			}
		}
	}
	who, err := o.callerOf(ctx, id, constant(c))
	if err != nil || name == "" {
		return who, err
	}
	if err := o.keepCaller(ctx, name, c.AccessKeyID, who); err != nil {
		o.Log.Debug("the identity cannot be kept", "error", err)
	}
	return who, nil
}

func (o Options) keepCaller(ctx context.Context, name, key string, who query.Caller) error {
	if err := durable.PrivateDir(filepath.Dir(name)); err != nil {
		return err
	}
	return durable.Update(ctx, name, 0o600, maxIdentitiesFile, func(old []byte) ([]byte, error) {
		all := identities{}
		_ = json.Unmarshal(old, &all) // what is broken is made anew
		entry := all[key]
		entry.Account, entry.ARN, entry.Seen = who.Account, who.ARN, o.Now().UTC()
		all[key] = entry
		if len(all) > maxIdentities {
			oldest := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[a].Seen.Compare(all[b].Seen) })
			for _, k := range oldest[:len(all)-maxIdentities] {
				delete(all, k)
			}
		}
		return json.Marshal(all)
	})
}
