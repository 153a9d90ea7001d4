package webid

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	attempts = 4                // to get a token from GitHub
	maxPause = 10 * time.Second // between two, even when GitHub wants more
)

// github asks GitHub for a token.
func (s *Source) github(ctx context.Context) (string, error) {
	for attempt := 1; ; attempt++ {
		token, after, again, err := s.askGitHub(ctx)
		if err == nil || !again || attempt == attempts || ctx.Err() != nil {
			return token, err
		}
		s.o.Log.Debug("oidc token: trying again", "attempt", attempt, "error", err)
		pause := 200 * time.Millisecond << attempt
		if werr := s.wait(ctx, max(pause/2+rand.N(pause/2), min(after, maxPause))); werr != nil {
			return "", err
		}
	}
}

// askGitHub makes one attempt. It tells whether another may do better, and after
// what time GitHub wants it.
func (s *Source) askGitHub(ctx context.Context) (token string, after time.Duration, again bool, err error) {
	u, bearer, err := s.githubRequest()
	if err != nil {
		return "", 0, false, err
	}
	if s.o.Audience != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += "audience=" + url.QueryEscape(s.o.Audience)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", 0, false, errs.New(errs.Auth, "oidc token: ACTIONS_ID_TOKEN_REQUEST_URL is not an address")
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Accept", "application/json")
	if s.o.UserAgent != "" {
		r.Header.Set("User-Agent", s.o.UserAgent)
	}
	resp, err := s.o.HTTP.Do(r)
	var body []byte
	if err == nil {
		defer resp.Body.Close()
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return "", 0, false, fmt.Errorf("oidc token: %w", ctx.Err())
	case err != nil:
		err = httpx.Explain(u.Host, err)
		return "", 0, errs.KindOf(err) == errs.Network, err
	case resp.StatusCode != http.StatusOK:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date is not what GitHub sends
		again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
		return "", time.Duration(seconds) * time.Second, again, refused(u.Host, resp.StatusCode)
	}
	var answer struct{ Value string }
	if len(body) > maxToken || json.Unmarshal(body, &answer) != nil || answer.Value == "" {
		return "", 0, false, errs.New(errs.Backend, "oidc token: %s did not answer with a token", u.Host).
			WithHint("is a proxy in between that answers in its place?")
	}
	return answer.Value, 0, false, nil
}

// refused explains a status of GitHub's.
func refused(host string, status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return errs.New(errs.Network, "oidc token: %s throttled the request to the end", host).WithHint("try again later")
	case status >= 500:
		return errs.New(errs.Backend, "oidc token: %s failed (status %d)", host, status).WithHint("try again later; https://www.githubstatus.com tells of trouble")
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return errs.New(errs.Auth, "oidc token: GitHub refuses a token (status %d)", status).
			WithHint("the job needs  permissions: { id-token: write },  and the right ends with the job")
	}
	return errs.New(errs.Backend, "oidc token: %s answered with status %d", host, status)
}
