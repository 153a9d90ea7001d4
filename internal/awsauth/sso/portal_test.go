package sso

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
)

const account = "123456789012"

func TestAccountsOfAllPagesByName(t *testing.T) {
	w := newWorld(t)
	w.service.on("/assignment/accounts",
		gives(`{"accountList":[{"accountId":"222222222222","accountName":"prod","emailAddress":"p@acme.example"}],"nextToken":"two"}`),
		gives(`{"accountList":[],"nextToken":"three"}`),
		refuses(429, "TooManyRequestsException"),
		gives(`{"accountList":[{"accountId":"333333333333","accountName":"dev"},{"accountId":"111111111111","accountName":"prod"}]}`))
	got, err := w.Accounts(t.Context(), "MARKER-access")
	want := []Account{{"333333333333", "dev", ""}, {"111111111111", "prod", ""}, {"222222222222", "prod", "p@acme.example"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v: %v", got, err)
	}
	calls := w.service.seen("/assignment/accounts")
	if calls[0].header.Get("X-Amz-Sso_bearer_token") != "MARKER-access" || calls[0].query.Has("next_token") {
		t.Errorf("asked with %v %v", calls[0].header, calls[0].query)
	}
	if calls[1].query.Get("next_token") != "two" || calls[3].query.Get("next_token") != "three" {
		t.Errorf("asked for pages %v and %v", calls[1].query, calls[3].query)
	}
}

func TestRolesOfAnAccount(t *testing.T) {
	w := newWorld(t)
	w.service.on("/assignment/roles",
		gives(`{"roleList":[{"roleName":"Write","accountId":"123456789012"}],"nextToken":"two"}`), gives(`{"roleList":[{"roleName":"Read"}]}`))
	got, err := w.Roles(t.Context(), "MARKER-access", account)
	if err != nil || !slices.Equal(got, []string{"Read", "Write"}) {
		t.Errorf("%v: %v", got, err)
	}
	if q := w.service.seen("/assignment/roles")[1].query; q.Get("account_id") != account || q.Get("next_token") != "two" {
		t.Errorf("asked for %v", q)
	}
}

func TestListsThatDoNotEnd(t *testing.T) {
	w := newWorld(t)
	w.service.on("/assignment/roles", gives(`{"roleList":[],"nextToken":"again"}`))
	_, err := w.Roles(t.Context(), "MARKER-access", account)
	wantError(t, err, errs.Backend, "does not end")
	n := 0
	w.service.on("/assignment/roles", func(rw http.ResponseWriter, r *http.Request) {
		n++
		gives(fmt.Sprintf(`{"roleList":[],"nextToken":"%d"}`, n))(rw, r)
	})
	_, err = w.Roles(t.Context(), "MARKER-access", account)
	wantError(t, err, errs.Backend, "does not end")
	if n > maxPages+1 {
		t.Errorf("%d pages", n)
	}
}

func TestListsAreChecked(t *testing.T) {
	for _, body := range []string{`{"accountList":[{"accountId":"\u001b[2J"}]}`, `{"accountList":[{}]}`, `{"accountList":7}`, `<html>`, `{"accountList":[`} {
		w := newWorld(t)
		w.service.on("/assignment/accounts", gives(body))
		if got, err := w.Accounts(t.Context(), marker); errs.KindOf(err) != errs.Backend {
			t.Errorf("%s: %v %v", body, got, err)
		}
	}
	for _, name := range []string{"", "a/b", "a b", `\u001b[2J`, strings.Repeat("a", 65)} {
		w := newWorld(t)
		w.service.on("/assignment/roles", gives(`{"roleList":[{"roleName":"`+name+`"}]}`))
		_, err := w.Roles(t.Context(), marker, account)
		wantError(t, err, errs.Backend, "a name that roles cannot have")
	}
	w := newWorld(t)
	w.service.on("/assignment/accounts", gives(`{"accountList":[{"accountId":"123456789012","accountName":"`+strings.Repeat("ä", 4000)+`"}]}`))
	if got, err := w.Accounts(t.Context(), marker); err != nil || len(got[0].Name) > maxName+3 {
		t.Errorf("%d bytes: %v", len(got[0].Name), err)
	}
}

const goodRole = `{"roleCredentials":{"accessKeyId":"ASIAMARKER","secretAccessKey":"MARKER-secret","sessionToken":"MARKER-session","expiration":1900000000000}}`

func TestRoleCredentials(t *testing.T) {
	w := newWorld(t)
	w.service.on("/federation/credentials", drops, refuses(500, "InternalServerException"), gives(goodRole))
	got, err := w.RoleCredentials(t.Context(), "MARKER-access", account, "Read+Write=,.@_-")
	if err != nil || got.AccessKeyID != "ASIAMARKER" || got.SecretAccessKey != "MARKER-secret" || got.SessionToken != "MARKER-session" ||
		!got.Expires.Equal(time.Unix(1900000000, 0)) {
		t.Errorf("%q until %v: %v", got.AccessKeyID, got.Expires, err)
	}
	c := w.service.seen("/federation/credentials")[2]
	if c.query.Get("account_id") != account || c.query.Get("role_name") != "Read+Write=,.@_-" || c.header.Get("X-Amz-Sso_bearer_token") != "MARKER-access" {
		t.Errorf("asked with %v %v", c.query, c.header)
	}
}

func TestRoleCredentialsAreWhole(t *testing.T) {
	for _, gone := range []string{"accessKeyId", "secretAccessKey", "sessionToken", "expiration", "roleCredentials"} {
		w := newWorld(t)
		w.service.on("/federation/credentials", gives(strings.Replace(goodRole, gone, "x", 1)))
		_, err := w.RoleCredentials(t.Context(), marker, account, "Read")
		wantError(t, err, errs.Backend, "no credentials")
	}
	w := newWorld(t)
	for _, c := range [][2]string{{"", "Read"}, {"12345678901", "Read"}, {"12345678901x", "Read"}, {account, ""}, {account, "arn:aws:iam::1:role/x"}, {account, "a&b"}} {
		_, err := w.RoleCredentials(t.Context(), marker, c[0], c[1])
		wantError(t, err, errs.Invalid, "is not the")
	}
	_, err := w.Roles(t.Context(), marker, "x")
	wantError(t, err, errs.Invalid, "is not the number of an account")
	if len(w.service.seen("/federation/credentials")) != 0 {
		t.Error("what cannot be was asked for")
	}
}

func TestPortalRefusalsAreToldApart(t *testing.T) {
	html := func(status int) reply {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>"+marker, status) }
	}
	for name, c := range map[string]struct {
		reply reply
		is    error
		kind  errs.Kind
		words string
	}{
		"ended":          {refuses(401, "UnauthorizedException"), ErrUnauthorized, errs.Auth, "the session has ended"},
		"401":            {refuses(401, ""), ErrUnauthorized, errs.Auth, "the session has ended"},
		"no assignment":  {refuses(403, "ForbiddenException"), ErrForbidden, errs.Auth, "no assignment"},
		"403":            {refuses(403, ""), ErrForbidden, errs.Auth, "no assignment"},
		"no such":        {refuses(404, "ResourceNotFoundException"), ErrForbidden, errs.Auth, "no assignment"},
		"invalid":        {refuses(400, "InvalidRequestException"), nil, errs.Backend, "refused (InvalidRequest)"},
		"throttled":      {refuses(429, "TooManyRequestsException"), nil, errs.Network, "throttled to the end"},
		"broken":         {refuses(503, "ServiceUnavailable"), nil, errs.Backend, "the service failed"},
		"proxy's 401":    {html(401), nil, errs.Backend, "not one of IAM Identity Center"},
		"proxy's 403":    {html(403), nil, errs.Backend, "not one of IAM Identity Center"},
		"gateway":        {html(502), nil, errs.Backend, "the service failed"},
		"captive portal": {html(200), nil, errs.Backend, "not one of IAM Identity Center"},
		"captive redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://portal.example/", http.StatusFound)
		}, nil, errs.Backend, "redirect"},
		"dropped": {drops, nil, errs.Network, "closed before the answer was complete"},
		"huge":    {gives(`{"x":"` + strings.Repeat("x", maxReply) + `"}`), nil, errs.Backend, "larger than 1 MiB"},
	} {
		w := newWorld(t)
		w.service.on("/federation/credentials", c.reply)
		_, err := w.RoleCredentials(t.Context(), "MARKER-access", account, "Read")
		wantError(t, err, c.kind, c.words)
		for _, sentinel := range []error{ErrUnauthorized, ErrForbidden, ErrGrant, ErrClient} {
			if errors.Is(err, sentinel) != errors.Is(c.is, sentinel) {
				t.Errorf("%s: is it %q? %v", name, sentinel, err)
			}
		}
	}
}

func TestLogoutOfADeadTokenIsSuccess(t *testing.T) {
	w := newWorld(t)
	w.service.on("/logout", gives(``), refuses(401, "UnauthorizedException"), drops)
	for range 2 {
		if err := w.Logout(t.Context(), "MARKER-access"); err != nil {
			t.Error(err)
		}
	}
	if c := w.service.seen("/logout")[0]; c.header.Get("X-Amz-Sso_bearer_token") != "MARKER-access" {
		t.Errorf("asked with %v", c.header)
	}
	wantError(t, w.Logout(t.Context(), "MARKER-access"), errs.Network, "end the session with IAM Identity Center")
	n := len(w.service.seen("/logout"))
	if err := w.Logout(t.Context(), ""); err != nil || len(w.service.seen("/logout")) != n {
		t.Errorf("without a token: %v", err)
	}
}
