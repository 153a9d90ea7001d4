package fake

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Cloud is AWS as far as signing in goes: SSM, STS, IAM, IAM Identity Center
// (two services), Roles Anywhere, the credential server of a container and an
// issuer of identity tokens, each an HTTP server on loopback, over one registry
// of identities and access keys and one clock that tests set.
//
// Every key that one service hands out is one that the others check signatures
// against. Whoever needs another identity makes it: [Cloud.User], [Cloud.Role],
// [Cloud.Assign], [Cloud.Issue], [Cloud.Certificate].
//
// Services and operations have AWS's names: "ssm", "sts", "iam", "sso",
// "oidc", "rolesanywhere", and "container" and "github". The operation
// CreateToken is recorded with its grant: "CreateToken:refresh_token".
//
// All secrets that a Cloud makes begin with [SecretMark].
type Cloud struct {
	SSM *SSM

	// OnCall is called with each request before anything else, in the request's
	// goroutine. Set it before the first.
	OnCall func(service, op string)

	CloudRules

	offset  atomic.Int64 // of the clock, nanoseconds
	servers map[string]*server

	mu        sync.Mutex
	keys      map[string]*Key
	users     map[string]*User
	roles     map[string]*Role // by ARN
	providers map[string][]string
	sso       identityCenter

	authority *authority
	issuer    issuer
}

// CloudRules are how the services behave. Change them with [Cloud.Set] when
// clients run.
type CloudRules struct {
	TokenLife        time.Duration // of an access token of IAM Identity Center
	SessionLife      time.Duration // for which access tokens are renewed
	RegistrationLife time.Duration // of a client
	DeviceLife       time.Duration // of a device code
	RoleLife         time.Duration // of the keys of IAM Identity Center and of containers

	Interval int  // seconds that a device is told to wait between polls
	Lax      bool // who polls faster is not told to slow down
	Polls    int  // a device is approved at this poll; -1: when the page is opened
	Deny     bool // the user denies what they are asked

	Reusable      bool // a refresh token is good for more than one renewal
	ReuseEnds     bool // a refresh token that is used twice ends the session
	OmitRefresh   bool // renewals tell no refresh token; the old one stays good
	NoRefresh     bool // no refresh token at all
	PageSize      int  // of the lists of accounts and roles
	UnknownFor    int  // so many requests do not know a new key of a user yet
	ContainerRole string
}

// SecretMark begins every secret that a [Cloud] makes.
const SecretMark = "fakeSecret"

// Key is an access key.
type Key struct {
	ID, Secret, Token string // Token is "" for the key of a user
	ARN               string
	UserID            string
	Created, Expires  time.Time // Expires is zero for a key that does not
	Inactive          bool

	user        string // whose key it is, if a user's
	unknown     int    // so many requests do not know it yet
	lastUsed    time.Time
	lastService string
}

// NewCloud starts a cloud. Close stops it.
func NewCloud() *Cloud {
	c := &Cloud{
		SSM: NewSSM(), keys: map[string]*Key{}, users: map[string]*User{}, roles: map[string]*Role{}, providers: map[string][]string{},
		CloudRules: CloudRules{
			TokenLife: time.Hour, SessionLife: 8 * time.Hour, RegistrationLife: 90 * 24 * time.Hour, DeviceLife: 10 * time.Minute,
			RoleLife: time.Hour, Interval: 1, PageSize: 3, ContainerRole: "task-role",
		},
	}
	c.SSM.Cloud = c
	c.sso.make()
	c.servers = map[string]*server{
		"sts":           newServer(c, "sts", formShape, stsOperations),
		"iam":           newServer(c, "iam", formShape, iamOperations),
		"oidc":          newServer(c, "oidc", oidcShape, oidcOperations),
		"sso":           newServer(c, "sso", portalShape, portalOperations),
		"rolesanywhere": newServer(c, "rolesanywhere", restShape, anywhereOperations),
		"container":     newServer(c, "container", containerShape, containerOperations),
		"github":        newServer(c, "github", restShape, githubOperations),
	}
	return c
}

// Close stops all servers, whatever they are doing.
func (c *Cloud) Close() {
	c.SSM.Close()
	for _, s := range c.servers {
		s.http.CloseClientConnections()
		s.http.Close()
	}
}

// URL returns the address of a service.
func (c *Cloud) URL(service string) string {
	if service == "ssm" {
		return c.SSM.URL
	}
	return c.server(service).http.URL
}

func (c *Cloud) server(name string) *server {
	s := c.servers[name]
	if s == nil {
		panic("fake: no service " + name)
	}
	return s
}

// Env returns the variables by which an AWS SDK talks to this cloud and to
// nothing else. There are no credentials in it.
func (c *Cloud) Env() []string {
	return append(NoAWS(),
		"AWS_REGION="+Region,
		"AWS_ENDPOINT_URL_SSM="+c.URL("ssm"),
		"AWS_ENDPOINT_URL_STS="+c.URL("sts"),
		"AWS_ENDPOINT_URL_IAM="+c.URL("iam"),
		"AWS_ENDPOINT_URL_SSO="+c.URL("sso"),
		"AWS_ENDPOINT_URL_SSO_OIDC="+c.URL("oidc"),
		"AWS_ENDPOINT_URL_ROLESANYWHERE="+c.URL("rolesanywhere"),
	)
}

// Env returns the variables by which an AWS SDK signs with a key.
func (k Key) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + k.ID, "AWS_SECRET_ACCESS_KEY=" + k.Secret, "AWS_SESSION_TOKEN=" + k.Token}
}

// Now is the time by the cloud's clock.
func (c *Cloud) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Advance sets the cloud's clock forward, or back.
func (c *Cloud) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// Set changes the rules while clients run.
func (c *Cloud) Set(change func(*CloudRules)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.CloudRules)
}

// Issue makes a temporary key of an identity.
func (c *Cloud) Issue(arn string, life time.Duration) Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.issue(arn, life)
}

func (c *Cloud) issue(arn string, life time.Duration) *Key {
	k := &Key{
		ID: "ASIA" + rand.Text()[:16], Secret: newSecret(), Token: newSecret() + strings.Repeat("/token", 40), ARN: arn,
		UserID: "AROA" + uniqueID(roleOf(arn)) + ":" + arn[strings.LastIndexByte(arn, '/')+1:], Created: c.Now(), Expires: c.Now().Add(life),
	}
	c.keys[k.ID] = k
	return k
}

// Root makes a key of an account's root user.
func (c *Cloud) Root() Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.lasting("arn:aws:iam::"+Account+":root", "", Account)
}

// lasting makes a key that does not expire.
func (c *Cloud) lasting(arn, user, userID string) *Key {
	k := &Key{ID: "AKIA" + rand.Text()[:16], Secret: newSecret(), ARN: arn, UserID: userID, Created: c.Now(), user: user}
	c.keys[k.ID] = k
	return k
}

// Key returns a copy of a key.
func (c *Cloud) Key(id string) (Key, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[id]; k != nil {
		return *k, true
	}
	return Key{}, false
}

// lookup is [Cloud.find] for who does not hold the lock.
func (c *Cloud) lookup(id, token, service string) (Key, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(id, token, service)
}

// find returns the key that comes with a session token, if it is good for
// anything.
func (c *Cloud) find(id, token, service string) (Key, error) {
	k := c.keys[id]
	switch {
	case k == nil, k.Inactive, k.Token != token:
		return Key{}, fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	case k.unknown > 0:
		k.unknown--
		return Key{}, fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	case !k.Expires.IsZero() && !c.Now().Before(k.Expires):
		return Key{}, fail("ExpiredTokenException", "The security token included in the request is expired")
	}
	k.lastUsed, k.lastService = c.Now(), service
	return *k, nil
}

// Fault announces faults of a service.
func (c *Cloud) Fault(service string, fs ...Fault) {
	if service == "ssm" {
		c.SSM.Fault(fs...)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server(service).faults.add(fs)
}

// Heal ends all faults of the services but SSM.
func (c *Cloud) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		s.faults = nil
	}
}

// Unmet returns the announced faults that have not happened.
func (c *Cloud) Unmet() []string {
	all := c.SSM.Unmet()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		for _, f := range s.faults.unmet() {
			all = append(all, s.name+": "+f)
		}
	}
	return all
}

// Calls returns the requests for an operation so far, or with op "" all of the
// service.
func (c *Cloud) Calls(service, op string) []Call {
	var all []Call
	if service == "ssm" {
		all = c.SSM.Calls()
	} else {
		c.mu.Lock()
		all = slices.Clone(c.server(service).calls)
		c.mu.Unlock()
	}
	return slices.DeleteFunc(all, func(call Call) bool { return !isOp(call.Op, op) })
}

// Count returns how many requests there were for an operation; service "" counts
// all services but SSM: what signing in took.
func (c *Cloud) Count(service, op string) int {
	if service != "" {
		return len(c.Calls(service, op))
	}
	n := 0
	for name := range c.servers {
		n += len(c.Calls(name, op))
	}
	return n
}

// Forget drops the recorded requests.
func (c *Cloud) Forget() {
	c.SSM.Forget()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		s.calls = nil
	}
}

// newSecret makes a secret that begins as all do.
func newSecret() string { return SecretMark + rand.Text() + rand.Text()[:4] }

// uniqueID makes an id as IAM gives, always the same one for a name.
func uniqueID(name string) string { return strings.ToUpper(hexSum([]byte(name))[:17]) }
