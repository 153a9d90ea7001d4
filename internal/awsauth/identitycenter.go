package awsauth

import (
	"cmp"
	"context"
	"crypto/sha1" // the name of AWS's file, not a secret
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/shared"
	"github.com/skret/skret/internal/awsauth/sso"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// identityCenter is the role of a profile that aws sso login signs in.
func (c *chain) identityCenter(id *Identity, s *shared.SSO) aws.CredentialsProvider {
	client := sso.New(sso.Options{
		Region: s.Region, HTTP: c.http, Getenv: c.getenv, FIPS: id.FIPS, DualStack: id.DualStack, Log: c.o.Log, UserAgent: c.o.UserAgent, Now: c.o.Now,
	})
	return reuse(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		access, err := c.ssoToken(ctx, client, s)
		if err != nil {
			return aws.Credentials{}, err
		}
		r, err := client.RoleCredentials(ctx, access, s.Account, s.Role)
		if err != nil {
			return aws.Credentials{}, err
		}
		return aws.Credentials{
			AccessKeyID: r.AccessKeyID, SecretAccessKey: r.SecretAccessKey, SessionToken: r.SessionToken,
			CanExpire: true, Expires: r.Expires, AccountID: s.Account, Source: "SSOProvider",
		}, nil
	}))
}

var errNoToken = errors.New("there is no token of aws sso login that is still good")

// cachedToken is what aws sso login keeps.
type cachedToken struct {
	AccessToken  string    `json:"accessToken"`
	ExpiresAt    time.Time `json:"expiresAt"`
	RefreshToken string    `json:"refreshToken"`
	ClientID     string    `json:"clientId"`
	ClientSecret string    `json:"clientSecret"`
}

// ssoToken returns the token that aws sso login keeps. One of a session that has
// expired is renewed, by one process of skret's at a time, and written back for the
// other programs that read the file.
func (c *chain) ssoToken(ctx context.Context, client *sso.Client, s *shared.SSO) (string, error) {
	dir, err := awsDir(c.o.Getenv)
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(cmp.Or(s.Session, s.StartURL)))
	file := filepath.Join(dir, "sso", "cache", hex.EncodeToString(sum[:])+".json")
	good := func(data []byte) (t cachedToken, ok bool) {
		return t, json.Unmarshal(data, &t) == nil && t.AccessToken != "" && c.o.Now().Before(t.ExpiresAt)
	}
	data, err := durable.ReadFile(file, 1<<20)
	if err != nil {
		return "", err
	}
	if t, ok := good(data); ok {
		return t.AccessToken, nil
	}
	if s.Session == "" {
		return "", errNoToken
	}
	access, renewed := "", false
	err = durable.Update(ctx, file, 0o600, 1<<20, func(old []byte) ([]byte, error) {
		t, ok := good(old)
		if access = t.AccessToken; ok {
			return nil, nil // another process has renewed it
		}
		if t.RefreshToken == "" || t.ClientID == "" || t.ClientSecret == "" {
			return nil, errNoToken
		}
		all := map[string]any{} // others may keep more in it
		if err := json.Unmarshal(old, &all); err != nil {
			return nil, errNoToken
		}
		fresh, err := client.Refresh(ctx, sso.Registration{ClientID: t.ClientID, ClientSecret: t.ClientSecret}, t.RefreshToken)
		if err != nil {
			return nil, err
		}
		access, renewed = fresh.Access, true
		all["accessToken"], all["refreshToken"], all["expiresAt"] = fresh.Access, fresh.Refresh, fresh.Expires.UTC().Format(time.RFC3339)
		return json.Marshal(all)
	})
	return access, c.o.unkept(err, renewed)
}

// unkept is what becomes of the error of changing a file of AWS's programs: what was
// renewed serves, although only once if it could not be written.
func (o Options) unkept(err error, renewed bool) error {
	if err == nil || !renewed {
		return err
	}
	if errs.KindOf(err) != errs.Conflict { // another program has just renewed it
		o.Notice(fmt.Sprintf("the renewed sign-in is not kept, so that you may have to sign in again soon: %v", err))
	}
	return nil
}

// awsDir is the user's folder of AWS's programs.
func awsDir(getenv func(string) string) (string, error) {
	home := homeOf(getenv)
	if home == "" {
		return "", errors.New("there is no home folder to look for AWS's files in")
	}
	return filepath.Join(home, ".aws"), nil
}
