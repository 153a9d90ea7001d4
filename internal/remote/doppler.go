package remote

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

func doppler() *Service {
	const manage = "https://dashboard.doppler.com/workplace/tokens"
	return &Service{
		Name: "doppler", Title: "Doppler", Manage: manage,
		Methods: []Method{
			tokenMethod("Doppler token", "a service token (Project > Config > Access) reads one config; a personal token, "+manage+", reads all that you may", "DOPPLER_TOKEN"),
			{Name: MethodDevice, Doc: "a browser, as Doppler's own command line signs in"},
		},
		home:  "https://api.doppler.com",
		site:  ".doppler.com",
		hosts: []string{"DOPPLER_API_HOST"},
		kinds: []kind{
			{"dp.ct.", "CLI token", ""},
			{"dp.pt.", "personal token", ""},
			{"dp.st.", "service token", ""},
			{"dp.sa.", "service account token", ""},
			{"dp.scim.", "SCIM token", "which manages users and reads no secrets"},
			{"dp.audit.", "audit token", "which reads no secrets"},
		},
		envelope: true,
		verify:   verifyDoppler,
		revoke:   revokeDoppler,
		device:   deviceDoppler,
	}
}

func verifyDoppler(ctx context.Context, a *API) (Identity, error) {
	var me struct {
		Name, Slug, Type string
		Workplace        struct{ Name string }
	}
	if _, err := a.Do(ctx, http.MethodGet, "/v3/me", nil, &me); err != nil {
		return Identity{}, err
	}
	return Identity{Who: cmp.Or(me.Name, me.Slug, me.Type), Workspace: me.Workplace.Name}, nil
}

func revokeDoppler(ctx context.Context, a *API) (string, error) {
	_, err := a.Do(ctx, http.MethodPost, "/v3/auth/revoke", map[string]string{"token": a.t.field("token")}, nil)
	return "", gone(err)
}

// deviceDoppler signs in as Doppler's command line does. Doppler wants to know
// which program that is, and shows the machine's name in its list of tokens.
func deviceDoppler(ctx context.Context, d *device) (map[string]string, error) {
	_, version, _ := strings.Cut(d.o.UserAgent, "/")
	version, _, _ = strings.Cut(version, " ")
	query := url.Values{"hostname": {d.d.Machine}, "version": {"v" + strings.TrimPrefix(version, "v")}, "os": {runtime.GOOS}, "arch": {runtime.GOARCH}}
	var code struct {
		Code    string `json:"code"`
		Polling string `json:"polling_code"`
		URL     string `json:"auth_url"`
	}
	_, err := d.api.Do(ctx, http.MethodGet, "/v3/auth/cli/generate/2?"+query.Encode(), nil, &code)
	if f, ok := errors.AsType[*Failure](err); ok && f.Status < 500 && !f.limited {
		return nil, errs.New(errs.Backend, "Doppler does not let this program sign in by a browser: %w", f).
			WithHint("skret auth login doppler --method token takes a token from %s", d.s.Manage)
	}
	if err != nil {
		return nil, err
	}
	if err := d.show(code.URL, code.Code, code.Polling); err != nil {
		return nil, err
	}
	var got struct{ Token string }
	err = d.poll(ctx, 2*time.Second, 5*time.Minute, func() (answer, error) {
		_, err := d.api.Do(ctx, http.MethodPost, "/v3/auth/cli/authorize", map[string]string{"code": code.Polling}, &got)
		f, refused := errors.AsType[*Failure](err)
		switch {
		case err == nil && got.Token != "":
			return granted, nil
		case refused && f.Status == http.StatusConflict:
			return pending, nil
		case err == nil, refused && f.Status < 500 && !f.limited:
			return denied, nil
		}
		return pending, err
	})
	return map[string]string{"token": got.Token}, err
}
