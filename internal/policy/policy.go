// Package policy writes the IAM documents that a project needs: what an identity
// must be allowed to use its environments, and who may take a role.
//
// [Document] gives the least that skret can work with: the calls that it makes
// ([Actions]), on the environments' paths alone, and the use of their KMS keys
// through Parameter Store alone. [TrustGitHub] and [TrustRolesAnywhere] give the
// other half of a role: who may assume it. A [Policy] is JSON, Terraform or
// CloudFormation. Everything here is computed: no request, no file, and the same
// text for the same input.
//
// # Parameters
//
// A listing is authorised on the path that was asked for, everything else on a
// parameter's own name; so the statement for reading has both the path and what
// is below, "/app/prod" and "/app/prod/*", and neither reaches "/app/prod2". What
// writes is allowed below the path only. With a list of keys there is no listing,
// and exactly those parameters are named.
//
// # KMS keys
//
// The key that AWS manages, alias/aws/ssm, needs no statement: its own policy lets
// everybody in the account use it through Parameter Store, and cannot be changed.
// A key of one's own needs kms:Decrypt to read, and to write kms:Encrypt for the
// standard tier and kms:GenerateDataKey for the advanced one. Each is bound to
// Parameter Store in the region (kms:ViaService) and to the environment's own
// parameters, whose ARN Parameter Store gives as encryption context in both tiers.
// IAM knows keys by their id: an alias is a condition (kms:ResourceAliases) on all
// keys of the account. The policy of the key must let IAM decide, as it does
// unless it was changed. KMS names services by hosts of amazonaws.com; where a
// partition has another domain, that one is allowed as well.
//
// A parameter that was written with another key than the environment's is not
// covered.
//
// # Accounts
//
// An account that is not known stands as [Placeholder] in JSON, where it allows
// nothing until it is filled in; Terraform and CloudFormation fill it in
// themselves, with the account that they work in.
//
// # Limits
//
// A managed policy may have 6,144 characters, white space not counted; what is
// longer is an error. IAM allows a user's own policies 2,048 together, and a
// role's 10,240; it says so itself.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
)

// Access is what an identity may do with an environment.
type Access string

// The two kinds of access.
const (
	Read  Access = "read"  // list and read, with the history
	Write Access = "write" // read, and set, tag, roll back and delete
)

// Placeholder stands for an account that is not known.
const Placeholder = "ACCOUNT_ID"

// maxManaged is how many characters a managed policy may have.
const maxManaged = 6144

// Environment is a place of secrets in Parameter Store.
type Environment struct {
	Name     string
	Path     string // "/app/prod"; "/" is all that the region has
	Region   string
	Account  string   // 12 digits; "" stands as Placeholder
	KMSKeyID string   // id, ARN, alias/NAME or the ARN of one; "" is alias/aws/ssm
	Keys     []string // exactly these keys; empty means all
	ReadOnly bool     // it is not written to, whatever the access is
}

// Covered tells whether access to other is access to all of e.
func (e Environment) Covered(other Environment) bool {
	return other.Path == e.Path && other.Region == e.Region && other.Account == e.Account && other.KMSKeyID == e.KMSKeyID && slices.Equal(other.Keys, e.Keys)
}

// Policy is a document of IAM.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement allows something. Principal is set in trust documents, Resource in
// the others.
type Statement struct {
	Sid       string
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  []string  `json:",omitempty"`
	Condition Condition `json:",omitempty"`
}

// Condition is operator, condition key, and the values of which one must match.
type Condition map[string]map[string][]string

// Actions returns the calls of Parameter Store that access includes, as IAM names
// them. Those that belong to KMS are not among them: Parameter Store makes them.
func Actions(a Access) []string {
	read := []string{"ssm:GetParametersByPath", "ssm:GetParameters", "ssm:GetParameterHistory"}
	if a == Write {
		return append(read, writing()...)
	}
	return read
}

func writing() []string {
	return []string{"ssm:PutParameter", "ssm:AddTagsToResource", "ssm:ListTagsForResource", "ssm:DeleteParameters"}
}

// Document returns the policy that allows access to all of the environments. All
// that is wrong with them is said at once.
func Document(envs []Environment, a Access) (Policy, error) {
	if len(envs) == 0 {
		return Policy{}, errs.New(errs.Invalid, "policy: no environment is given")
	}
	if a != Read && a != Write {
		return Policy{}, errs.New(errs.Invalid, "policy: %q is no access; it is read or write", a)
	}
	p := document()
	sids := map[string]bool{}
	var wrong []error
	for _, e := range envs {
		if err := e.check(); err != nil {
			wrong = append(wrong, err)
			continue
		}
		access := a
		if e.ReadOnly {
			access = Read
		}
		p.Statement = append(p.Statement, e.statements(access, sid(e.Name, sids))...)
	}
	if len(wrong) > 0 {
		return Policy{}, errors.Join(wrong...)
	}
	if n := p.size(); n > maxManaged {
		return Policy{}, errs.New(errs.Invalid, "policy: with %d environments it has %d characters, and IAM allows a managed policy %d", len(envs), n, maxManaged).
			WithHint("make one for each environment, or name fewer keys")
	}
	return p, nil
}

func document(s ...Statement) Policy { return Policy{Version: "2012-10-17", Statement: s} }

// statements are what access to one environment takes. suffix tells its
// statements from those of others.
func (e Environment) statements(a Access, suffix string) []Statement {
	below := e.below()
	read := Statement{Sid: "Read" + suffix, Effect: "Allow", Action: Actions(Read), Resource: below}
	switch {
	case len(e.Keys) > 0:
		read.Action = read.Action[1:] // a list of keys is never walked
	case e.Path != "/":
		read.Resource = append([]string{e.parameter(e.Path)}, below...)
	}
	all := []Statement{read}
	if a == Write {
		all = append(all, Statement{Sid: "Write" + suffix, Effect: "Allow", Action: writing(), Resource: below})
	}
	if key, ok := e.keyStatement(a, below); ok {
		key.Sid = "Key" + suffix
		all = append(all, key)
	}
	return all
}

// below are the parameters of the environment.
func (e Environment) below() []string {
	root := strings.TrimSuffix(e.Path, "/") + "/"
	if len(e.Keys) == 0 {
		return []string{e.parameter(root + "*")}
	}
	var names []string
	for _, k := range e.Keys {
		names = append(names, e.parameter(root+k))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// parameter returns the ARN of the parameter, or the parameters, of a name.
func (e Environment) parameter(name string) string {
	return e.arn("ssm", account(e.Account), "parameter"+name)
}

func (e Environment) arn(service, account, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", endpoint.PartitionOf(e.Region).ID, service, e.Region, account, resource)
}

// account returns the account, or what stands for one that is not known.
func account(id string) string {
	if id == "" {
		return Placeholder
	}
	return id
}

// sid makes of an environment's name, "eu-prod", what may be part of a Sid and is
// not yet: "EuProd". IAM allows letters and digits.
func sid(name string, taken map[string]bool) string {
	var b strings.Builder
	start := true
	for _, r := range name {
		if !strings.ContainsRune(letters+digits, r) {
			start = true
			continue
		}
		if start {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		start = false
	}
	s := b.String()
	for n := 2; taken[s]; n++ {
		s = fmt.Sprintf("%sX%d", b.String(), n)
	}
	taken[s] = true
	return s
}
