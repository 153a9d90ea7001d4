package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skret/skret/internal/fake"
)

// fakes are the servers of one script.
type fakes struct {
	ssm *fake.SSM
	sts *fake.STS
	imd *fake.Metadata
	aws *fake.Cloud

	remotes *remotes
}

var scriptFakes sync.Map // *testscript.TestScript to *fakes

func fakesOf(ts *testscript.TestScript) *fakes {
	f, loaded := scriptFakes.LoadOrStore(ts, &fakes{})
	if !loaded {
		ts.Defer(func() { scriptFakes.Delete(ts) })
	}
	return f.(*fakes)
}

// ssmCommands are the commands by which scripts have a server that speaks SSM.
//
//	ssm start [tls]                start it, and let AWS_* name it and nothing else; its certificate is in ca.pem
//	ssm put NAME VALUE [TYPE [KEY]]  a version of a parameter, past all rules
//	[!] ssm has NAME [FIELD=VALUE] value, version, type, key, description, tier, tag.NAME
//	ssm fault OP WHAT [TIMES [MESSAGE]]  WHAT is a word of fake.Fault.Do, or CODE or STATUS:CODE
//	ssm rule RULE [WORD ...]       see ssmRule
//	ssm calls OP N                 so many requests for OP so far; * for all
//	ssm conns N                    so many connections so far
//	ssm forget                     count from zero
//
//	sts start; sts fail CODE MESSAGE; sts call NAME=VALUE ...
//	imds start [MODE]; imds calls N
func ssmCommands() map[string]scriptCommand {
	return map[string]scriptCommand{"ssm": ssmCommand, "sts": stsCommand, "imds": imdsCommand}
}

func setenv(ts *testscript.TestScript, vars ...string) {
	for _, v := range vars {
		k, val, _ := strings.Cut(v, "=")
		ts.Setenv(k, val)
	}
}

func ssmCommand(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	if len(args) == 0 || neg && args[0] != "has" || f.ssm == nil && args[0] != "start" {
		ts.Fatalf("usage: see ssmCommands")
	}
	need := func(n int) {
		if len(args) < n {
			ts.Fatalf("ssm %s: %d words are not enough", args[0], len(args)-1)
		}
	}
	num := func(s string) int {
		n, err := strconv.Atoi(s)
		ts.Check(err)
		return n
	}
	switch args[0] {
	case "start":
		if len(args) > 1 && args[1] == "tls" {
			var certificate []byte
			f.ssm, certificate = fake.NewTLS()
			ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), certificate, 0o600))
		} else {
			f.ssm = fake.NewSSM()
		}
		setenv(ts, f.ssm.Env()...)
		ts.Defer(func() {
			f.ssm.Close()
			if left := f.ssm.Unmet(); len(left) > 0 {
				ts.Value("T").(testscript.T).Fatal("announced, but it did not happen: ", left)
			}
		})
	case "put":
		need(3)
		v := fake.Version{Type: "SecureString", Value: args[2]}
		if len(args) > 3 {
			v.Type = args[3]
		}
		if len(args) > 4 {
			v.KeyID = args[4]
		}
		f.ssm.PutVersion(args[1], v)
	case "has":
		need(2)
		ssmHas(ts, f.ssm, neg, args[1], args[2:])
	case "fault":
		need(3)
		f.ssm.Fault(faultOf(ts, args[1:]))
	case "rule":
		need(2)
		f.ssm.Set(func(r *fake.Rules) { ssmRule(ts, r, args[1], args[2:]) })
	case "calls":
		need(3)
		op := strings.TrimPrefix(args[1], "*")
		if got, want := f.ssm.Count(op), num(args[2]); got != want {
			ts.Fatalf("%d requests for %s, want %d", got, args[1], want)
		}
	case "conns":
		need(2)
		if got, want := f.ssm.Conns(), num(args[1]); got != want {
			ts.Fatalf("%d connections, want %d", got, want)
		}
	case "forget":
		f.ssm.Forget()
	default:
		ts.Fatalf("ssm %s is not known", args[0])
	}
}

// faultOf reads a fault: OP WHAT [TIMES [MESSAGE]].
func faultOf(ts *testscript.TestScript, args []string) fake.Fault {
	num := func(s string) int {
		n, err := strconv.Atoi(s)
		ts.Check(err)
		return n
	}
	fault := fake.Fault{Op: args[0], Code: args[1], Times: 1}
	if args[0] == "*" {
		fault.Op = ""
	}
	if code, after, ok := strings.Cut(args[1], ":"); ok {
		fault.Status, fault.Code = num(code), after
	}
	if strings.ToLower(args[1][:1]) == args[1][:1] && fault.Status == 0 {
		fault.Do, fault.Code = args[1], ""
	}
	if len(args) > 2 {
		fault.Times = num(args[2])
	}
	fault.Message = strings.Join(args[min(3, len(args)):], " ")
	return fault
}

// ssmHas asserts that a parameter exists and is so.
func ssmHas(ts *testscript.TestScript, s *fake.SSM, neg bool, name string, wants []string) {
	p, ok := s.Parameter(name)
	if ok == neg {
		ts.Fatalf("there is %s: %v; there are %q", name, ok, s.Names())
	}
	if neg {
		return
	}
	v := p.Versions[len(p.Versions)-1]
	is := map[string]string{
		"value": v.Value, "version": fmt.Sprint(p.First + int64(len(p.Versions)) - 1), "type": v.Type, "key": v.KeyID,
		"description": v.Description, "tier": v.Tier,
	}
	for k, t := range p.Tags {
		is["tag."+k] = t
	}
	for _, w := range wants {
		k, want, _ := strings.Cut(w, "=")
		if is[k] != want {
			ts.Fatalf("%s: %s is %q, want %q", name, k, is[k], want)
		}
	}
}

func ssmRule(ts *testscript.TestScript, r *fake.Rules, rule string, words []string) {
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch rule {
	case "empty-pages":
		r.EmptyPages = true
	case "short-pages":
		r.ShortPages = true
	case "same-token":
		r.SameToken = true
	case "foreign":
		r.Foreign = words
	case "unreadable":
		r.Unreadable = map[string]bool{}
		for _, w := range words {
			r.Unreadable[w] = true
		}
	case "deny":
		if r.Deny == nil {
			r.Deny = map[string]string{}
		}
		r.Deny[word(0)] = word(1)
		if word(1) == "" {
			r.Deny[word(0)] = "implicit"
		}
	case "allow":
		delete(r.Deny, word(0))
	case "clock":
		d, err := time.ParseDuration(word(0))
		ts.Check(err)
		r.ClockAhead = d
	case "session":
		r.Sessions = map[string]string{fake.AccessKey: word(0)}
	default:
		ts.Fatalf("ssm rule %s is not known", rule)
	}
}

func stsCommand(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: see ssmCommands")
	case args[0] == "start":
		f.sts = fake.NewSTS()
		ts.Defer(f.sts.Close)
		ts.Setenv("AWS_ENDPOINT_URL_STS", f.sts.URL)
	case args[0] == "fail" && len(args) == 3:
		f.sts.Fail(args[1], args[2])
	case args[0] == "call":
		calls := f.sts.Calls()
		if len(calls) == 0 {
			ts.Fatalf("there was no request")
		}
		for _, w := range args[1:] {
			k, want, _ := strings.Cut(w, "=")
			if got := calls[len(calls)-1].Get(k); got != want {
				ts.Fatalf("%s is %q, want %q", k, got, want)
			}
		}
	default:
		ts.Fatalf("usage: see ssmCommands")
	}
}

func imdsCommand(ts *testscript.TestScript, neg bool, args []string) {
	f := fakesOf(ts)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: see ssmCommands")
	case args[0] == "start":
		f.imd = fake.NewMetadata(strings.Join(args[1:], ""))
		ts.Defer(f.imd.Close)
		setenv(ts, "AWS_EC2_METADATA_DISABLED=", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+f.imd.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	case args[0] == "calls" && len(args) == 2:
		if got := f.imd.Calls(); fmt.Sprint(len(got)) != args[1] {
			ts.Fatalf("%d requests, want %s: %q", len(got), args[1], got)
		}
	default:
		ts.Fatalf("usage: see ssmCommands")
	}
}
