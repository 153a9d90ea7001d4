package remote

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// location is an address that has been taken apart and found good.
type location struct {
	scheme string // http or https
	host   string // with the port, unless it is the scheme's
	path   string // "" or /a/b
}

func (l location) String() string { return l.scheme + "://" + l.host + l.path }

// Origin returns the address of the service's API, in the one form in which
// addresses are compared, for an address as users write it: with or without a
// scheme, of the web pages or of the API.
func (s *Service) Origin(address string) (string, error) {
	return s.origin("the address of "+s.Title, address)
}

// origin is Origin with the words for what the address is.
func (s *Service) origin(what, address string) (string, error) {
	l, why := parseLocation(address)
	if why != "" {
		// The text is not shown: it may hold a password.
		return "", errs.New(errs.Config, "%s cannot be used: %s", what, why).WithHint("it looks like %s", s.home)
	}
	if s.place != nil {
		s.place(&l)
	} else if !strings.HasSuffix(l.path, s.below) {
		l.path += s.below
	}
	return l.String(), nil
}

// hostOf returns the host of an origin, for messages.
func hostOf(origin string) string {
	_, rest, _ := strings.Cut(origin, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

const maxAddress = 512

// parseLocation takes an address apart, or says why it cannot be used. Two
// spellings of one place give the same location.
func parseLocation(s string) (l location, why string) {
	s = strings.TrimSpace(s)
	if len(s) > maxAddress {
		return l, "it is too long"
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "":
		return l, "it is not an address"
	case u.User != nil:
		return l, "it has a user name in it"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return l, "it has more than a host and a path"
	case u.Scheme != "https" && u.Scheme != "http":
		return l, "it does not start with https"
	}
	name, why := hostName(u.Hostname())
	if why != "" {
		return l, why
	}
	if u.Scheme == "http" && !httpx.Loopback(strings.Trim(name, "[]")) {
		return l, "plain http is for this machine only, since whoever is on the way could read the token"
	}
	if l.host, why = withPort(name, u.Port(), u.Scheme); why != "" {
		return l, why
	}
	if strings.Trim(u.EscapedPath(), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~/-") != "" {
		return l, "its path has unusual characters"
	}
	l.scheme, l.path = u.Scheme, strings.TrimRight(u.Path, "/")
	return l, badPath(l.path)
}

// hostName returns a host in lower case, an address of IPv6 in brackets.
func hostName(s string) (name, why string) {
	if a, err := netip.ParseAddr(s); err == nil {
		switch {
		case a.Zone() != "":
			return "", "its host has a zone"
		case a.Is6():
			return "[" + a.String() + "]", ""
		}
		return a.String(), ""
	}
	name = strings.ToLower(s)
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || len(name) > 253 {
		return "", "its host has characters that no host has; a name in another script is written as xn--"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.HasPrefix(label, "-") {
			return "", "it has no host, or half of one"
		}
	}
	return name, ""
}

func withPort(name, port, scheme string) (host, why string) {
	if port == "" || port == "443" && scheme == "https" || port == "80" && scheme == "http" {
		return name, ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "", "its port is not a number from 1 to 65535"
	}
	return name + ":" + port, ""
}

// badPath says what is wrong with a path that is joined to a host, or "". The
// path is escaped; what is judged is how a server could understand it.
func badPath(escaped string) string {
	if escaped == "" {
		return ""
	}
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return "its path does not start with a slash"
	}
	for segment := range strings.SplitSeq(rest, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || segment == "" || strings.ContainsAny(segment, "?#") || hasControl(plain) {
			return "its path is not well formed"
		}
		for _, part := range strings.FieldsFunc(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
			if part == "." || part == ".." {
				return "its path has steps up"
			}
		}
	}
	return ""
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// join returns the address of a path, with a query perhaps, at an API. It never
// is the address of something else.
func join(origin, path string) (*url.URL, error) {
	escaped, query, _ := strings.Cut(path, "?")
	why := badPath(escaped)
	if escaped == "" || strings.Contains(query, "#") || unfit(query) != "" {
		why = "it is not a path"
	}
	if why == "" {
		u, err := url.Parse(origin + escaped)
		if err == nil && u.User == nil && u.Scheme+"://"+u.Host+u.EscapedPath() == origin+escaped {
			u.RawQuery = query
			return u, nil
		}
		why = "it is not escaped"
	}
	return nil, errs.New(errs.Config, "a request to %s is refused before it is sent: the path: %s", hostOf(origin), why)
}
