package awsauth

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth/webid"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// Finding is one line of a diagnosis.
type Finding struct {
	Step   string // what was looked at: "environment keys"
	Result string // used, shadowed, none, ok, warning, problem
	Detail string // never a secret
	Mend   string // the command or the step that mends it; "" when nothing is to do
}

// The results of a step.
const (
	Used     = "used"
	Shadowed = "shadowed"
	Nothing  = "none"
	OK       = "ok"
	Warning  = "warning"
	Problem  = "problem"
)

// Diagnosis is what [Doctor] finds.
type Diagnosis struct {
	Chain   []Finding // the order of identities, step by step
	Machine []Finding // what sign-ins depend on
	Suggest string    // the one thing to do next; "" when all is well
	Err     error     // why commands cannot sign, as far as was looked
}

// Doctor looks at every place that an identity can come from, in order, and at
// what sign-ins depend on. It changes nothing, and shows no value of a variable
// that may be secret. offline asks nobody.
func Doctor(ctx context.Context, o Options, offline bool) Diagnosis {
	o.fill()
	d := &doctor{o: o}
	d.chain()
	d.machine()
	if !offline {
		d.ask(ctx)
	}
	out := d.Diagnosis
	for _, result := range []string{Problem, Warning} {
		for _, f := range append(append([]Finding{}, out.Chain...), out.Machine...) {
			if f.Result == result && f.Mend != "" && out.Suggest == "" {
				out.Suggest = f.Mend
			}
		}
	}
	return out
}

type doctor struct {
	Diagnosis
	o    Options
	used bool // something before is used already
}

// place adds a step of the order: what is there is used, unless something before
// it is.
func (d *doctor) place(step string, found bool, detail string) {
	result := Nothing
	switch {
	case found && d.used:
		result = Shadowed
	case found:
		result, d.used = Used, true
	}
	d.Chain = append(d.Chain, Finding{Step: step, Result: result, Detail: detail})
}

func (d *doctor) problem(step, detail, mend string) {
	d.Chain = append(d.Chain, Finding{step, Problem, detail, mend})
	d.used = true
	d.Err = errs.New(errs.Auth, "%s: %s", step, detail).WithHint("%s", mend)
}

func (d *doctor) see(step, result, detail, mend string) {
	d.Machine = append(d.Machine, Finding{step, result, detail, mend})
}

func (d *doctor) chain() {
	o := d.o
	d.place("named profile", o.ProfileExplicit, named(o.ProfileExplicit, o.Profile, o.ProfileFrom, "--profile and SKRET_PROFILE are not set"))
	explicit := o.Auth != "" && !o.ProfileExplicit
	if explicit && o.Auth != Chain {
		if _, err := choose(o); err != nil {
			d.problem("named sign-in", err.Error(), errs.HintOf(err))
		} else {
			d.place("named sign-in", true, named(true, o.Auth, o.AuthFrom, ""))
		}
	} else {
		d.place("named sign-in", false, named(o.Auth == Chain, Chain, o.AuthFrom, "--auth, SKRET_AUTH and auth: in .skret.yaml are not set"))
	}
	d.signIns(o.Auth == Chain)
	keys, web := inEnvironment(o.Getenv)
	d.place("environment keys", keys, cmp.Or(halfKey(o.Getenv), setOrNot(o.Getenv, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")))
	d.place("environment web identity", web, setOrNot(o.Getenv, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"))
	d.profile()
	container := cmp.Or(o.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), o.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")) != ""
	d.place("container", container, setOrNot(o.Getenv, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	switch {
	case strings.EqualFold(o.Getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		d.place("EC2 instance metadata", false, "switched off by AWS_EC2_METADATA_DISABLED")
	case d.used:
		d.place("EC2 instance metadata", false, "not asked, since it would not be used")
	default:
		d.place("EC2 instance metadata", false, "asked last")
	}
}

func named(set bool, name, from, otherwise string) string {
	if !set {
		return otherwise
	}
	return fmt.Sprintf("%q (%s)", name, cmp.Or(from, "asked for"))
}

// setOrNot names variables, and which of them are set; never a value.
func setOrNot(getenv func(string) string, names ...string) string {
	var set, unset []string
	for _, n := range names {
		if getenv(n) != "" {
			set = append(set, n)
		} else {
			unset = append(unset, n)
		}
	}
	if len(set) == 0 {
		return strings.Join(unset, ", ") + " not set"
	}
	return strings.Join(set, ", ") + " set"
}

func halfKey(getenv func(string) string) string {
	id := cmp.Or(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_ACCESS_KEY")) != ""
	key := cmp.Or(getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SECRET_KEY")) != ""
	switch {
	case id && !key:
		return "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not: half a key is none"
	case key && !id:
		return "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not: half a key is none"
	}
	return ""
}

// signIns looks at skret's own. off says that the chain was asked for by name.
func (d *doctor) signIns(off bool) {
	if d.o.Vault == nil {
		d.place("sign-in of skret's", false, "there is no place for one: neither HOME nor SKRET_HOME is set")
		return
	}
	all, err := d.o.Vault.List()
	if err != nil {
		d.problem("sign-in of skret's", err.Error(), cmp.Or(errs.HintOf(err), "look at the file named there"))
		return
	}
	var names []string
	for _, c := range all {
		if c.Service != Service {
			continue
		}
		st := d.o.stored(c)
		word := fmt.Sprintf("%q (%s, %s)", c.Name, c.Method, st.State)
		if c.Default {
			word += " is the default"
		}
		names = append(names, word)
	}
	if len(names) == 0 {
		d.place("sign-in of skret's", false, "skret auth login aws makes one")
		return
	}
	detail := strings.Join(names, ", ")
	if off {
		d.Chain = append(d.Chain, Finding{"sign-in of skret's", Shadowed, detail + "; the chain was asked for by name", ""})
		return
	}
	d.place("sign-in of skret's", true, detail)
}

// profile looks at the profile that the SDK's chain would take.
func (d *doctor) profile() {
	o := d.o
	config, credentials := files(o.Getenv)
	name, in := o.profileLines()
	step := fmt.Sprintf("AWS profile %q", name)
	switch {
	case len(in) > 0:
		d.place(step, !o.ProfileExplicit, strings.Join(in, " and "))
	case o.ProfileExplicit && d.used, name != "default" && !d.used:
		d.problem(step, fmt.Sprintf("it is not in %s and %s", config, credentials), "see aws configure list-profiles, or take another name")
	default:
		d.place(step, false, fmt.Sprintf("not in %s and %s", config, credentials))
	}
}

// profileLines returns the profile that the SDK's chain takes, and where it stands,
// each as FILE:LINE.
func (o Options) profileLines() (name string, in []string) {
	name = cmp.Or(o.Profile, o.Getenv("AWS_PROFILE"), o.Getenv("AWS_DEFAULT_PROFILE"), "default")
	config, credentials := files(o.Getenv)
	for _, f := range []struct{ file, prefix string }{{credentials, ""}, {config, "profile "}} {
		if line := sectionLine(f.file, f.prefix, name); line > 0 {
			in = append(in, fmt.Sprintf("%s:%d", f.file, line))
		}
	}
	return name, in
}

// sectionLine returns the line of a profile's section in a file of AWS's, or 0.
func sectionLine(name, prefix, profile string) int {
	data, err := durable.ReadFile(name, 1<<20)
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		section, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "[")
		section, _, end := strings.Cut(section, "]")
		section = strings.Join(strings.Fields(section), " ")
		if ok && end && (section == prefix+profile || section == profile && profile == "default") {
			return n
		}
	}
	return 0
}

// machine looks at what sign-ins depend on, without asking anybody.
func (d *doctor) machine() {
	o := d.o
	if o.Vault != nil {
		if all, err := o.Vault.List(); err == nil && len(all) > 0 {
			d.kept(all)
		}
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		if v := o.Getenv(name); v != "" {
			if u, err := url.Parse(v); err == nil && u.Host != "" {
				d.see("proxy", OK, name+" is "+u.Host+"; NO_PROXY: "+cmp.Or(o.Getenv("NO_PROXY"), o.Getenv("no_proxy"), "not set"), "")
			} else {
				d.see("proxy", Problem, name+" is not an address", "mend or unset "+name)
			}
		}
	}
	for _, service := range []string{"SSM", "STS", "SSO", "SSO OIDC", "IAM", "ROLESANYWHERE"} {
		s := endpoint.Override(o.Getenv, service)
		if s == "" {
			continue
		}
		if u, err := endpoint.Of(strings.ToLower(service), endpoint.Options{Override: s}); err != nil {
			d.see("endpoint of "+service, Problem, err.Error(), errs.HintOf(err))
		} else {
			d.see("endpoint of "+service, Warning, "the environment puts "+u.Host+" in its place", "")
		}
	}
	if bundle := o.Getenv("AWS_CA_BUNDLE"); bundle != "" {
		if _, err := durable.ReadFile(bundle, 16<<20); err != nil {
			d.see("AWS_CA_BUNDLE", Problem, err.Error(), "name a file of certificates in PEM, or unset AWS_CA_BUNDLE")
		} else {
			d.see("AWS_CA_BUNDLE", OK, bundle, "")
		}
	}
	if ci := webid.Detect(o.Getenv); ci != "" {
		d.see("CI", OK, ci+": its tokens can sign in without a stored key, by --method oidc", "")
	}
}

// kept looks at the vault.
func (d *doctor) kept(all []vault.Credential) {
	store, where, err := d.o.Vault.Backend()
	switch {
	case err != nil:
		d.see("key of the sign-ins", Problem, err.Error(), cmp.Or(errs.HintOf(err), "skret auth login aws"))
	case store == vault.Plaintext:
		d.see("key of the sign-ins", Warning, "there is none: they are in clear", "skret auth login aws --store keyring, or --store keyfile")
	default:
		d.see("key of the sign-ins", OK, where, "")
	}
	for _, c := range all {
		unlock, holder, err := d.o.Vault.TryLock(c.Service, c.Name)
		switch {
		case err != nil:
			d.see("lock of "+c.Service+" "+c.Name, Warning, err.Error(), "see to it that skret's folder can be written to")
		case unlock == nil:
			d.see("lock of "+c.Service+" "+c.Name, Warning, "held by "+holder, "somebody signs in or renews just now; wait, or look at that process")
		default:
			unlock()
		}
	}
}

// ask has STS say who commands sign as, which shows the clock's error, too.
func (d *doctor) ask(ctx context.Context) {
	o := d.o
	id, err := o.quietly()
	if err == nil {
		o.Region = id.Region
		client := o.query(id.Credentials, id.Origin, id.Renew)
		who, werr := client.CallerIdentity(ctx)
		if ahead, ok := client.ClockAhead(); ok {
			d.clock(ahead)
		}
		if err = werr; err == nil {
			d.see("identity", OK, who.ARN+" in account "+who.Account+", by "+id.Origin, "")
			return
		}
	}
	d.Err = err
	d.see("identity", Problem, err.Error(), cmp.Or(errs.HintOf(err), "skret auth login aws"))
}

func (d *doctor) clock(ahead time.Duration) {
	if ahead.Abs() < time.Minute {
		d.see("clock", OK, "within a minute of AWS's", "")
		return
	}
	way := "behind"
	if ahead < 0 {
		way = "ahead of"
	}
	result := Warning
	if ahead.Abs() >= 5*time.Minute {
		result = Problem
	}
	d.see("clock", result, fmt.Sprintf("this machine's is %s %s AWS's", ahead.Abs().Round(time.Second), way), "set the clock, for example by switching on time synchronisation")
}
