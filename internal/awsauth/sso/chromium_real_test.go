//go:build real

package sso

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/realtest"
)

// A real browser opens connections that it does not use, asks for a favicon, and
// reads all of a page or shows none of it.
func TestRealChromiumEndsAtThePage(t *testing.T) {
	chromium := realtest.Need(t, "chromium", "apt-get install chromium")
	for _, c := range []struct {
		deny bool
		want string
	}{{false, "You are signed in."}, {true, "You are not signed in."}} {
		cloud, client := inCloud(t)
		cloud.Set(func(r *fake.CloudRules) { r.Deny = c.deny })
		r, err := client.Register(t.Context(), fake.StartURL, PKCE)
		if err != nil {
			t.Fatal(err)
		}
		shown := make(chan string, 1)
		token, err := client.PKCE(t.Context(), r, func(address string) error {
			out, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--dump-dom", address).Output()
			shown <- string(out)
			return err
		})
		if (err == nil) == c.deny || (token.Access == "") != c.deny {
			t.Errorf("denied %v: %v", c.deny, err)
		}
		if page := <-shown; !strings.Contains(page, c.want) {
			t.Errorf("the browser shows %s", page)
		}
	}
}
