package sso

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// device signs in by device flow, and returns what the user was shown.
func (w *world) device(t *testing.T) ([]DevicePrompt, Token, error) {
	var shown []DevicePrompt
	token, err := w.Device(t.Context(), registration(), startURL, func(p DevicePrompt) error {
		shown = append(shown, p)
		return nil
	})
	return shown, token, err
}

func TestDeviceWaitsAsTheServiceWants(t *testing.T) {
	pending := refuses(400, pendingCode)
	w := newWorld(t)
	w.service.on("/token", pending, pending, refuses(400, "SlowDownException"), pending, gives(goodToken))
	began := w.clock.now()
	shown, token, err := w.device(t)
	if err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{2 * time.Second, 2 * time.Second, 7 * time.Second, 7 * time.Second}; !slices.Equal(w.clock.slept, want) {
		t.Errorf("slept %v, want %v: the first attempt at once, and slower for good", w.clock.slept, want)
	}
	if token.Access != "MARKER-access" || token.Refresh != "MARKER-refresh" || !token.Expires.Equal(began.Add(time.Hour+18*time.Second)) {
		t.Errorf("the token is %q, %q, until %v", token.Access, token.Refresh, token.Expires)
	}
	want := DevicePrompt{
		URL: "https://acme.awsapps.com/start/#/device", CompleteURL: "https://acme.awsapps.com/start/#/device?user_code=ABCD-EFGH",
		Code: "ABCD-EFGH", Expires: began.Add(10 * time.Minute),
	}
	if len(shown) != 1 || shown[0] != want {
		t.Errorf("shown %+v, want %+v", shown, want)
	}
	start, poll := w.service.seen("/device_authorization")[0], w.service.seen("/token")[0]
	if start.field("startUrl") != startURL || start.field("clientId") != "client" || start.field("clientSecret") != "MARKER-client" {
		t.Errorf("started with %v", start.body)
	}
	if poll.field("grantType") != grantDevice || poll.field("deviceCode") != "MARKER-device" {
		t.Errorf("polled with %v", poll.body)
	}
}

func TestDeviceWaitsFiveSecondsUnlessToldOtherwise(t *testing.T) {
	for interval, want := range map[string]time.Duration{`0`: 5 * time.Second, `-3`: 5 * time.Second, `1`: time.Second, `86400`: time.Minute} {
		w := newWorld(t)
		w.service.on("/device_authorization", gives(strings.Replace(goodDevice, `"interval":2`, `"interval":`+interval, 1))).
			on("/token", refuses(400, pendingCode), gives(goodToken))
		if _, _, err := w.device(t); err != nil || len(w.clock.slept) != 1 || w.clock.slept[0] != want {
			t.Errorf("interval %s: slept %v, %v", interval, w.clock.slept, err)
		}
	}
}

func TestDeviceShowsAFreshCodeWhenOneLapses(t *testing.T) {
	w := newWorld(t)
	w.service.on("/device_authorization", gives(goodDevice), gives(strings.ReplaceAll(goodDevice, "ABCD", "WXYZ"))).
		on("/token", refuses(400, "SlowDownException"), refuses(400, "ExpiredTokenException"), refuses(400, pendingCode), gives(goodToken))
	shown, _, err := w.device(t)
	if err != nil || len(shown) != 2 || shown[0].Renewed || !shown[1].Renewed || shown[1].Code != "WXYZ-EFGH" {
		t.Errorf("shown %+v: %v", shown, err)
	}
	if last := w.clock.slept[len(w.clock.slept)-1]; last != 7*time.Second {
		t.Errorf("the fresh code is polled every %v: slower is for good", last)
	}
}

// A service that never says that a code has lapsed is not asked for ever.
func TestDeviceEndsACodeByItsOwnClock(t *testing.T) {
	w := newWorld(t)
	w.service.on("/token", refuses(400, pendingCode))
	began := w.clock.now()
	shown, _, err := w.device(t)
	wantError(t, err, errs.Auth, "nobody has entered the code")
	if took := w.clock.now().Sub(began); len(shown) != maxCodes || took != time.Hour {
		t.Errorf("%d codes in %v", len(shown), took)
	}
}

func TestDeviceSurvivesTroubleOfTheNetwork(t *testing.T) {
	for name, trouble := range map[string]reply{
		"dropped": drops, "cut": cuts, "internal": refuses(500, "InternalServerException"), "throttled": refuses(429, "TooManyRequestsException"),
	} {
		w := newWorld(t)
		w.service.on("/token", trouble, trouble, trouble, trouble, trouble, gives(goodToken))
		if shown, token, err := w.device(t); err != nil || token.Access == "" || len(shown) != 1 {
			t.Errorf("%s: %v after %d codes", name, err, len(shown))
		}
	}
}

func TestDeviceEndsWhenTheUserSaysNo(t *testing.T) {
	w := newWorld(t)
	w.service.on("/token", refuses(400, pendingCode), refuses(400, "AccessDeniedException"))
	_, _, err := w.device(t)
	wantError(t, err, errs.Auth, "access was denied")
	w.service.on("/token", refuses(400, "AccessDeniedException", `"reason":"KMS_AccessDeniedException"`))
	_, _, err = w.device(t)
	wantError(t, err, errs.Auth, "KMS_AccessDeniedException")
}

func TestDeviceEndsAtOnceWhenCancelled(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.service.on("/token", refuses(400, pendingCode))
	o := w.options()
	o.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return httpx.Sleep(ctx, time.Hour)
	}
	_, err := New(o).Device(ctx, registration(), startURL, func(DevicePrompt) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDeviceEndsWhenTheCodeCannotBeShown(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("the terminal is gone")
	_, err := w.Device(t.Context(), registration(), startURL, func(DevicePrompt) error { return broken })
	if !errors.Is(err, broken) || len(w.service.seen("/token")) != 0 {
		t.Error(err)
	}
}

// The user is not sent just anywhere, and nothing but a code is shown as one.
func TestDeviceShowsNothingUnsafe(t *testing.T) {
	for _, c := range []struct{ old, new, words string }{
		{"https://acme.awsapps.com/start/#/device", "http://acme.awsapps.com/", "not one with https"},
		{"https://acme.awsapps.com/start/#/device", "javascript:alert(1)", "not one with https"},
		{"https://acme.awsapps.com/start/#/device", "file:///etc/passwd", "not one with https"},
		{"https://acme.awsapps.com/start/#/device", "https://user:pass@acme.awsapps.com/", "not one with https"},
		{"https://acme.awsapps.com/start/#/device", `https://acme.awsapps.com/\u001b[31m`, "not one with https"},
		{"https://acme.awsapps.com/start/#/device?", "http://elsewhere.example/?", "not one with https"},
		{"https://acme.awsapps.com/start/#/device", "", "not one with https"},
		{`"userCode":"ABCD-EFGH"`, `"userCode":"\u001b]0;x\u0007"`, "no code"},
		{`"userCode":"ABCD-EFGH"`, `"userCode":"` + strings.Repeat("A", 65) + `"`, "no code"},
		{`"userCode":"ABCD-EFGH"`, `"x":""`, "no code"},
		{`"deviceCode":"MARKER-device"`, `"x":""`, "no code"},
		{goodDevice, `{}`, "no code"},
		{goodDevice, `[]`, "not one of IAM Identity Center"},
		{`"expiresIn":600`, `"expiresIn":"soon"`, "not one of IAM Identity Center"},
	} {
		w := newWorld(t)
		w.service.on("/device_authorization", gives(strings.ReplaceAll(goodDevice, c.old, c.new)))
		shown, _, err := w.device(t)
		wantError(t, err, errs.Backend, c.words)
		if len(shown) > 0 {
			t.Errorf("shown %+v", shown)
		}
	}
}

func TestDeviceRefusesWhatIsNoToken(t *testing.T) {
	for _, body := range []string{`{}`, `{"accessToken":"MARKER","tokenType":"mac"}`} {
		w := newWorld(t)
		w.service.on("/token", gives(body))
		_, _, err := w.device(t)
		wantError(t, err, errs.Backend, "no token")
	}
}
