package awsauth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// consoleSession gives the credentials of a sign-in that aws login made. They are in
// a file; when they have expired, a refresh token that is bound to a key in the file
// (DPoP, RFC 9449) gets new ones, which are written back.
type consoleSession struct {
	o       Options
	http    *http.Client
	region  string
	session string
	instead string // of the service's address
}

// consoleToken is the file. Others may keep more in it.
type consoleToken struct {
	AccessToken struct {
		AccessKeyID     string    `json:"accessKeyId"`
		SecretAccessKey string    `json:"secretAccessKey"`
		SessionToken    string    `json:"sessionToken"`
		AccountID       string    `json:"accountId"`
		ExpiresAt       time.Time `json:"expiresAt"`
	} `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	ClientID     string `json:"clientId"`
	Key          string `json:"dpopKey"`
}

var (
	errDamagedToken = errors.New("what aws login keeps is damaged")
	errConsoleOver  = errors.New("the session is over")
)

// file is where aws login keeps a session.
func (s *consoleSession) file() (string, error) {
	dir := s.o.Getenv("AWS_LOGIN_CACHE_DIRECTORY")
	if dir == "" {
		home, err := awsDir(s.o.Getenv)
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, "login", "cache")
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(s.session)))
	return filepath.Join(dir, hex.EncodeToString(sum[:])+".json"), nil
}

// Retrieve returns the credentials, renewed if need be by one process of skret's at a
// time.
func (s *consoleSession) Retrieve(ctx context.Context) (aws.Credentials, error) {
	file, err := s.file()
	if err != nil {
		return aws.Credentials{}, err
	}
	data, err := durable.ReadFile(file, 1<<20)
	if err != nil {
		return aws.Credentials{}, err
	}
	t, err := parseConsoleToken(data)
	if err != nil || s.good(t) {
		return t.credentials(), err
	}
	renewed := false
	err = durable.Update(ctx, file, 0o600, 1<<20, func(old []byte) (data []byte, err error) {
		if t, err = parseConsoleToken(old); err != nil || s.good(t) {
			return nil, err
		}
		if err = s.renew(ctx, &t); err != nil {
			return nil, err
		}
		renewed = true
		all := map[string]json.RawMessage{}
		if err = json.Unmarshal(old, &all); err != nil {
			return nil, errDamagedToken
		}
		if all["accessToken"], err = json.Marshal(t.AccessToken); err != nil {
			return nil, err
		}
		if all["refreshToken"], err = json.Marshal(t.RefreshToken); err != nil {
			return nil, err
		}
		return json.Marshal(all)
	})
	return t.credentials(), s.o.unkept(err, renewed)
}

func (s *consoleSession) good(t consoleToken) bool { return s.o.Now().Before(t.AccessToken.ExpiresAt) }

func parseConsoleToken(data []byte) (t consoleToken, err error) {
	if json.Unmarshal(data, &t) != nil {
		return consoleToken{}, errDamagedToken
	}
	a := t.AccessToken
	if slices.Contains([]string{a.AccessKeyID, a.SecretAccessKey, a.SessionToken, a.AccountID, t.ClientID, t.RefreshToken}, "") {
		return consoleToken{}, errDamagedToken
	}
	if _, err := t.key(); err != nil || a.ExpiresAt.IsZero() {
		return consoleToken{}, errDamagedToken
	}
	return t, nil
}

func (t consoleToken) credentials() aws.Credentials {
	a := t.AccessToken
	return aws.Credentials{
		AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, SessionToken: a.SessionToken, AccountID: a.AccountID,
		CanExpire: true, Expires: a.ExpiresAt, Source: "LoginProvider",
	}
}

func (t consoleToken) key() (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(t.Key))
	if block == nil {
		return nil, errDamagedToken
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

// address is where tokens are renewed.
func (s *consoleSession) address() (string, error) {
	if s.instead != "" {
		u, err := endpoint.Of("signin", endpoint.Options{Override: s.instead})
		if err != nil {
			return "", err
		}
		return u.JoinPath("v1/token").String(), nil
	}
	if _, err := endpoint.Of("signin", endpoint.Options{Region: s.region}); err != nil { // nothing but a region
		return "", err
	}
	suffix, ok := map[string]string{
		"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com", "aws-eusc": "amazonaws-eusc.eu",
		"aws-iso": "c2shome.ic.gov", "aws-iso-b": "sc2shome.sgov.gov", "aws-iso-f": "csphome.hci.ic.gov", "aws-iso-e": "csphome.adc-e.uk",
	}[endpoint.PartitionOf(s.region).ID]
	if !ok {
		return "", errs.New(errs.Config, "where aws login's sessions are renewed in %s is not known", s.region)
	}
	return "https://" + s.region + ".signin." + suffix + "/v1/token", nil
}

// renew gets new credentials for the refresh token, which is good for one use: it is
// asked once.
func (s *consoleSession) renew(ctx context.Context, t *consoleToken) error {
	address, err := s.address()
	if err != nil {
		return err
	}
	proof, err := t.proof(address, s.o.Now())
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"clientId": t.ClientID, "grantType": "refresh_token", "refreshToken": t.RefreshToken})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", s.o.UserAgent)
	r.Header.Set("DPoP", proof)
	resp, err := s.http.Do(r)
	if err != nil {
		return httpx.Explain(r.URL.Host, err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		return httpx.Explain(r.URL.Host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return consoleRefusal(resp.StatusCode, reply)
	}
	var out struct {
		AccessToken struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
		} `json:"accessToken"`
		ExpiresIn    int    `json:"expiresIn"` // seconds
		RefreshToken string `json:"refreshToken"`
	}
	got := &out.AccessToken
	if json.Unmarshal(reply, &out) != nil || got.AccessKeyID == "" || got.SecretAccessKey == "" || got.SessionToken == "" || out.RefreshToken == "" {
		return errs.New(errs.Backend, "what %s answered is not an answer of AWS", r.URL.Host).WithHint("is a proxy or a captive portal in between?")
	}
	a := &t.AccessToken
	a.AccessKeyID, a.SecretAccessKey, a.SessionToken = got.AccessKeyID, got.SecretAccessKey, got.SessionToken
	a.ExpiresAt, t.RefreshToken = s.o.Now().Add(time.Duration(out.ExpiresIn)*time.Second).UTC(), out.RefreshToken
	return nil
}

// consoleRefusal is the error of an answer that says no.
func consoleRefusal(status int, reply []byte) error {
	var doc struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(reply, &doc) // then it says nothing
	switch {
	case status == http.StatusTooManyRequests:
		return errs.New(errs.Network, "renew the session of aws login: AWS throttles").WithHint("try again later")
	case status >= http.StatusInternalServerError:
		return errs.New(errs.Backend, "renew the session of aws login: %w (status %d)", errs.ErrFailed, status).WithHint("try again later")
	case doc.Error == "INSUFFICIENT_PERMISSIONS":
		return errs.New(errs.Auth, "renew the session of aws login: you may not").WithHint("a policy must allow signin:CreateOAuth2Token")
	}
	return errConsoleOver
}

// proof is the signed statement that whoever sends the refresh token has its key.
func (t consoleToken) proof(address string, now time.Time) (string, error) {
	key, err := t.key()
	if err != nil {
		return "", err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil || len(point) != 65 {
		return "", errDamagedToken
	}
	part := func(v any) string {
		b, _ := json.Marshal(v) // texts and a number: it cannot fail
		return base64.RawURLEncoding.EncodeToString(b)
	}
	message := part(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{
		"kty": "EC", "crv": "P-256", "x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}) + "." + part(map[string]any{"jti": uuid(), "htm": http.MethodPost, "htu": address, "iat": now.Unix()})
	sum := sha256.Sum256([]byte(message))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return message + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// uuid returns a random one, of version 4.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
