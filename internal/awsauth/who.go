package awsauth

import (
	"fmt"

	"github.com/skret/skret/internal/awsauth/shared"
)

// who joins what tells an identity from others, so that no two lists give the
// same text.
func who(parts ...string) string { return fmt.Sprintf("%q", parts) }

// who is that of what the SDK's chain takes: an access key by its id, a role by
// its account and name, a program by its command. Of the role of a container or an
// instance no more is known than where it comes from.
func (s source) who(env variables, c *shared.Profile) string {
	for c.Source != nil {
		c = c.Source
	}
	parts := []string{"chain", fmt.Sprint(s.kind), s.profile, s.detail}
	switch s.kind {
	case keysInEnv:
		return who("access key", env.keys.AccessKeyID)
	case credentialSourceEnv:
		parts = append(parts, env.keys.AccessKeyID)
	case keysInProfile:
		parts = append(parts, c.Credentials.AccessKeyID)
	case ssoProfile:
		parts = append(parts, c.SSO.StartURL, c.SSO.Account, c.SSO.Role)
	case container:
		parts = append(parts, env.containerPath, env.containerURI)
	}
	return who(append(parts, s.roles...)...)
}
