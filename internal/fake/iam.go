package fake

import (
	"maps"
	"slices"
	"strings"
)

// User is a user of IAM.
type User struct {
	Name, ARN, ID, Created string
	Policies               map[string]string
}

var iamOperations = map[string]operation{
	"GetUser":                     signed((*Cloud).getUser),
	"CreateUser":                  signed((*Cloud).createUser),
	"DeleteUser":                  signed((*Cloud).deleteUser),
	"CreateAccessKey":             signed((*Cloud).createAccessKey),
	"ListAccessKeys":              signed((*Cloud).listAccessKeys),
	"UpdateAccessKey":             signed((*Cloud).updateAccessKey),
	"DeleteAccessKey":             signed((*Cloud).deleteAccessKey),
	"GetAccessKeyLastUsed":        signed((*Cloud).accessKeyLastUsed),
	"PutUserPolicy":               signed((*Cloud).putUserPolicy),
	"DeleteUserPolicy":            signed((*Cloud).deleteUserPolicy),
	"CreateRole":                  signed((*Cloud).createRole),
	"GetRole":                     signed((*Cloud).getRole),
	"DeleteRole":                  signed((*Cloud).deleteRole),
	"PutRolePolicy":               signed((*Cloud).putRolePolicy),
	"DeleteRolePolicy":            signed((*Cloud).deleteRolePolicy),
	"CreateOpenIDConnectProvider": signed((*Cloud).createProvider),
	"ListOpenIDConnectProviders":  signed((*Cloud).listProviders),
	"DeleteOpenIDConnectProvider": signed((*Cloud).deleteProvider),
}

// signed checks the signature before it does what is asked.
func signed(do func(c *Cloud, r *request, k Key) (string, error)) operation {
	return func(c *Cloud, r *request) (any, error) {
		k, err := c.signer(r, "iam")
		if err != nil {
			return nil, err
		}
		result, err := do(c, r, k)
		if err != nil {
			return nil, err
		}
		return answerForm(r.op, result), nil
	}
}

// User makes a user with a key, or one more key of the user.
func (c *Cloud) User(name string) Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.users[name]
	if u == nil {
		u = c.addUser(name)
	}
	return *c.lasting(u.ARN, name, u.ID)
}

func (c *Cloud) addUser(name string) *User {
	u := &User{
		Name: name, ARN: "arn:aws:iam::" + Account + ":user/" + name, ID: "AIDA" + uniqueID(name), Created: stamp(c.Now()), Policies: map[string]string{},
	}
	c.users[name] = u
	return u
}

// FindUser returns a copy of a user.
func (c *Cloud) FindUser(name string) (User, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.users[name]
	if u == nil {
		return User{}, false
	}
	found := *u
	found.Policies = maps.Clone(u.Policies)
	return found, true
}

// FindRole returns a copy of a role.
func (c *Cloud) FindRole(arn string) (Role, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	role := c.roles[arn]
	if role == nil {
		return Role{}, false
	}
	found := *role
	found.Policies = maps.Clone(role.Policies)
	return found, true
}

// Keys returns the keys of a user, the oldest first.
func (c *Cloud) Keys(user string) []Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Key
	for _, k := range c.keysOf(user) {
		all = append(all, *k)
	}
	return all
}

func (c *Cloud) keysOf(user string) []*Key {
	return slices.SortedFunc(func(yield func(*Key) bool) {
		for _, k := range c.keys {
			if user != "" && k.user == user && !yield(k) {
				return
			}
		}
	}, func(a, b *Key) int { return a.Created.Compare(b.Created) })
}

func noEntity(kind, name string) error {
	return fail("NoSuchEntity", "The %s with name %s cannot be found.", kind, name)
}

// userOf is the user that a request names, or else who signed it.
func (c *Cloud) userOf(r *request, k Key) (*User, error) {
	name := str(r.in, "UserName")
	if name == "" {
		name = k.user
	}
	switch u := c.users[name]; {
	case u != nil:
		return u, nil
	case name == "":
		return nil, fail("ValidationError", "Must specify userName when calling with non-User credentials")
	}
	return nil, noEntity("user", name)
}

func (u *User) show() string {
	return element("User", leaf("Path", "/")+leaf("UserName", u.Name)+leaf("UserId", u.ID)+leaf("Arn", u.ARN)+leaf("CreateDate", u.Created))
}

func (c *Cloud) getUser(r *request, k Key) (string, error) {
	u, err := c.userOf(r, k)
	if err != nil {
		return "", err
	}
	return u.show(), nil
}

func (c *Cloud) createUser(r *request, _ Key) (string, error) {
	name := str(r.in, "UserName")
	switch {
	case !sessionRule.MatchString(name):
		return "", fail("ValidationError", "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	case c.users[name] != nil:
		return "", fail("EntityAlreadyExists", "User with name %s already exists.", name)
	}
	return c.addUser(name).show(), nil
}

func (c *Cloud) deleteUser(r *request, k Key) (string, error) {
	u, err := c.userOf(r, k)
	switch {
	case err != nil:
		return "", err
	case len(c.keysOf(u.Name)) > 0:
		return "", fail("DeleteConflict", "Cannot delete entity, must delete access keys first.")
	case len(u.Policies) > 0:
		return "", fail("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	delete(c.users, u.Name)
	return "", nil
}

func (k *Key) status() string {
	if k.Inactive {
		return "Inactive"
	}
	return "Active"
}

func (c *Cloud) createAccessKey(r *request, signer Key) (string, error) {
	u, err := c.userOf(r, signer)
	if err != nil {
		return "", err
	}
	if len(c.keysOf(u.Name)) >= 2 {
		return "", fail("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	}
	k := c.lasting(u.ARN, u.Name, u.ID)
	k.unknown = c.UnknownFor
	return element("AccessKey", leaf("UserName", u.Name)+leaf("AccessKeyId", k.ID)+leaf("Status", k.status())+
		leaf("SecretAccessKey", k.Secret)+leaf("CreateDate", stamp(k.Created))), nil
}

func (c *Cloud) listAccessKeys(r *request, signer Key) (string, error) {
	u, err := c.userOf(r, signer)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, k := range c.keysOf(u.Name) {
		all.WriteString(element("member", leaf("UserName", u.Name)+leaf("AccessKeyId", k.ID)+leaf("Status", k.status())+leaf("CreateDate", stamp(k.Created))))
	}
	return leaf("IsTruncated", "false") + element("AccessKeyMetadata", all.String()), nil
}

// keyOf is the key that a request names.
func (c *Cloud) keyOf(r *request, signer Key) (*Key, error) {
	u, err := c.userOf(r, signer)
	if err != nil {
		return nil, err
	}
	id := str(r.in, "AccessKeyId")
	if k := c.keys[id]; k != nil && k.user == u.Name {
		return k, nil
	}
	return nil, fail("NoSuchEntity", "The Access Key with id %s cannot be found.", id)
}

func (c *Cloud) updateAccessKey(r *request, signer Key) (string, error) {
	k, err := c.keyOf(r, signer)
	if err != nil {
		return "", err
	}
	k.Inactive = str(r.in, "Status") == "Inactive"
	return "", nil
}

func (c *Cloud) deleteAccessKey(r *request, signer Key) (string, error) {
	k, err := c.keyOf(r, signer)
	if err != nil {
		return "", err
	}
	delete(c.keys, k.ID)
	return "", nil
}

func (c *Cloud) accessKeyLastUsed(r *request, _ Key) (string, error) {
	k := c.keys[str(r.in, "AccessKeyId")]
	if k == nil || k.user == "" {
		return "", fail("AccessDenied", "User is not authorized to perform: iam:GetAccessKeyLastUsed")
	}
	used := leaf("ServiceName", "N/A") + leaf("Region", "N/A")
	if !k.lastUsed.IsZero() {
		used = leaf("LastUsedDate", stamp(k.lastUsed)) + leaf("ServiceName", k.lastService) + leaf("Region", Region)
	}
	return leaf("UserName", k.user) + element("AccessKeyLastUsed", used), nil
}
