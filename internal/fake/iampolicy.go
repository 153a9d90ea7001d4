package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// putPolicy keeps a policy document, if it is one.
func putPolicy(all map[string]string, r *request) (string, error) {
	doc := str(r.in, "PolicyDocument")
	var p struct{ Statement []map[string]any }
	if json.Unmarshal([]byte(doc), &p) != nil || len(p.Statement) == 0 {
		return "", fail("MalformedPolicyDocument", "The policy failed legacy parsing")
	}
	all[str(r.in, "PolicyName")] = doc
	return "", nil
}

func deletePolicy(all map[string]string, r *request) (string, error) {
	name := str(r.in, "PolicyName")
	if _, ok := all[name]; !ok {
		return "", noEntity("policy", name)
	}
	delete(all, name)
	return "", nil
}

func (c *Cloud) putUserPolicy(r *request, k Key) (string, error) {
	u, err := c.userOf(r, k)
	if err != nil {
		return "", err
	}
	return putPolicy(u.Policies, r)
}

func (c *Cloud) deleteUserPolicy(r *request, k Key) (string, error) {
	u, err := c.userOf(r, k)
	if err != nil {
		return "", err
	}
	return deletePolicy(u.Policies, r)
}

func roleARN(r *request) string { return "arn:aws:iam::" + Account + ":role/" + str(r.in, "RoleName") }

// roleNamed is the role that a request names.
func (c *Cloud) roleNamed(r *request) (*Role, error) {
	if role := c.roles[roleARN(r)]; role != nil {
		return role, nil
	}
	return nil, noEntity("role", str(r.in, "RoleName"))
}

func (r *Role) show() string {
	return element("Role", leaf("Path", "/")+leaf("RoleName", roleOf(r.ARN))+leaf("RoleId", "AROA"+uniqueID(roleOf(r.ARN)))+leaf("Arn", r.ARN)+
		leaf("CreateDate", "2026-01-02T03:04:05Z")+leaf("AssumeRolePolicyDocument", url.QueryEscape(r.Trust)))
}

func (c *Cloud) createRole(r *request, _ Key) (string, error) {
	name, trust := str(r.in, "RoleName"), str(r.in, "AssumeRolePolicyDocument")
	var doc policy
	switch {
	case !sessionRule.MatchString(name):
		return "", fail("ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	case c.roles[roleARN(r)] != nil:
		return "", fail("EntityAlreadyExists", "Role with name %s already exists.", name)
	case json.Unmarshal([]byte(trust), &doc) != nil || len(doc.Statement) == 0:
		return "", fail("MalformedPolicyDocument", "This policy contains invalid Json")
	}
	role := &Role{ARN: roleARN(r), Trust: trust, MaxDuration: whole(r.in, "MaxSessionDuration", 3600), Policies: map[string]string{}}
	c.roles[role.ARN] = role
	return role.show(), nil
}

func (c *Cloud) getRole(r *request, _ Key) (string, error) {
	role, err := c.roleNamed(r)
	if err != nil {
		return "", err
	}
	return role.show(), nil
}

func (c *Cloud) deleteRole(r *request, _ Key) (string, error) {
	role, err := c.roleNamed(r)
	switch {
	case err != nil:
		return "", err
	case len(role.Policies) > 0:
		return "", fail("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	delete(c.roles, role.ARN)
	return "", nil
}

func (c *Cloud) putRolePolicy(r *request, _ Key) (string, error) {
	role, err := c.roleNamed(r)
	if err != nil {
		return "", err
	}
	return putPolicy(role.Policies, r)
}

func (c *Cloud) deleteRolePolicy(r *request, _ Key) (string, error) {
	role, err := c.roleNamed(r)
	if err != nil {
		return "", err
	}
	return deletePolicy(role.Policies, r)
}

func (c *Cloud) createProvider(r *request, _ Key) (string, error) {
	address := str(r.in, "Url")
	host, ok := strings.CutPrefix(address, "https://")
	switch {
	case !ok:
		return "", fail("ValidationError", "Invalid Open ID Connect Provider URL")
	case c.providers[host] != nil:
		return "", fail("EntityAlreadyExists", "Provider with url %s already exists.", address)
	}
	c.providers[host] = []string{}
	for i := 1; ; i++ {
		audience := str(r.in, fmt.Sprintf("ClientIDList.member.%d", i))
		if audience == "" {
			break
		}
		c.providers[host] = append(c.providers[host], audience)
	}
	return leaf("OpenIDConnectProviderArn", "arn:aws:iam::"+Account+":oidc-provider/"+host), nil
}

func (c *Cloud) listProviders(*request, Key) (string, error) {
	var all strings.Builder
	for _, host := range slices.Sorted(maps.Keys(c.providers)) {
		all.WriteString(element("member", leaf("Arn", "arn:aws:iam::"+Account+":oidc-provider/"+host)))
	}
	return element("OpenIDConnectProviderList", all.String()), nil
}

func (c *Cloud) deleteProvider(r *request, _ Key) (string, error) {
	_, host, _ := strings.Cut(str(r.in, "OpenIDConnectProviderArn"), ":oidc-provider/")
	if c.providers[host] == nil {
		return "", noEntity("OpenIDConnect Provider", host)
	}
	delete(c.providers, host)
	return "", nil
}
