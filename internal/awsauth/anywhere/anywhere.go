// Package anywhere gets credentials of AWS for an X.509 certificate, from IAM
// Roles Anywhere: no long-term key of AWS is on the machine, and no helper
// program is needed.
//
// [New] takes the ARNs of a trust anchor, a profile and a role, and the names of
// files in PEM: a certificate, its private key, and perhaps the certificates of
// the authorities between it and the trust anchor. A file may hold several of
// these: the certificate is the one that the key belongs to, the others are its
// chain. [Provider.Retrieve] signs one request, CreateSession, with the key and
// returns what the service gives for it. The files are read anew each time, so
// that whoever renews the certificate tells nobody.
//
// # Keys
//
// RSA of 2048 bits and more, and ECDSA on P-256, P-384 and P-521, as PKCS #8,
// PKCS #1 or SEC 1, not encrypted. A key in a TPM or behind PKCS #11 is for
// AWS's own aws_signing_helper, as credential_process of a profile.
//
// # The key's file
//
// It is the user's, and nobody else may read it. Root's will do as well, and
// there the group may read: so system folders and Kubernetes hand a key to one
// service. Symbolic links are followed, as both use them; it is the file at
// their end that is judged. A file that is too open is refused, and never
// changed: whoever made it may have had a reason.
//
// # Promises
//
// What AWS would refuse about a certificate is found before a request is made:
// its dates, an authority's certificate, a missing key usage, a weak signature.
// Nothing here is printed, and no error holds a part of a key, of credentials or
// of the service's answer.
package anywhere

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/httpx"
)

// warnBefore is how long before its end a certificate is warned of.
const warnBefore = 14 * 24 * time.Hour

// Options say whose credentials are wanted, and what proves the right to them.
type Options struct {
	TrustAnchorARN, ProfileARN, RoleARN string

	SessionName string        // the profile must accept one; "" leaves it to AWS: the certificate's serial number
	Duration    time.Duration // 15 minutes to 12 hours; 0 means an hour

	// Certificate, PrivateKey and Chain are full names of files. PrivateKey may
	// be empty when the certificate's file holds the key, and Chain when there
	// is none, or the certificate's file holds it.
	Certificate, PrivateKey, Chain string

	Region          string // "", or that of the trust anchor
	FIPS, DualStack bool

	HTTP      *http.Client
	UserAgent string
	Getenv    func(string) string // for AWS_ENDPOINT_URL_ROLESANYWHERE and its kin; nil: none
	Log       *slog.Logger        // nil: none
	Notice    func(string)        // a line for the user; nil: none
	Now       func() time.Time    // nil: time.Now
}

// Provider gives the credentials. It is an aws.CredentialsProvider, and may be
// used by several goroutines.
type Provider struct {
	o      Options
	region string
	warned sync.Once
	wait   func(context.Context, time.Duration) error
}

var _ aws.CredentialsProvider = (*Provider)(nil)

// New checks the options, and says all that is wrong with them at once. It reads
// no file and makes no request.
func New(o Options) (*Provider, error) {
	o.PrivateKey = cmp.Or(o.PrivateKey, o.Certificate)
	o.Duration = cmp.Or(o.Duration, time.Hour)
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	region, err := o.check()
	if err != nil {
		return nil, err
	}
	return &Provider{o: o, region: region, wait: httpx.Sleep}, nil
}

// Retrieve returns fresh credentials of the role.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	id, err := p.identity()
	if err != nil {
		return aws.Credentials{}, err
	}
	if left := id.leaf.NotAfter.Sub(p.o.Now()); left < warnBefore {
		p.warned.Do(func() {
			p.o.Notice(fmt.Sprintf("the certificate %s ends in %s, on %s: renew it before",
				p.o.Certificate, inWords(left), clock(id.leaf.NotAfter)))
		})
	}
	return p.createSession(ctx, id)
}

// Certificate is what there is to know of a certificate.
type Certificate struct {
	Subject, Issuer     string
	Serial              string // in hexadecimal; AWS names the session so
	NotBefore, NotAfter time.Time
	KeyType             string // "RSA 2048", "ECDSA P-256"
}

// Check reads the files and judges them as Retrieve does, without a request. The
// certificate comes with an error, too, when it could be read.
func (p *Provider) Check() (Certificate, error) {
	id, err := p.identity()
	if id == nil {
		return Certificate{}, err
	}
	kind, _ := keyType(id.leaf.PublicKey)
	return Certificate{
		Subject: id.leaf.Subject.String(), Issuer: id.leaf.Issuer.String(), Serial: fmt.Sprintf("%X", id.leaf.SerialNumber),
		NotBefore: id.leaf.NotBefore, NotAfter: id.leaf.NotAfter, KeyType: kind,
	}, err
}

// inWords says a time of days in days, and less in hours.
func inWords(d time.Duration) string {
	if days := int(d.Hours() / 24); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// clock writes a time as certificates have it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
