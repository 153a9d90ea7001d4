package anywhere

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	attempts = 3       // of a request that the service could not answer
	maxReply = 1 << 20 // bytes
	maxSkew  = 5 * time.Minute
)

// createSession asks for credentials. A request makes nothing but a session that
// ends by itself, so it may be repeated.
func (p *Provider) createSession(ctx context.Context, id *identity) (aws.Credentials, error) {
	for attempt := 1; ; attempt++ {
		creds, again, err := p.send(ctx, id)
		if err == nil || !again || attempt == attempts || ctx.Err() != nil {
			return creds, err
		}
		p.o.Log.Debug("roles anywhere: trying again", "attempt", attempt, "error", err)
		pause := 200 * time.Millisecond << attempt
		if werr := p.wait(ctx, pause/2+rand.N(pause/2)); werr != nil {
			return creds, err
		}
	}
}

// send makes one attempt, and tells whether another may do better.
func (p *Provider) send(ctx context.Context, id *identity) (creds aws.Credentials, again bool, err error) {
	r, err := p.request(ctx, id)
	if err != nil {
		return creds, false, err
	}
	resp, err := p.o.HTTP.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return creds, false, fmt.Errorf("roles anywhere: %w", ctx.Err())
		}
		err = httpx.Explain(r.URL.Host, err)
		return creds, errs.KindOf(err) == errs.Network, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		err = httpx.Explain(r.URL.Host, err)
		return creds, errs.KindOf(err) == errs.Network, err
	case len(body) > maxReply:
		return creds, false, errs.New(errs.Backend, "roles anywhere: the answer of %s is larger than %d bytes", r.URL.Host, maxReply)
	case resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusOK:
		creds, err = p.credentials(r.URL.Host, body)
		return creds, false, err
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
	return creds, again, p.refused(resp, body)
}

func (p *Provider) request(ctx context.Context, id *identity) (*http.Request, error) {
	u, err := endpoint.Of("rolesanywhere", endpoint.Options{
		Region: p.region, Override: endpoint.Override(p.o.Getenv, "RolesAnywhere"), FIPS: p.o.FIPS, DualStack: p.o.DualStack,
	})
	if err != nil {
		return nil, err
	}
	u = u.JoinPath("sessions")
	// Encode sorts, and encodes all but the unreserved characters, as the
	// signature wants it; the space alone would be another, and no ARN has one.
	u.RawQuery = url.Values{
		"profileArn": {p.o.ProfileARN}, "roleArn": {p.o.RoleARN}, "trustAnchorArn": {p.o.TrustAnchorARN},
	}.Encode()
	body, err := json.Marshal(struct {
		Duration    int    `json:"durationSeconds"`
		SessionName string `json:"roleSessionName,omitempty"`
	}{int(p.o.Duration.Seconds()), p.o.SessionName})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errs.New(errs.Config, "the endpoint of Roles Anywhere is not an address")
	}
	r.Header.Set("Content-Type", "application/json")
	if p.o.UserAgent != "" {
		r.Header.Set("User-Agent", p.o.UserAgent)
	}
	return r, id.sign(r, body, p.region, p.o.Now())
}

// credentials reads the service's answer. Its text appears in no error.
func (p *Provider) credentials(host string, body []byte) (aws.Credentials, error) {
	var answer struct {
		Set []struct {
			Credentials struct {
				ID      string    `json:"accessKeyId"`
				Secret  string    `json:"secretAccessKey"`
				Token   string    `json:"sessionToken"`
				Expires time.Time `json:"expiration"`
			} `json:"credentials"`
		} `json:"credentialSet"`
	}
	err := json.Unmarshal(body, &answer)
	if err != nil || len(answer.Set) == 0 {
		return aws.Credentials{}, errs.New(errs.Backend, "roles anywhere: %s did not answer with credentials", host).
			WithHint("is the endpoint right, and is a captive portal or a proxy in between?")
	}
	c := answer.Set[0].Credentials
	if c.ID == "" || c.Secret == "" || c.Token == "" || c.Expires.IsZero() {
		return aws.Credentials{}, errs.New(errs.Backend, "roles anywhere: the credentials that %s answered with are not complete", host)
	}
	role, _ := parse(p.o.RoleARN, "iam", "role")
	p.o.Log.Debug("roles anywhere: session", "role", p.o.RoleARN, "expires", c.Expires)
	return aws.Credentials{
		AccessKeyID: c.ID, SecretAccessKey: c.Secret, SessionToken: c.Token,
		Source: "skret roles-anywhere", CanExpire: true, Expires: c.Expires, AccountID: role.account,
	}, nil
}

// refused explains an answer without credentials. The service's own message
// chooses among our words, and is not shown.
func (p *Provider) refused(resp *http.Response, body []byte) error {
	var answer struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	code := word(cmp.Or(resp.Header.Get("X-Amzn-Errortype"), answer.Type, answer.Code))
	message := strings.ToLower(answer.Message)
	p.o.Log.Debug("roles anywhere: refused", "status", resp.StatusCode, "code", code)

	host, skew := resp.Request.URL.Host, p.skew(resp)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || strings.HasPrefix(code, "Throttling"):
		return errs.New(errs.Network, "roles anywhere: %s throttled the sign-in to the end", host).WithHint("try again later")
	case resp.StatusCode >= 500:
		return errs.New(errs.Backend, "roles anywhere: %s failed (status %d)", host, resp.StatusCode).
			WithHint("try again later; https://health.aws.amazon.com tells of trouble")
	case skew != "":
		return errs.New(errs.Auth, "roles anywhere: AWS refuses the sign-in, and this machine's clock is %s AWS's", skew).
			WithHint("set the clock: a signature is good for minutes")
	case code == "":
		return errs.New(errs.Backend, "roles anywhere: %s answered with status %d, and not as AWS does", host, resp.StatusCode).
			WithHint("is the endpoint right, and is a proxy in between?")
	}
	why, hint := p.reason(code, message)
	return errs.New(errs.Auth, "roles anywhere: %s (%s)", why, code).WithHint("%s", hint)
}

// reason puts a refusal into words.
func (p *Provider) reason(code, message string) (why, hint string) {
	trust := fmt.Sprintf("the trust policy of %s must allow the service rolesanywhere.amazonaws.com the actions sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity, "+
		"and the profile must list the role", p.o.RoleARN)
	has := func(s string) bool { return strings.Contains(message, s) }
	switch {
	case code == "ResourceNotFoundException":
		return "AWS does not know the trust anchor or the profile", "see aws rolesanywhere list-trust-anchors and list-profiles --region " + p.region
	case has("session name"), has("sessionname"):
		return "the profile takes no name for the session", "let the profile accept one (acceptRoleSessionName), or sign in without a session name"
	case code == "ValidationException":
		return "AWS finds the request invalid", "the profile bounds the duration, too; sign in with a shorter one, and check the ARNs"
	case has("session tags"):
		return "AWS cannot make session tags of the certificate's names",
			"they may have letters, digits, spaces and _.:/=+-@ only; change the profile's attribute mappings, or the certificate"
	case has("untrusted"), has("trust chain"):
		return "AWS does not trust the certificate",
			"it must be issued by the authority of the trust anchor, and not be revoked; name the authorities in between as its chain"
	case has("disabled"), has("not enabled"):
		return "the trust anchor or the profile is disabled", "enable it with aws rolesanywhere enable-trust-anchor or enable-profile"
	case has("signature"):
		return "AWS refuses the signature", "is this machine's clock right, and does a proxy change requests?"
	case has("assume role"), has("sts:"):
		return "the certificate may not assume the role", trust
	}
	return "AWS refuses the certificate, or the role", trust +
		"; the trust anchor must hold the certificate's authority, and it and the profile must be enabled"
}

// skew says how this machine's clock differs from the service's, in words, or
// "" when it does not matter.
func (p *Provider) skew(resp *http.Response) string {
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return ""
	}
	behind := theirs.Sub(p.o.Now())
	switch {
	case behind >= maxSkew:
		return behind.Round(time.Minute).String() + " behind"
	case behind <= -maxSkew:
		return (-behind).Round(time.Minute).String() + " ahead of"
	}
	return ""
}

// word is an error's code, without what may come before and after it, or "" when
// it is none.
func word(s string) string {
	s, _, _ = strings.Cut(s, ":")
	s = s[strings.LastIndexByte(s, '#')+1:]
	if len(s) > 80 || strings.Trim(s, letters+digits) != "" {
		return ""
	}
	return s
}
