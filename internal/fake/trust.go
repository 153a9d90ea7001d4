package fake

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Role is a role. Who may assume it says its trust policy, which the fakes read
// as AWS does, as far as they know the conditions; what they do not know is not
// met.
type Role struct {
	ARN         string
	Trust       string // a policy document
	MaxDuration int    // seconds
	Policies    map[string]string
}

// Trust says who may assume a role.
type Trust struct {
	AWS      []string // identities, or accounts
	External string   // the external ID that they must give
	MFA      bool     // they must give a code
	Issuer   string   // of identity tokens, without https://
	Subject  string   // of the token, with wildcards
	Audience string   // of the token; "" for sts.amazonaws.com
	Anywhere bool     // Roles Anywhere may
}

// Role makes a role, or changes whom it trusts.
func (c *Cloud) Role(arn string, trusts ...Trust) {
	c.mu.Lock()
	defer c.mu.Unlock()
	doc := policy{Version: "2012-10-17"}
	for _, t := range trusts {
		doc.Statement = append(doc.Statement, t.statement())
	}
	text, _ := json.Marshal(doc)
	c.roles[arn] = &Role{ARN: arn, Trust: string(text), MaxDuration: 12 * 3600, Policies: map[string]string{}}
}

func (t Trust) statement() statement {
	st := statement{Effect: "Allow", Condition: map[string]map[string]words{}}
	must := func(operator, key, value string) {
		if value != "" {
			st.Condition[operator] = map[string]words{key: {value}}
		}
	}
	switch {
	case t.Anywhere:
		st.Principal = principal{"Service": {"rolesanywhere.amazonaws.com"}}
		st.Action = words{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	case t.Issuer != "":
		aud := t.Audience
		if aud == "" {
			aud = "sts.amazonaws.com"
		}
		st.Principal = principal{"Federated": {"arn:aws:iam::" + Account + ":oidc-provider/" + t.Issuer}}
		st.Action = words{"sts:AssumeRoleWithWebIdentity"}
		must("StringEquals", t.Issuer+":aud", aud)
		must("StringLike", t.Issuer+":sub", t.Subject)
	default:
		st.Principal, st.Action = principal{"AWS": t.AWS}, words{"sts:AssumeRole"}
		must("StringEquals", "sts:ExternalId", t.External)
		if t.MFA {
			must("Bool", "aws:MultiFactorAuthPresent", "true")
		}
	}
	return st
}

// policy is a policy document.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal principal
	Action    words
	Condition map[string]map[string]words `json:",omitempty"`
}

// words is a list that may be written as a single string.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// principal is who is meant, by kind: AWS, Federated, Service.
type principal map[string]words

func (p *principal) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		*p = principal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(b, (*map[string]words)(p))
}

// trusts tells whether a role's policy allows these actions to whoever is one of
// the names, with what is known of the request.
func (r *Role) trusts(kind string, names []string, known map[string]string, actions ...string) bool {
	var doc policy
	if r == nil || json.Unmarshal([]byte(r.Trust), &doc) != nil {
		return false
	}
	for _, action := range actions {
		if !slices.ContainsFunc(doc.Statement, func(st statement) bool {
			return st.Effect == "Allow" && slices.ContainsFunc(st.Action, func(a string) bool { return like(a, action) }) &&
				slices.ContainsFunc(st.Principal[kind], func(p string) bool { return p == "*" || slices.Contains(names, p) }) && met(st.Condition, known)
		}) {
			return false
		}
	}
	return true
}

// met tells whether all conditions are.
func met(conditions map[string]map[string]words, known map[string]string) bool {
	for operator, keys := range conditions {
		for key, wants := range keys {
			got, ok := known[key]
			if !ok || !slices.ContainsFunc(wants, func(want string) bool {
				switch operator {
				case "StringEquals", "Bool", "ArnEquals":
					return got == want
				case "StringLike", "ArnLike":
					return like(want, got)
				}
				return false
			}) {
				return false
			}
		}
	}
	return true
}

// like matches with the wildcards * and ?.
func like(pattern, s string) bool {
	p := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)^" + p + "$").MatchString(s)
}

// asPrincipal returns the names by which a policy can mean an identity: its own,
// that of its role, and its account.
func (c *Cloud) asPrincipal(arn string) []string {
	account := accountOf(arn)
	names := []string{arn, account, "arn:aws:iam::" + account + ":root"}
	if strings.Contains(arn, ":assumed-role/") {
		for role := range c.roles {
			if accountOf(role) == account && role[strings.LastIndexByte(role, '/')+1:] == roleOf(arn) {
				names = append(names, role)
			}
		}
		names = append(names, "arn:aws:iam::"+account+":role/"+roleOf(arn))
	}
	return names
}

// accountOf is the account in an ARN.
func accountOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// roleOf is the name of the role, or of the user, in an ARN.
func roleOf(arn string) string {
	_, name, _ := strings.Cut(arn[strings.LastIndexByte(arn, ':')+1:], "/")
	if strings.Contains(arn, ":assumed-role/") {
		name, _, _ = strings.Cut(name, "/")
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}
