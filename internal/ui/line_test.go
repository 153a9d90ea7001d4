package ui

import (
	"runtime"
	"testing"
)

func TestAChoiceIsMeantByNumberNameOrPart(t *testing.T) {
	choices := []string{"111122223333  dev", "444455556666  prod", "777788889999  prod-eu", "1"}
	for answer, want := range map[string]string{
		"1": choices[0], "2": choices[1], "dev": choices[0], "DEV": choices[0], "eu": choices[2], "4444": choices[1],
		"": "", "0": "", "9": choices[2], "prod": "", "nobody": "",
	} {
		got, why := chosen(choices, answer)
		if got != want || (why == "") != (want != "") {
			t.Errorf("%q: %q %q, want %q", answer, got, why, want)
		}
	}
}

// A browser is opened where the user sees it, and nowhere else.
func TestBrowserIsWhereTheUserIs(t *testing.T) {
	desktop := runtime.GOOS == "windows" || runtime.GOOS == "darwin"
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, desktop},
		{map[string]string{"DISPLAY": ":0"}, true},
		{map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, true},
		{map[string]string{"DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}, false},
		{map[string]string{"SSH_TTY": "/dev/pts/1"}, false},
		{map[string]string{"BROWSER": "firefox", "SSH_TTY": "/dev/pts/1"}, true},
		{map[string]string{"WSL_DISTRO_NAME": "Debian"}, true},
	} {
		if got := Browser(func(n string) string { return c.env[n] }) != nil; got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}

func TestABrowserThatIsNotThereIsSaid(t *testing.T) {
	open := Browser(func(n string) string { return map[string]string{"BROWSER": "no-such-browser:  :neither %s"}[n] })
	if err := open("https://example.com/"); err == nil {
		t.Error("no error")
	}
}
