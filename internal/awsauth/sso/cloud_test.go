package sso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/httpx"
)

// inCloud returns a client of a cloud, that sleeps by the cloud's clock.
func inCloud(t *testing.T) (*fake.Cloud, *Client) {
	cloud := fake.NewCloud()
	t.Cleanup(cloud.Close)
	client := httpx.Client(httpx.Options{})
	t.Cleanup(client.CloseIdleConnections)
	return cloud, New(Options{
		Region: "eu-west-1", HTTP: client, UserAgent: "skret/test", Now: cloud.Now,
		Getenv: func(name string) string {
			return map[string]string{"AWS_ENDPOINT_URL_SSO_OIDC": cloud.URL("oidc"), "AWS_ENDPOINT_URL_SSO": cloud.URL("sso")}[name]
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d == browserTime {
				<-ctx.Done()
				return ctx.Err()
			}
			cloud.Advance(d)
			return ctx.Err()
		},
	})
}

// signIn signs in by a flow, with a user who does what they are asked.
func signIn(t *testing.T, c *Client, flow Flow) (Registration, Token, error) {
	t.Helper()
	r, err := c.Register(t.Context(), fake.StartURL, flow)
	if err != nil {
		t.Fatal(err)
	}
	var token Token
	switch flow {
	case Device:
		token, err = c.Device(t.Context(), r, fake.StartURL, func(DevicePrompt) error { return nil })
	case Paste:
		token, err = c.Paste(t.Context(), r, func(_ context.Context, address string) (string, error) { return ends(t, address), nil })
	case PKCE:
		read := make(chan string, 1)
		token, err = c.PKCE(t.Context(), r, func(address string) error {
			_, _, text := get(t, http.MethodGet, ends(t, address), nil)
			read <- text
			return nil
		})
		if text := <-read; strings.Contains(text, "You are signed in.") != (err == nil) {
			t.Errorf("%v, and the page says %s", err, text)
		}
	}
	return r, token, err
}

// ends returns where a browser that starts at address is sent.
func ends(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	var tr http.Transport
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func TestEveryFlowSignsInAndIsRenewed(t *testing.T) {
	for _, flow := range []Flow{PKCE, Paste, Device} {
		cloud, c := inCloud(t)
		cloud.Set(func(r *fake.CloudRules) { r.Polls = 4 })
		cloud.Assign(account, "Read")
		r, token, err := signIn(t, c, flow)
		if err != nil {
			t.Errorf("%s: %v", flow, err)
			continue
		}
		if left := r.Expires.Sub(cloud.Now()).Round(time.Minute); left != 90*24*time.Hour {
			t.Errorf("%s: registered for %v", flow, left)
		}
		for range 3 {
			old := token
			cloud.Advance(50 * time.Minute)
			if token, err = c.Refresh(t.Context(), r, old.Refresh); err != nil || token.Refresh == old.Refresh || token.Access == old.Access {
				t.Fatalf("%s: %v", flow, err)
			}
			if left := token.Expires.Sub(cloud.Now()).Round(time.Minute); left != time.Hour {
				t.Errorf("%s: renewed for %v", flow, left)
			}
		}
		rc, err := c.RoleCredentials(t.Context(), token.Access, account, "Read")
		if key, ok := cloud.Key(rc.AccessKeyID); err != nil || !ok || key.Secret != rc.SecretAccessKey || key.Token != rc.SessionToken || key.ARN != fake.SSORole(account, "Read") {
			t.Errorf("%s: %s: %v", flow, key.ARN, err)
		}
		if err := errors.Join(c.Logout(t.Context(), token.Access), c.Logout(t.Context(), token.Access)); err != nil || cloud.Sessions() != 0 {
			t.Errorf("%s: %d sessions after the logout: %v", flow, cloud.Sessions(), err)
		}
	}
}

func TestEveryFlowEndsWhenTheUserSaysNo(t *testing.T) {
	for _, flow := range []Flow{PKCE, Paste, Device} {
		cloud, c := inCloud(t)
		cloud.Set(func(r *fake.CloudRules) { r.Deny = true })
		_, _, err := signIn(t, c, flow)
		wantError(t, err, errs.Auth, "access was denied")
	}
}

// A service that finds us too fast is satisfied by what SlowDown asks for, and a
// code that lapses by a fresh one.
func TestDeviceKeepsThePaceOfTheService(t *testing.T) {
	cloud, c := inCloud(t)
	cloud.Set(func(r *fake.CloudRules) { r.Polls, r.DeviceLife = 1000, time.Minute })
	polls := 0
	c.o.Sleep = func(ctx context.Context, d time.Duration) error {
		if polls++; polls == 1 {
			d /= 2
		}
		if polls == 15 {
			cloud.Set(func(r *fake.CloudRules) { r.Polls = 1 })
		}
		cloud.Advance(d)
		return ctx.Err()
	}
	if _, _, err := signIn(t, c, Device); err != nil {
		t.Error(err)
	}
	if n := cloud.Count("oidc", "StartDeviceAuthorization"); n < 2 {
		t.Errorf("%d codes", n)
	}
}

func TestWhatEndsASession(t *testing.T) {
	cloud, c := inCloud(t)
	cloud.Assign(account, "Read")
	cloud.Set(func(r *fake.CloudRules) { r.OmitRefresh = true })
	r, token, err := signIn(t, c, PKCE)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := c.Refresh(t.Context(), r, token.Refresh)
	if err != nil || kept.Refresh != token.Refresh {
		t.Errorf("the refresh token that is still good is not kept: %v", err)
	}
	cloud.Set(func(r *fake.CloudRules) { r.OmitRefresh = false })
	rotated, err := c.Refresh(t.Context(), r, token.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Refresh(t.Context(), r, token.Refresh); !errors.Is(err, ErrGrant) {
		t.Errorf("a used token: %v", err)
	}
	_, err = c.RoleCredentials(t.Context(), rotated.Access, account, "Write")
	if !errors.Is(err, ErrForbidden) {
		t.Errorf("a role that is not assigned: %v", err)
	}
	cloud.Revoke()
	_, err = c.RoleCredentials(t.Context(), rotated.Access, account, "Read")
	wantError(t, err, errs.Auth, "the session has ended")
	if !errors.Is(err, ErrUnauthorized) {
		t.Error(err)
	}
	if _, err = c.Refresh(t.Context(), r, rotated.Refresh); !errors.Is(err, ErrGrant) {
		t.Errorf("a revoked session: %v", err)
	}
	cloud.Advance(91 * 24 * time.Hour)
	if _, err = c.Refresh(t.Context(), r, rotated.Refresh); !errors.Is(err, ErrClient) {
		t.Errorf("a registration that has ended: %v", err)
	}
}

func TestListsAreWholeOverSmallPages(t *testing.T) {
	cloud, c := inCloud(t)
	var accounts, roles []string
	for i := range 8 {
		accounts = append(accounts, fmt.Sprintf("%d11111111111", 9-i))
		cloud.Assign(accounts[i], "Read")
		roles = append(roles, fmt.Sprintf("Role%d", i))
		cloud.Assign(account, roles[i])
	}
	_, token, err := signIn(t, c, Device)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Accounts(t.Context(), token.Access)
	if err != nil || len(got) != 9 || !slices.IsSortedFunc(got, func(a, b Account) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("%v: %v", got, err)
	}
	if got, err := c.Roles(t.Context(), token.Access, account); err != nil || !slices.Equal(got, roles) {
		t.Errorf("%v: %v", got, err)
	}
}

// Whatever goes wrong with a renewal, it is asked for once, and says so.
func TestRefreshInEveryTrouble(t *testing.T) {
	for do, kind := range map[string]errs.Kind{
		"drop": errs.Network, "lose": errs.Network, "html": errs.Backend, "empty": errs.Backend, "cut": errs.Network,
		"garbage": errs.Backend, "huge": errs.Backend, "redirect": errs.Backend,
	} {
		cloud, c := inCloud(t)
		r, token, err := signIn(t, c, Device)
		if err != nil {
			t.Fatal(err)
		}
		cloud.Fault("oidc", fake.Fault{Op: "CreateToken:refresh_token", Do: do})
		_, err = c.Refresh(t.Context(), r, token.Refresh)
		wantError(t, err, kind, "renew the sign-in")
		if s := fmt.Sprintf("%+v", err); strings.Contains(s, fake.SecretMark) || strings.Contains(s, "\x1b") {
			t.Errorf("%s: %s", do, s)
		}
		if n := cloud.Count("oidc", "CreateToken:refresh_token"); n != 1 {
			t.Errorf("%s: %d requests", do, n)
		}
		if unmet := cloud.Unmet(); len(unmet) > 0 {
			t.Errorf("%s: %v", do, unmet)
		}
	}
}

func TestWrongRegionIsNamed(t *testing.T) {
	cloud, c := inCloud(t)
	cloud.Fault("oidc", fake.Fault{Op: "RegisterClient", Code: "InvalidRequestRegionException", Message: "us-east-1"})
	_, err := c.Register(t.Context(), fake.StartURL, PKCE)
	if e, ok := errors.AsType[*RegionError](err); !ok || e.Region != "us-east-1" {
		t.Error(err)
	}
}
