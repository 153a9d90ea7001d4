// Package ssm is the store in AWS SSM Parameter Store.
//
// The keys of an environment are the parameters below its path, "/myapp/prod"
// and key "db/url" being "/myapp/prod/db/url". Values are SecureStrings unless
// told otherwise.
//
// # Reading
//
// A listing walks GetParametersByPath, ten parameters a request, on one
// connection. Known keys are read by GetParameters, ten a request and the
// requests in parallel, paced so that they stay within the quota that an
// account has by default. DescribeParameters is never called. One parameter
// that cannot be decrypted makes the service refuse the page that it is on; the
// others are then read by name, and it is named in a [store.Unreadable].
//
// # Writing
//
// A secret is created with Overwrite=false, so that of two who create it one
// gets a conflict, and nobody's value is lost. A secret that exists is read
// first, without its value, for two reasons: its version is compared to the one
// expected, and its type, KMS key and description are sent again, as the service
// would otherwise fall back to its defaults. The service has no compare-and-set:
// a write by somebody else between the two requests is overwritten. That shows
// in the new version's number, and a notice says so; the history has the value.
//
// Reads are repeated when the service throttles or fails. A write is repeated
// without a thought only when the service said that it refused it. When its
// answer was lost, the parameter is read again: it may be written already.
//
// # Limits
//
// Values are UTF-8 without NUL, 1 to 4,096 bytes, 8,192 in the advanced tier,
// and hold no "{{...}}".
package ssm

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Options are what a store needs. Path, Region, Credentials, HTTP and Log are
// never empty.
type Options struct {
	Path        string // "/myapp/prod"; "/" is the root
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        *http.Client // from package httpx

	Endpoint        string // in place of the region's; "" for that
	FIPS, DualStack bool   // the region's endpoint of this kind
	MaxAttempts     int    // of a request that may be repeated; 0 means 4

	KMSKeyID  string       // for SecureStrings; "" keeps that of the parameter, or the account's default for a new one
	Tier      string       // standard, advanced, intelligent; "" leaves it to the account
	Keys      []secret.Key // exactly these are read; empty means all
	Identity  string       // who asks, in words for a message: "profile prod"
	Renew     string       // the next step when the identity has expired; may be empty
	UserAgent string

	Log    *slog.Logger
	Notice func(msg string) // a line for the user; nil: none
}

// Store is an environment in SSM.
type Store struct {
	o       Options
	root    string     // the path with a slash at the end
	signer  *v4.Signer // keeps the key that it derived for the day
	skew    atomic.Int64
	reads   *pace
	writes  *pace
	deletes *pace
	said    quiet
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Historian = (*Store)(nil)
	_ store.Checker   = (*Store)(nil)
)

// New returns the store. It makes no request.
func New(o Options) *Store {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 4
	}
	return &Store{
		o:      o,
		signer: v4.NewSigner(),
		root:   strings.TrimRight(o.Path, "/") + "/",
		// The published quotas are 40 reads a second in an account and region,
		// shared with all who read there. That of writes is not published; 3 is
		// what was told to those who asked, and what adapts from there.
		reads:   newPace(30, 35, 35),
		writes:  newPace(16, 3, 1000),
		deletes: newPace(5, 5, 10),
	}
}

// name is the parameter of a key.
func (s *Store) name(k secret.Key) string { return s.root + string(k) }

// key is the key of a parameter below the path.
func (s *Store) key(name string) (secret.Key, bool) {
	k, ok := strings.CutPrefix(name, s.root)
	return secret.Key(k), ok && k != ""
}

// asked tells whether the environment has this key: with a list of keys it has
// those alone.
func (s *Store) asked(k secret.Key) bool {
	return len(s.o.Keys) == 0 || slices.Contains(s.o.Keys, k)
}
