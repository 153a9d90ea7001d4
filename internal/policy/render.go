package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSON returns the document, in lines.
func (p Policy) JSON() string { return p.text("", "  ") + "\n" }

// text is the document as JSON; with an indent it is in lines, of which all but
// the first start with prefix.
func (p Policy) text(prefix, indent string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, indent)
	_ = e.Encode(p) // strings in lists and maps: there is nothing that could fail
	return strings.TrimSuffix(b.String(), "\n")
}

// size counts as IAM does: without white space, of which there is none here.
func (p Policy) size() int {
	return len(strings.ReplaceAll(p.text("", ""), Placeholder, "123456789012"))
}

// trusts tells whether the document says who may take a role.
func (p Policy) trusts() bool { return len(p.Statement) > 0 && p.Statement[0].Principal != nil }

// Terraform returns the document as a resource: a managed policy, or a role that
// is to be given one. name becomes the name in IAM and, as far as it may, in
// Terraform.
func (p Policy) Terraform(name string) string {
	kind, attribute := "aws_iam_policy", "policy"
	if p.trusts() {
		kind, attribute = "aws_iam_role", "assume_role_policy"
	}
	name = p.name(name)
	label := strings.Map(func(r rune) rune {
		if strings.ContainsRune(letters+digits, r) {
			return r
		}
		return '_'
	}, name)
	if !strings.ContainsAny(label[:1], letters) {
		label = "skret_" + label
	}
	var b strings.Builder
	body := strings.ReplaceAll(p.text("  ", "  "), `": `, `" : `) // as terraform fmt has it
	if strings.Contains(body, Placeholder) {
		b.WriteString("data \"aws_caller_identity\" \"current\" {}\n\n")
		body = strings.ReplaceAll(body, Placeholder, "${data.aws_caller_identity.current.account_id}")
	}
	b.WriteString("resource \"" + kind + "\" \"" + label + "\" {\n")
	b.WriteString("  name = \"" + name + "\"\n")
	b.WriteString("  " + attribute + " = jsonencode(" + body + ")\n}\n")
	return b.String()
}

// CloudFormation returns the document as a template in JSON with one resource: a
// managed policy, or a role that is to be given one. To deploy it takes
// CAPABILITY_NAMED_IAM, since the resource has a name.
func (p Policy) CloudFormation(name string) string {
	kind, naming, attribute := "AWS::IAM::ManagedPolicy", "ManagedPolicyName", "PolicyDocument"
	if p.trusts() {
		kind, naming, attribute = "AWS::IAM::Role", "RoleName", "AssumeRolePolicyDocument"
	}
	name = p.name(name)
	// A string with the placeholder becomes a call of Fn::Sub.
	var body strings.Builder
	for i, part := range strings.Split(p.text("        ", "  "), `"`) {
		quoted := i%2 == 1 // no string in a document has a quote of its own
		switch {
		case quoted && strings.Contains(part, Placeholder):
			body.WriteString(`{"Fn::Sub": "` + strings.ReplaceAll(part, Placeholder, "${AWS::AccountId}") + `"}`)
		case quoted:
			body.WriteString(`"` + part + `"`)
		default:
			body.WriteString(part)
		}
	}
	return `{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Resources": {
    "` + logical(name) + `": {
      "Type": "` + kind + `",
      "Properties": {
        "` + naming + `": "` + name + `",
        "` + attribute + `": ` + body.String() + `
      }
    }
  }
}
`
}

// logical makes of a name what CloudFormation calls a resource: letters and digits.
func logical(name string) string {
	return "Skret" + strings.TrimPrefix(sid(name, map[string]bool{}), "Skret")
}

// name makes a name fit for IAM.
func (p Policy) name(s string) string {
	most := 128
	if p.trusts() {
		most = 64
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(letters+digits+"_+=,.@-", r) {
			return r
		}
		return '-'
	}, s)
	if s == "" {
		s = "skret"
	}
	return s[:min(len(s), most)]
}
