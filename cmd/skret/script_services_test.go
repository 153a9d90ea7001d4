package main

import (
	"os"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skret/skret/internal/fake"
)

// The tokens that the servers of scripts accept.
const (
	githubToken     = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	dopplerToken    = "dp.pt.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq"
	gitlabToken     = "glpat-abcdefghijklmnopqrst"
	cloudflareToken = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
)

// remotes are the services of one script.
type remotes struct {
	github     *fake.GitHub
	doppler    *fake.Doppler
	infisical  *fake.Infisical
	gitlab     *fake.GitLab
	cloudflare *fake.Cloudflare
}

// serviceCommands are the commands by which scripts have services. start lets
// the service's variables name the server and a token that it accepts.
//
//	github start REPOSITORY [ENVIRONMENT ...]
//	[!] github has PLACE NAME [VALUE]      a secret: /repos/acme/app/actions NAME
//	github variable PLACE NAME VALUE       a variable is so
//	github set PLACE NAME VALUE            somebody else writes a secret
//	doppler start; doppler set PROJECT CONFIG NAME VALUE; doppler restrict PROJECT CONFIG NAME; doppler leases N
//	infisical start; infisical set PROJECT ENVIRONMENT PATH NAME VALUE; infisical hide ...; infisical open N
//	gitlab start PLACE; gitlab set PLACE NAME VALUE; [!] gitlab has PLACE NAME [VALUE]
//	cloudflare start WORKER PROJECT; [!] cloudflare has WORKER NAME [VALUE]; cloudflare page PROJECT ENVIRONMENT NAME VALUE
//
// and for each: SERVICE fault OP WHAT [TIMES], SERVICE calls OP N, SERVICE forget.
func serviceCommands() map[string]scriptCommand {
	all := map[string]scriptCommand{}
	for _, name := range []string{"github", "doppler", "infisical", "gitlab", "cloudflare"} {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			f := fakesOf(ts)
			if len(args) == 0 || neg && args[0] != "has" {
				ts.Fatalf("usage: see serviceCommands")
			}
			if f.remotes == nil {
				f.remotes = &remotes{}
			}
			if args[0] == "start" {
				f.remotes.start(ts, name, args[1:])
				return
			}
			f.remotes.common(ts, name, neg, args)
		}
	}
	return all
}

// start starts a service.
func (r *remotes) start(ts *testscript.TestScript, name string, args []string) {
	var stop func()
	var unmet func() []string
	switch name {
	case "github":
		r.github = fake.NewGitHub(githubToken)
		r.github.AddRepository(args[0], args[1:]...)
		setenv(ts, "GH_HOST="+r.github.URL, "GH_ENTERPRISE_TOKEN="+githubToken)
		stop, unmet = r.github.Close, r.github.Unmet
	case "doppler":
		r.doppler = fake.NewDoppler()
		r.doppler.AddToken(dopplerToken)
		setenv(ts, "DOPPLER_API_HOST="+r.doppler.URL, "DOPPLER_TOKEN="+dopplerToken)
		stop, unmet = r.doppler.Close, r.doppler.Unmet
	case "infisical":
		r.infisical = fake.NewInfisical()
		r.infisical.AddIdentity("client-1", "universal-auth", "client-secret-1", -1)
		setenv(ts, "INFISICAL_API_URL="+r.infisical.URL, "INFISICAL_CLIENT_ID=client-1", "INFISICAL_CLIENT_SECRET=client-secret-1")
		stop, unmet = r.infisical.Close, r.infisical.Unmet
	case "gitlab":
		r.gitlab = fake.NewGitLab(gitlabToken)
		r.gitlab.Add(args[0])
		setenv(ts, "GITLAB_HOST="+r.gitlab.URL, "GITLAB_TOKEN="+gitlabToken)
		stop, unmet = r.gitlab.Close, r.gitlab.Unmet
	case "cloudflare":
		r.cloudflare = fake.NewCloudflare(cloudflareToken)
		r.cloudflare.AddWorker(args[0])
		r.cloudflare.AddProject(args[1], "")
		setenv(ts, "CLOUDFLARE_API_BASE_URL="+r.cloudflare.URL, "CLOUDFLARE_API_TOKEN="+cloudflareToken)
		stop, unmet = r.cloudflare.Close, r.cloudflare.Unmet
	}
	ts.Defer(func() {
		stop()
		if left := unmet(); len(left) > 0 {
			ts.Value("T").(testscript.T).Fatal("announced, but it did not happen: ", left)
		}
	})
}

// common does what is alike for all, and what is not.
func (r *remotes) common(ts *testscript.TestScript, name string, neg bool, args []string) {
	var s interface {
		Fault(...fake.Fault)
		Count(string) int
		Forget()
	}
	switch name {
	case "github":
		s = r.github
	case "doppler":
		s = r.doppler
	case "infisical":
		s = r.infisical
	case "gitlab":
		s = r.gitlab
	case "cloudflare":
		s = r.cloudflare
	}
	word, args := args[0], args[1:]
	switch word {
	case "fault":
		s.Fault(faultOf(ts, args))
		return
	case "calls":
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		if got := s.Count(args[0]); got != want {
			ts.Fatalf("%d requests for %s, want %d", got, args[0], want)
		}
		return
	case "forget":
		s.Forget()
		return
	}
	args = slices.Concat(args, make([]string, 5))
	for i := range args { // a value that a script cannot write in a word
		if data, err := os.ReadFile(ts.MkAbs(args[i])); err == nil && args[i] != "" {
			args[i] = string(data)
		}
	}
	switch name + " " + word {
	case "github has":
		e, ok := r.github.Secrets(args[0])[args[1]]
		has(ts, neg, ok, args[1], e.Value, args[2])
	case "github variable":
		e, ok := r.github.Variables(args[0])[args[1]]
		has(ts, neg, ok, args[1], e.Value, args[2])
	case "github set":
		r.github.SetSecret(args[0], fake.GitHubEntry{Name: args[1], Value: args[2]})
	case "doppler set":
		r.doppler.Set(args[0], args[1], args[2], fake.DopplerSecret{Raw: args[3]})
	case "doppler restrict":
		r.doppler.Set(args[0], args[1], args[2], fake.DopplerSecret{Restricted: true})
	case "doppler leases":
		if got := strconv.Itoa(r.doppler.Leases()); got != args[0] {
			ts.Fatalf("%s leases, want %s", got, args[0])
		}
	case "infisical set", "infisical hide":
		at := fake.InfisicalFolder{Project: args[0], Environment: args[1], Path: args[2]}
		r.infisical.Set(at, args[3], fake.InfisicalSecret{Value: args[4], Hidden: word == "hide"})
	case "infisical open":
		if got := r.infisical.Open(); strconv.Itoa(len(got)) != args[0] {
			ts.Fatalf("%d tokens are open, want %s", len(got), args[0])
		}
	case "gitlab set":
		r.gitlab.Set(args[0], fake.GitLabVariable{Key: args[1], Value: args[2]})
	case "gitlab has":
		v, ok := r.gitlab.Variables(args[0])[args[1]]
		has(ts, neg, ok, args[1], v.Value, args[2])
	case "cloudflare has":
		all, _ := r.cloudflare.Secrets(args[0])
		v, ok := all[args[1]]
		has(ts, neg, ok, args[1], v, args[2])
	case "cloudflare page":
		all, _ := r.cloudflare.Variables(args[0], args[1])
		v, ok := all[args[2]]
		has(ts, neg, ok, args[2], v.Value, args[3])
	default:
		ts.Fatalf("%s %s is not known", name, word)
	}
}

func has(ts *testscript.TestScript, neg, ok bool, name, got, want string) {
	if ok == neg {
		ts.Fatalf("there is %s: %v", name, ok)
	}
	if !neg && want != "" && got != want {
		ts.Fatalf("%s is %q, want %q", name, got, want)
	}
}
