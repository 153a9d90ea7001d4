package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skret/skret/internal/fake"
)

// awsCommands is the command by which scripts have all services of AWS that
// signing in takes, and identities to sign in as. Services are ssm, sts, iam,
// sso, oidc, rolesanywhere, container and github.
//
//	aws start                      start them, and let AWS_* name them, with no credentials; ssm commands are for its SSM
//	aws fault SERVICE OP WHAT [TIMES [MESSAGE]]  as ssm fault
//	aws calls SERVICE OP N         so many requests so far; SERVICE * is all but ssm, OP * is any
//	aws forget                     count from zero
//	aws signed REGEXP              the ARN of who signed the last request to SSM
//	aws clock DURATION             set the services' clock forward, or back
//	aws life token|session|registration|device|role DURATION
//	aws approve [auto|deny|page|N]  how the user answers: at once (the default), no, by opening the page, at the Nth poll
//	aws rule RULE [N]              see awsRule
//	aws session revoke             an administrator ends all sessions of IAM Identity Center
//	aws session N                  so many are open
//	aws grant sso ACCOUNT ROLE     a role for the user of IAM Identity Center
//	aws role ARN [TRUST ...]       a role, and whom it trusts; see trustsOf
//	aws user NAME [as-env]         a user with a new key, in $KEYID and $SECRET; as-env: in AWS_*
//	aws root [as-env]              the same of the root user
//	aws key ARN DURATION [as-env]  a temporary key, in $KEYID, $SECRET and $TOKEN
//	aws issuer github              the variables of a job that may ask for identity tokens
//	aws jwt FILE SUBJECT AUDIENCE [HOST]  an identity token of an issuer, GitHub's by default
//	aws cert rsa|ecdsa NAME [WHAT]  NAME.pem, NAME.key and the authority's ca.pem; $ANCHOR and $PROFILE; WHAT as fake.Cloud.Certificate
//	aws ecs start [FILE]           the variables of a container; with FILE the token is in there
//	aws imds start                 an instance with a role
//	[!] aws has user NAME | role ARN | key ID
//	aws keys USER STATE ...        the states of the user's keys, active or inactive, the oldest first
//	aws policies user|role NAME FILE  write the policies to a file
func awsCommands() map[string]scriptCommand {
	return map[string]scriptCommand{"aws": awsCommand}
}

// awsVerb does one of the commands; args are what follows its name.
type awsVerb struct {
	words int // how many words it takes at least
	do    func(ts *testscript.TestScript, c *fake.Cloud, args []string)
}

func awsVerbs() map[string]awsVerb {
	return map[string]awsVerb{
		"fault": {3, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			c.Fault(args[0], faultOf(ts, args[1:]))
		}},
		"calls": {3, awsCalls},
		"forget": {0, func(_ *testscript.TestScript, c *fake.Cloud, _ []string) {
			c.Forget()
		}},
		"signed": {1, awsSigned},
		"clock": {1, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			c.Advance(durationOf(ts, args[0]))
		}},
		"life":    {2, awsLife},
		"approve": {0, awsApprove},
		"rule":    {1, awsRule},
		"session": {1, awsSession},
		"grant": {3, func(_ *testscript.TestScript, c *fake.Cloud, args []string) {
			c.Assign(args[1], args[2])
		}},
		"role": {1, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			c.Role(args[0], trustsOf(ts, args[1:])...)
		}},
		"user": {1, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			giveKey(ts, c.User(args[0]), args[1:])
		}},
		"root": {0, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			giveKey(ts, c.Root(), args)
		}},
		"key": {2, func(ts *testscript.TestScript, c *fake.Cloud, args []string) {
			giveKey(ts, c.Issue(args[0], durationOf(ts, args[1])), args[2:])
		}},
		"issuer": {1, func(ts *testscript.TestScript, c *fake.Cloud, _ []string) {
			c.Issuer(fake.GitHubIssuer)
			setenv(ts, c.GitHubEnv()...)
		}},
		"jwt":      {3, awsJWT},
		"cert":     {2, awsCert},
		"ecs":      {1, awsECS},
		"imds":     {1, awsIMDS},
		"keys":     {1, awsKeys},
		"policies": {3, awsPolicies},
	}
}

func awsCommand(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	switch {
	case len(args) == 0 || neg && args[0] != "has" || f.aws == nil && args[0] != "start":
		ts.Fatalf("usage: see awsCommands")
	case args[0] == "start":
		f.aws = fake.NewCloud()
		f.ssm = f.aws.SSM
		setenv(ts, f.aws.Env()...)
		ts.Defer(func() {
			f.aws.Close()
			if left := f.aws.Unmet(); len(left) > 0 {
				ts.Value("T").(testscript.T).Fatal("announced, but it did not happen: ", left)
			}
		})
	case args[0] == "has" && len(args) == 3:
		awsHas(ts, f.aws, neg, args[1], args[2])
	default:
		verb, ok := awsVerbs()[args[0]]
		if !ok || len(args)-1 < verb.words {
			ts.Fatalf("aws %s is not known so; see awsCommands", strings.Join(args, " "))
		}
		verb.do(ts, f.aws, args[1:])
	}
}

func durationOf(ts *testscript.TestScript, s string) time.Duration {
	d, err := time.ParseDuration(s)
	ts.Check(err)
	return d
}

func awsCalls(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	service, op := strings.TrimPrefix(args[0], "*"), strings.TrimPrefix(args[1], "*")
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	if got := c.Count(service, op); got != want {
		ts.Fatalf("%d requests for %s %s, want %d", got, args[0], args[1], want)
	}
}

func awsSigned(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	calls := c.Calls("ssm", "")
	if len(calls) == 0 {
		ts.Fatalf("there was no request to SSM")
	}
	if got := calls[len(calls)-1].ARN; !regexp.MustCompile(args[0]).MatchString(got) {
		ts.Fatalf("signed by %q, want %s", got, args[0])
	}
}

func awsLife(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	d := durationOf(ts, args[1])
	c.Set(func(r *fake.CloudRules) {
		lives := map[string]*time.Duration{
			"token": &r.TokenLife, "session": &r.SessionLife, "registration": &r.RegistrationLife, "device": &r.DeviceLife, "role": &r.RoleLife,
		}
		if lives[args[0]] == nil {
			ts.Fatalf("the life of %s is not known", args[0])
		}
		*lives[args[0]] = d
	})
}

func awsApprove(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	c.Set(func(r *fake.CloudRules) {
		r.Polls, r.Deny = 0, false
		for _, how := range args {
			switch how {
			case "auto":
			case "deny":
				r.Deny = true
			case "page":
				r.Polls = -1
			default:
				n, err := strconv.Atoi(how)
				ts.Check(err)
				r.Polls = n
			}
		}
	})
}

func awsRule(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	n := 1
	if len(args) > 1 {
		var err error
		n, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	c.Set(func(r *fake.CloudRules) {
		switch args[0] {
		case "reusable": // refresh tokens are good for more than one renewal
			r.Reusable = n > 0
		case "reuse-ends": // one that is used twice ends the session
			r.ReuseEnds = n > 0
		case "omit-refresh": // renewals tell no refresh token
			r.OmitRefresh = n > 0
		case "no-refresh": // sign-ins neither
			r.NoRefresh = n > 0
		case "lax": // nobody polls too fast
			r.Lax = n > 0
		case "interval": // seconds between polls
			r.Interval = n
		case "page-size": // of accounts and roles
			r.PageSize = n
		case "unknown-for": // so many requests do not know a new key yet
			r.UnknownFor = n
		default:
			ts.Fatalf("aws rule %s is not known", args[0])
		}
	})
}

func awsSession(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	if args[0] == "revoke" {
		c.Revoke()
		return
	}
	if got := fmt.Sprint(c.Sessions()); got != args[0] {
		ts.Fatalf("%s sessions are open, want %s", got, args[0])
	}
}

// trustsOf reads whom a role trusts: trust ARN, oidc SUBJECT or anywhere; after
// the first external ID and mfa, after the second issuer HOST and audience AUD.
func trustsOf(ts *testscript.TestScript, words []string) []fake.Trust {
	var all []fake.Trust
	next := func() string {
		if len(words) < 2 {
			ts.Fatalf("aws role: a word is missing after %s", words[0])
		}
		words = words[1:]
		return words[0]
	}
	last := func() *fake.Trust {
		if len(all) == 0 { // any identity of the account
			all = append(all, fake.Trust{AWS: []string{fake.Account}})
		}
		return &all[len(all)-1]
	}
	for ; len(words) > 0; words = words[1:] {
		switch words[0] {
		case "trust":
			all = append(all, fake.Trust{AWS: []string{next()}})
		case "oidc":
			all = append(all, fake.Trust{Issuer: fake.GitHubIssuer, Subject: next()})
		case "anywhere":
			all = append(all, fake.Trust{Anywhere: true})
		case "external":
			last().External = next()
		case "mfa":
			last().MFA = true
		case "issuer":
			last().Issuer = next()
		case "audience":
			last().Audience = next()
		default:
			ts.Fatalf("aws role: %s is not known", words[0])
		}
	}
	return all
}

func giveKey(ts *testscript.TestScript, k fake.Key, args []string) {
	if slices.Contains(args, "as-env") {
		setenv(ts, k.Env()...)
	}
	setenv(ts, "KEYID="+k.ID, "SECRET="+k.Secret, "TOKEN="+k.Token)
}

func awsJWT(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	host := fake.GitHubIssuer
	if len(args) > 3 {
		host = args[3]
	}
	c.Issuer(host)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(c.JWT(host, args[1], args[2], nil)), 0o600))
}

func awsCert(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	certificate, key := c.Certificate(args[0], args[1], strings.Join(args[2:], ""))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".pem"), certificate, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".key"), key, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), c.Authority(), 0o600))
	setenv(ts, "ANCHOR="+fake.TrustAnchor, "PROFILE="+fake.AnywhereProfile)
}

func awsECS(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	file := ""
	if len(args) > 1 {
		file = ts.MkAbs(args[1])
		ts.Check(os.WriteFile(file, []byte(fake.ContainerToken), 0o600))
	}
	setenv(ts, c.ContainerEnv(file)...)
}

func awsIMDS(ts *testscript.TestScript, c *fake.Cloud, _ []string) {
	f := fakesOf(ts)
	f.imd = fake.NewMetadata("")
	f.imd.Cloud = c
	ts.Defer(f.imd.Close)
	setenv(ts, "AWS_EC2_METADATA_DISABLED=", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+f.imd.URL)
}

func awsHas(ts *testscript.TestScript, c *fake.Cloud, neg bool, kind, name string) {
	var has bool
	switch kind {
	case "user":
		_, has = c.FindUser(name)
	case "role":
		_, has = c.FindRole(name)
	case "key":
		_, has = c.Key(name)
	default:
		ts.Fatalf("aws has %s is not known", kind)
	}
	if has == neg {
		ts.Fatalf("there is %s %s: %v", kind, name, has)
	}
}

func awsKeys(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	var states []string
	for _, k := range c.Keys(args[0]) {
		state := "active"
		if k.Inactive {
			state = "inactive"
		}
		states = append(states, state)
	}
	if !slices.Equal(states, args[1:]) {
		ts.Fatalf("the keys of %s are %q, want %q", args[0], states, args[1:])
	}
}

func awsPolicies(ts *testscript.TestScript, c *fake.Cloud, args []string) {
	var policies map[string]string
	switch u, ok := c.FindUser(args[1]); {
	case args[0] == "user" && ok:
		policies = u.Policies
	case args[0] == "role":
		role, _ := c.FindRole(args[1])
		policies = role.Policies
		policies["trust"] = role.Trust
	default:
		ts.Fatalf("there is no %s %s", args[0], args[1])
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		fmt.Fprintf(&text, "%s: %s\n", name, policies[name])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text.String()), 0o600))
}

// browse stands in for a browser: it opens the address that it is given, goes
// where it is sent and prints nothing. The text of the last page goes to the
// file $BROWSE_LOG.
func browse() {
	resp, err := http.Get(os.Args[len(os.Args)-1])
	text := fmt.Sprintln(err)
	if err == nil {
		body, _ := io.ReadAll(resp.Body)
		text = fmt.Sprintf("%s\n%s\n", resp.Status, body)
	}
	if log := os.Getenv("BROWSE_LOG"); log != "" {
		_ = os.WriteFile(log, []byte(text), 0o600)
	}
}
