package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// signature is what a service demands of a signature, version 4. Its errors are
// those of the JSON services; queryError translates them.
type signature struct {
	service string
	region  string   // "" for any
	must    []string // headers that must be signed, besides host and x-amz-date
	now     time.Time

	// secret returns the secret key of an access key that comes with this
	// session token.
	secret func(id, token string) (string, error)
}

// maxAge is how far the time of a signature may be from the service's.
const maxAge = 5 * time.Minute

const amzTime = "20060102T150405Z"

// check checks a request's signature as the service does, and returns the
// access key that signed it.
func (s signature) check(r *http.Request, body []byte) (id string, err error) {
	a, ok := readAuthorization(r, "AWS4-HMAC-SHA256")
	if !ok {
		return "", fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	id = a.scope[0]
	secret, err := s.secret(id, r.Header.Get("X-Amz-Security-Token"))
	if err != nil {
		return id, err
	}
	if a.at.IsZero() || a.scope[1] != a.date[:8] || s.region != "" && a.scope[2] != s.region || a.scope[3] != s.service || a.scope[4] != "aws4_request" {
		return id, fail("InvalidSignatureException", "Credential should be scoped to a valid region.")
	}
	for _, h := range append([]string{"host", "x-amz-date"}, s.must...) {
		if !slices.Contains(a.signed, h) {
			return id, fail("InvalidSignatureException", "%s must be signed", h)
		}
	}
	if r.Header.Get("X-Amz-Security-Token") != "" && !slices.Contains(a.signed, "x-amz-security-token") {
		return id, fail("InvalidSignatureException", "x-amz-security-token must be signed")
	}
	k := []byte("AWS4" + secret)
	for _, part := range append(a.scope[1:5:5], a.toSign(r, body)) {
		k = sum(k, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(k)), []byte(a.signature)) {
		return id, fail("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	now := s.now.UTC().Format(amzTime)
	switch age := s.now.Sub(a.at); {
	case age > maxAge:
		return id, fail("InvalidSignatureException", "Signature expired: %s is now earlier than %s (%s - 5 min.)", a.date, s.now.Add(-maxAge).UTC().Format(amzTime), now)
	case age < -maxAge:
		return id, fail("InvalidSignatureException", "Signature not yet current: %s is still later than %s (%s + 5 min.)", a.date, s.now.Add(maxAge).UTC().Format(amzTime), now)
	}
	return id, nil
}

// authorization is an Authorization header, taken apart.
type authorization struct {
	algorithm string
	scope     []string // key, date, region, service, "aws4_request"
	signed    []string // names of the signed headers
	signature string   // in hex
	date      string   // X-Amz-Date
	at        time.Time
}

func readAuthorization(r *http.Request, algorithms ...string) (a authorization, ok bool) {
	algorithm, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	a = authorization{
		algorithm: algorithm, scope: strings.Split(fields["Credential"], "/"), signed: strings.Split(fields["SignedHeaders"], ";"),
		signature: fields["Signature"], date: r.Header.Get("X-Amz-Date"),
	}
	a.at, _ = time.Parse(amzTime, a.date)
	return a, slices.Contains(algorithms, algorithm) && len(a.scope) == 5
}

// toSign is the text that the signature is of.
func (a authorization) toSign(r *http.Request, body []byte) string {
	var headers strings.Builder
	for _, h := range a.signed {
		v := strings.Join(r.Header.Values(h), ",")
		if h == "host" {
			v = r.Host
		}
		headers.WriteString(h + ":" + strings.Join(strings.Fields(v), " ") + "\n")
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{r.Method, path, canonicalQuery(r.URL.Query()), headers.String(), strings.Join(a.signed, ";"), hexSum(body)}, "\n")
	return strings.Join([]string{a.algorithm, a.date, strings.Join(a.scope[1:], "/"), hexSum([]byte(canonical))}, "\n")
}

// canonicalQuery is a query sorted and encoded as for a signature: a space is
// %20 there.
func canonicalQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

// queryErrors are the names that STS and IAM have for a signature's errors.
var queryErrors = map[string]string{
	"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	"UnrecognizedClientException":         "InvalidClientTokenId",
	"ExpiredTokenException":               "ExpiredToken",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
}

func queryError(err error) error {
	e, ok := err.(*apiError) //nolint:errorlint // ours, never wrapped
	if !ok {
		return err
	}
	return fail(queryErrors[e.code], "%s", e.message)
}

func sum(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
