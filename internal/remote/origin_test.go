package remote

import (
	"net/url"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

func TestOrigin(t *testing.T) {
	for _, c := range []struct{ service, address, want string }{
		{"infisical", "https://app.infisical.com", "https://app.infisical.com/api"},
		{"infisical", "https://app.infisical.com/api", "https://app.infisical.com/api"},
		{"infisical", "HTTPS://EU.Infisical.com:443/api/", "https://eu.infisical.com/api"},
		{"infisical", " eu.infisical.com\n", "https://eu.infisical.com/api"},
		{"infisical", "https://secrets.example.com/infisical/", "https://secrets.example.com/infisical/api"},
		{"infisical", "http://localhost:8080", "http://localhost:8080/api"},
		{"infisical", "http://127.0.0.1:80", "http://127.0.0.1/api"},
		{"infisical", "http://[::1]:8080", "http://[::1]:8080/api"},
		{"infisical", "https://[2001:DB8::1]", "https://[2001:db8::1]/api"},
		{"github", "github.com", "https://api.github.com"},
		{"github", "https://api.github.com/", "https://api.github.com"},
		{"github", "https://ghe.example.com", "https://ghe.example.com/api/v3"},
		{"github", "https://ghe.example.com/api/v3", "https://ghe.example.com/api/v3"},
		{"github", "octo.ghe.com", "https://api.octo.ghe.com"},
		{"github", "https://api.octo.ghe.com", "https://api.octo.ghe.com"},
		{"github", "github.com.evil.example", "https://github.com.evil.example/api/v3"},
		{"gitlab", "gitlab.com", "https://gitlab.com/api/v4"},
		{"gitlab", "https://git.example.com:8443/sub/api/v4", "https://git.example.com:8443/sub/api/v4"},
		{"doppler", "api.doppler.com", "https://api.doppler.com"},
		{"cloudflare", "https://api.cloudflare.com/client/v4/", "https://api.cloudflare.com/client/v4"},
	} {
		got, err := service(t, c.service).Origin(c.address)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %s %v, want %s", c.service, c.address, got, err, c.want)
		}
	}
	for _, address := range []string{
		"", "https://", "://x", "ftp://host", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@b",
		"http://example.com", "http://169.254.169.254", "http://10.0.0.1", "http://0.0.0.0", "http://localhost.example.com", "http://127.0.0.1.nip.io", "http://[::ffff:10.0.0.1]",
		"https://user:" + marker + "@host", "https://" + marker + "@host", "https://host?x=1", "https://host?", "https://host#", "https://host/#f",
		"https://host/../x", "https://host/a/./b", "https://host//x", "https://host/%2e%2e", "https://host/a%2fb", `https://host\x`, "https://host/[x]", "https://host/ä", `https://host/a\b`,
		"https://ho st", "https://ho\tst", "https://hôst", "https://host.", "https://.host", "https://a..b", "https://-host", "https://host:0", "https://host:65536", "https://host:080", "https://host:x", "https://[fe80::1%25eth0]", "https://[::1", "https://host\x00",
		"https://" + strings.Repeat("a.", 300) + "com",
	} {
		got, err := service(t, "infisical").Origin(address)
		if err == nil {
			t.Errorf("%q is taken as %s", address, got)
			continue
		}
		wantError(t, err, errs.Config, "the address of Infisical cannot be used", "https://app.infisical.com/api")
	}
}

// A path never makes a request to anything but the API.
func TestPathStaysBelowTheOrigin(t *testing.T) {
	for _, path := range []string{"/v3/me", "/repos/o/r/environments/a%2Fb/secrets", "/x?page=1&per_page=100", "/a:b/@c", "/x?u=https://evil.example/../"} {
		u, err := join("https://ghe.example.com/api/v3", path)
		if err != nil || u.String() != "https://ghe.example.com/api/v3"+path {
			t.Errorf("%s: %v %v", path, u, err)
		}
	}
	for _, path := range []string{
		"", "v3/me", "?x", "@evil.example/x", ".evil.example/", ":80/x", "//evil.example/x", "https://evil.example/", "/..", "/a/../../b", "/%2e%2e/x", "/a%2f..%2fb", `/a\..\b`, "/%5c..%5cx", "/a//b", "/a/", "/",
		"/a b", "/ä", "/a?b c", "/a?ä", "/a#b", "/a?b#c", "/a\nb", "/a%0ab", "/a%00", "/a%zz", "/a?b\r\nHost: x", "/ a\x7f",
	} {
		u, err := join("https://ghe.example.com/api/v3", path)
		if err == nil {
			t.Errorf("%q is taken as %s", path, u)
			continue
		}
		wantError(t, err, errs.Config, "refused before it is sent")
	}
}

func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"github.com", "https://eu.infisical.com/api/", "http://[::1]:80/x", "https://u:p@h", "http://h/%2e", "https://a.b:443//", "octo.ghe.com", "https://h?#"} {
		f.Add(s, "/v3/me")
	}
	f.Add("api.github.com", "/../@x")
	f.Fuzz(func(t *testing.T, address, path string) {
		for _, s := range Services() {
			origin, err := s.Origin(address)
			if err != nil {
				if len(address) > 8 && strings.Contains(err.Error(), address) {
					t.Fatalf("%q is shown: %v", address, err)
				}
				continue
			}
			if again, err := s.Origin(origin); err != nil || again != origin {
				t.Fatalf("%q gives %q, and that %q, %v", address, origin, again, err)
			}
			u, err := url.Parse(origin)
			if err != nil || u.User != nil || u.RawQuery != "" || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !httpx.Loopback(u.Hostname())) {
				t.Fatalf("%q gives %q", address, origin)
			}
			at, err := join(origin, path)
			if err != nil {
				continue
			}
			// As a client and a server would understand it.
			clean := at.JoinPath() // resolves steps up
			if at.Host != u.Host || at.Scheme != u.Scheme || !strings.HasPrefix(at.EscapedPath(), u.Path+"/") || !strings.HasPrefix(clean.Path, u.Path) {
				t.Fatalf("%q and %q give %s", origin, path, at)
			}
		}
	})
}
