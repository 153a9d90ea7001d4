package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/doctor"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/store/ssm"
	"github.com/skret/skret/internal/vault"
)

// probeTime is what one check of [Doctor] may take.
const probeTime = 10 * time.Second

// Doctor looks at all that the project depends on, from what costs nothing to what
// asks the services; at the user's own things alone where there is no project. It
// asks the user nothing, and changes nothing but what others may read of skret's
// files.
func Doctor(ctx context.Context, o Options) []doctor.Finding {
	o.AskPassphrase, o.Relogin = nil, nil
	d := &diagnosis{o: o}
	var checks []doctor.Check
	add := func(network bool, area, what string, look func(ctx context.Context, o Options) []doctor.Finding) {
		checks = append(checks, doctor.Check{Area: area, What: what, Network: network, Do: func(ctx context.Context) []doctor.Finding {
			return noticing(o, func(o Options) []doctor.Finding { return look(ctx, o) })
		}})
	}
	for _, l := range o.Project.Layers {
		lo := o
		lo.Project = o.Project.Of(l)
		if l.Place.Provider == config.ProviderLocal {
			add(false, "store", lo.Project.Describe(), func(ctx context.Context, o Options) []doctor.Finding {
				o.Project = lo.Project
				return d.local(ctx, o)
			})
		} else {
			d.aws = append(d.aws, lo)
		}
	}
	add(false, "identity", "order", d.order)
	add(false, "machine", "sign-ins and network", d.machine)
	add(false, "machine", "key", key)
	add(false, "files", "permissions", files)
	add(false, "files", "sizes", func(_ context.Context, o Options) []doctor.Finding { return doctor.Sizes(o.Project.Home) })
	add(false, "git", "what is tracked", d.git)
	if len(d.aws) > 0 {
		add(true, "identity", "who signs", d.who)
	}
	for _, lo := range d.aws {
		add(true, "permissions", lo.Project.Describe(), func(ctx context.Context, o Options) []doctor.Finding {
			o.Project = lo.Project
			return d.permissions(ctx, o)
		})
	}
	return doctor.Run(ctx, checks, probeTime, o.Offline)
}

// noticing calls look with options whose notices become findings.
func noticing(o Options, look func(o Options) []doctor.Finding) []doctor.Finding {
	var mu sync.Mutex
	var notes []doctor.Finding
	o.Notice = func(msg string) {
		mu.Lock()
		defer mu.Unlock()
		notes = append(notes, doctor.Finding{Result: doctor.Warning, Detail: msg})
	}
	found := look(o)
	mu.Lock()
	defer mu.Unlock()
	return slices.Concat(found, notes)
}

// diagnosis is what the checks of one run tell each other.
type diagnosis struct {
	o     Options
	aws   []Options // of the layers that are in AWS
	clear []string  // stores in clear
	lost  bool      // nobody can sign
}

// errNotAsked is the answer to a question that a check would have to put.
var errNotAsked = errors.New("nobody is asked")

// local looks at a store file: whether it is there, sealed and whole, and whether
// the user's identity opens it.
func (d *diagnosis) local(ctx context.Context, o Options) []doctor.Finding {
	name := o.Project.Place.File
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return []doctor.Finding{{Result: doctor.Warning, Detail: "there is no " + name + " yet", Mend: "skret set KEY"}}
	}
	o.AskPassphrase = func(context.Context, string) ([]byte, error) { return nil, errNotAsked }
	quiet := o
	quiet.Notice = func(string) {}
	recipients, err := openLocal(quiet).Recipients()
	if errs.KindOf(err) == errs.Invalid { // it is in clear
		d.clear = append(d.clear, name)
		return []doctor.Finding{{Result: doctor.Warning, Detail: name + " is not sealed", Mend: "skret local encrypt"}}
	}
	if err != nil {
		return []doctor.Finding{doctor.Of("", err)}
	}
	es, err := openLocal(o).List(ctx, "")
	switch {
	case errors.Is(err, errNotAsked):
		return []doctor.Finding{{Result: doctor.Skipped, Detail: "your identity is locked by a passphrase, which is not asked for here"}}
	case err != nil:
		return []doctor.Finding{doctor.Of("", err)}
	}
	return []doctor.Finding{{Result: doctor.OK, Detail: fmt.Sprintf("%s is whole and opens; secrets: %d, recipients: %d", name, len(es), len(recipients))}}
}

// order says which identity would sign, without asking anybody.
func (d *diagnosis) order(ctx context.Context, o Options) []doctor.Finding {
	var found []doctor.Finding
	for _, f := range awsauth.Doctor(ctx, AWS(d.signer(o)), true).Chain {
		switch {
		case f.Result == awsauth.Used:
			found = append(found, doctor.Finding{What: f.Step, Result: doctor.OK, Detail: "signs: " + f.Detail})
		case f.Result == awsauth.Problem:
			found = append(found, d.finding(f))
		}
	}
	if found == nil {
		found = []doctor.Finding{{Result: doctor.Skipped, Detail: "nothing that could sign is found here; a container or an EC2 instance may have it"}}
	}
	return found
}

// signer are the options by which commands sign: those of the nearest place in AWS.
func (d *diagnosis) signer(o Options) Options {
	if len(d.aws) > 0 {
		o.Project = d.aws[len(d.aws)-1].Project
	}
	return o
}

// finding takes over what awsauth has found. Who signs in AWS is no problem for a
// project that is not there.
func (d *diagnosis) finding(f awsauth.Finding) doctor.Finding {
	r := map[string]doctor.Result{awsauth.OK: doctor.OK, awsauth.Used: doctor.OK, awsauth.Warning: doctor.Warning, awsauth.Problem: doctor.Problem}[f.Result]
	if r == doctor.Problem && len(d.aws) == 0 {
		r = doctor.Warning
	}
	return doctor.Finding{What: f.Step, Result: cmp.Or(r, doctor.Skipped), Detail: f.Detail, Mend: f.Mend, Kind: errs.Auth}
}

// machine looks at what signing in depends on.
func (d *diagnosis) machine(ctx context.Context, o Options) []doctor.Finding {
	var found []doctor.Finding
	for _, f := range awsauth.Doctor(ctx, AWS(d.signer(o)), true).Machine {
		found = append(found, d.finding(f))
	}
	if o.Project.Home == "" {
		found = append(found, doctor.Finding{What: "home", Result: doctor.Warning, Detail: "there is none: nothing can be kept", Mend: "set HOME or SKRET_HOME"})
	}
	for _, lo := range d.aws {
		found = append(found, route(lo))
	}
	return found
}

// route says how the service of an environment is reached.
func route(o Options) doctor.Finding {
	p := o.Project
	f := doctor.Finding{What: "way to " + p.Describe()}
	u, err := endpoint.Of("ssm", endpoint.Options{Region: p.Place.Region, Override: endpoint.Override(p.Getenv, "SSM")})
	if err != nil {
		f.Result, f.Detail = doctor.Skipped, "the region is not known here"
		return f
	}
	r := &http.Request{URL: u}
	switch proxy, err := http.ProxyFromEnvironment(r); {
	case err != nil: // its text may hold a password
		f.Result, f.Detail, f.Mend, f.Kind = doctor.Problem, "the proxy for "+u.Host+" is not a valid address", "mend HTTPS_PROXY or HTTP_PROXY", errs.Config
	case proxy != nil:
		f.Result, f.Detail = doctor.OK, u.Host+" by the proxy "+proxy.Host
	default:
		f.Result, f.Detail = doctor.OK, u.Host+", without a proxy"
	}
	return f
}

// key looks whether what is sealed at rest opens; before anything is, where its key
// would be.
func key(ctx context.Context, o Options) []doctor.Finding {
	if o.Project.Home == "" {
		return nil
	}
	v := Vault(o)
	all, err := v.List()
	if err != nil {
		return []doctor.Finding{doctor.Of("", err)}
	}
	at, where, err := v.Backend()
	switch {
	case err != nil:
		return []doctor.Finding{doctor.Of("", err)}
	case len(all) == 0:
		return []doctor.Finding{{Result: doctor.OK, Detail: "nothing is sealed yet; its key would be in " + where}}
	case at == vault.Passphrase && o.Project.Getenv("SKRET_PASSPHRASE_FILE") == "":
		return []doctor.Finding{{Result: doctor.Skipped, Detail: "a passphrase is needed"}}
	case at == vault.Plaintext:
		return []doctor.Finding{{Result: doctor.Warning, Detail: "sign-ins are in clear", Mend: "skret auth login aws --store keyring, or --store keyfile"}}
	}
	if _, err := v.Open(ctx, all[0]); err != nil {
		return []doctor.Finding{doctor.Of("", err)}
	}
	return []doctor.Finding{{Result: doctor.OK, Detail: "it opens what is sealed: " + where}}
}

// files looks at who may use skret's files. What is in a folder of the user's alone
// is nobody else's, whatever its own mode.
func files(_ context.Context, o Options) []doctor.Finding {
	p := o.Project
	names := []string{p.Getenv("SKRET_KEY_FILE")}
	if p.Identity == "" {
		names = append(names, p.IdentityFile)
	}
	if p.Home != "" {
		names = append(names, p.Home)
		if why, err := durable.Exposed(p.Home); why != "" && err == nil {
			names = append(names, doctor.Below(p.Home)...)
		}
	}
	slices.Sort(names)
	return doctor.Private(slices.Compact(names)...)
}

// git looks at what the project's repository has.
func (d *diagnosis) git(ctx context.Context, o Options) []doctor.Finding {
	return doctor.Git{Dir: o.Project.Root, Clear: d.clear, Local: config.OverlayName}.Look(ctx)
}

// who asks who signs, and what time it is.
func (d *diagnosis) who(ctx context.Context, o Options) []doctor.Finding {
	diagnosed := awsauth.Doctor(ctx, AWS(d.signer(o)), false)
	var found []doctor.Finding
	for _, f := range diagnosed.Machine {
		if f.Step != "identity" && f.Step != "clock" {
			continue
		}
		one := d.finding(f)
		if one.Result == doctor.Problem && f.Step == "identity" {
			d.lost = errs.KindOf(diagnosed.Err) == errs.Auth
			one.Kind = errs.KindOf(diagnosed.Err)
		}
		found = append(found, one)
	}
	return found
}

// permissions tries what reading an environment needs.
func (d *diagnosis) permissions(ctx context.Context, o Options) []doctor.Finding {
	p := o.Project
	if d.lost {
		return []doctor.Finding{{What: p.Describe(), Result: doctor.Skipped, Detail: "there is no identity that works"}}
	}
	id, err := awsauth.Resolve(AWS(o))
	if err != nil {
		return []doctor.Finding{doctor.Of(p.Describe(), err)}
	}
	so := ssmOptions(o, session{id: id, http: httpx.Client(httpx.Options{Trust: httpx.Bundle(id.CABundle)})})
	so.MaxAttempts, so.Notice = 1, nil
	policy := "skret auth policy"
	if p.Env != "" {
		policy += " -e " + p.Env
	}
	var found []doctor.Finding
	for _, probe := range ssm.New(so).Probe(ctx) {
		f := doctor.Finding{What: probe.Action, Result: doctor.OK, Detail: "allowed on " + p.Describe()}
		switch {
		case probe.Not != "":
			f.Result, f.Detail = doctor.Skipped, probe.Not
		case probe.Err != nil:
			f = doctor.Of(probe.Action, probe.Err)
			if f.Kind == errs.Auth && strings.Contains(f.Detail, "access denied") {
				f.Mend = policy + " prints the policy that is needed"
			}
			if !probe.Must {
				f.Result = doctor.Warning
			}
		}
		found = append(found, f)
	}
	writing := "writing cannot be tried without a change"
	if p.Place.KMSKeyID != "" {
		writing += ", nor whether " + p.Place.KMSKeyID + " may be used for it"
	}
	return append(found, doctor.Finding{What: "ssm:PutParameter", Result: doctor.Skipped, Detail: writing, Mend: policy + " --write prints the policy that it needs"})
}
