package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// checkSignature checks a request's signature, version 4, as the service does.
func checkSignature(r *http.Request, body []byte, rules Rules, now time.Time) error {
	fields := map[string]string{}
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	scope := strings.Split(fields["Credential"], "/")
	if !ok || len(scope) != 5 {
		return fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	key, known := rules.Keys[scope[0]]
	if !known {
		return fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if want, ok := rules.Sessions[scope[0]]; ok && want != r.Header.Get("X-Amz-Security-Token") {
		return fail("ExpiredTokenException", "The security token included in the request is expired")
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil || scope[1] != date[:8] || scope[2] != Region && !rules.AnyRegion || scope[3] != "ssm" || scope[4] != "aws4_request" {
		return fail("InvalidSignatureException", "Credential should be scoped to a valid region.")
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(signed, must) {
			return fail("InvalidSignatureException", "%s must be signed", must)
		}
	}
	var headers strings.Builder
	for _, h := range signed {
		v := r.Header.Get(h)
		switch h {
		case "host":
			v = r.Host
		case "content-length":
			v = r.Header.Get("Content-Length")
		}
		headers.WriteString(h + ":" + strings.Join(strings.Fields(v), " ") + "\n")
	}
	canonical := strings.Join([]string{r.Method, "/", "", headers.String(), fields["SignedHeaders"], hexSum(body)}, "\n")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, strings.Join(scope[1:], "/"), hexSum([]byte(canonical))}, "\n")
	k := []byte("AWS4" + key)
	for _, s := range append(scope[1:5:5], toSign) {
		k = sum(k, s)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(k)), []byte(fields["Signature"])) {
		return fail("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if now.Sub(at).Abs() > 5*time.Minute {
		return fail("InvalidSignatureException", "Signature expired: %s is now earlier than %s", date, now.Add(-5*time.Minute).UTC().Format("20060102T150405Z"))
	}
	return nil
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
