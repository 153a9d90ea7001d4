// Package webid gets the tokens by which a job proves to AWS who it is: the OIDC
// tokens of CI systems, for AssumeRoleWithWebIdentity.
//
// [New] makes a [Source] of a kind, or finds out by [Detect] which CI this is,
// and says in plain words what the job lacks. [Source.Token] returns a token:
//
//	github     asked for by the variables that a job has with id-token: write
//	buildkite  asked for by buildkite-agent
//	gitlab     in a variable that id_tokens: of the job names
//	circleci   in CIRCLE_OIDC_TOKEN_V2
//	variable   in a variable that the user names
//	file       in a file, such as Kubernetes renews by itself
//	command    printed by a command of the user's
//
// The first two are asked for a fresh token, for the audience, each time. A file
// is read and a command is run each time; both decide on the audience
// themselves, and so do the variables of the others, which hold the same token
// as long as the job lasts.
//
// # Promises
//
// A token appears in no error, log record or notice, and neither does anything
// else that a service, a file or a command's standard output held. What is no
// JWT by its shape is refused here; whether it is a good one, AWS decides.
//
// # Limits
//
// A command runs with all that this process may do: it must come from the user's
// own flags or a stored sign-in, never from a file of a repository.
package webid

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// The kinds of sources. Auto is that of the option that is given, or else of the
// CI system.
const (
	Auto      = "auto"
	GitHub    = "github"
	GitLab    = "gitlab"
	CircleCI  = "circleci"
	Buildkite = "buildkite"
	Variable  = "variable"
	File      = "file"
	Command   = "command"
)

// DefaultAudience is whom tokens are for: AWS's STS.
const DefaultAudience = "sts.amazonaws.com"

// maxToken bounds a token in bytes. AWS takes 20,000 characters.
const maxToken = 64 << 10

// Options say where tokens come from.
type Options struct {
	Kind     string // "" means Auto
	Audience string // "" means DefaultAudience
	Own      bool   // "" for the audience means that of the issuer's own choice
	File     string // its full name
	Command  string // a line for the shell
	Variable string // an environment variable with the token, in place of the CI's own

	HTTP      *http.Client
	UserAgent string
	Getenv    func(string) string
	Log       *slog.Logger // nil: none
	Notice    func(string) // lines of a command's standard error; nil: none
}

// Source is where tokens come from.
type Source struct {
	o     Options
	wait  func(context.Context, time.Duration) error
	limit time.Duration // of a command
}

// Detect returns the kind of the CI system in which we are, or "".
func Detect(getenv func(string) string) string {
	for _, ci := range []struct{ variable, kind string }{
		{"GITHUB_ACTIONS", GitHub}, {"GITLAB_CI", GitLab}, {"CIRCLECI", CircleCI}, {"BUILDKITE", Buildkite},
	} {
		if strings.EqualFold(getenv(ci.variable), "true") {
			return ci.kind
		}
	}
	return ""
}

// New returns the source, or says what it lacks. It gets no token.
func New(o Options) (*Source, error) {
	if !o.Own {
		o.Audience = cmp.Or(o.Audience, DefaultAudience)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Kind == "" || o.Kind == Auto {
		o.Kind = o.auto()
	}
	s := &Source{o: o, wait: httpx.Sleep, limit: time.Minute}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func (o *Options) auto() string {
	switch {
	case o.File != "":
		return File
	case o.Command != "":
		return Command
	case o.Variable != "":
		return Variable
	}
	return Detect(o.Getenv)
}

// check says what the source lacks.
func (s *Source) check() error {
	switch o := s.o; o.Kind {
	case GitHub:
		_, _, err := s.githubRequest()
		return err
	case GitLab, CircleCI, Variable:
		_, err := s.variable()
		return err
	case Buildkite:
		if _, err := exec.LookPath(buildkiteAgent); err != nil {
			return errs.New(errs.Auth, "oidc token: %s is not on PATH", buildkiteAgent).
				WithHint("a job of Buildkite has it; in a container, mount it, as the docker plugin does with mount-buildkite-agent: true")
		}
	case File:
		if !filepath.IsAbs(o.File) {
			return errs.New(errs.Invalid, "oidc token: the file %q must be named in full, from the root", o.File)
		}
	case Command:
		if strings.TrimSpace(o.Command) == "" {
			return errs.New(errs.Invalid, "oidc token: no command is given")
		}
	case "":
		return errs.New(errs.Auth, "oidc token: this is no job of GitHub Actions, GitLab, CircleCI or Buildkite").
			WithHint("elsewhere, name a file, a variable or a command that gives the token")
	default:
		return errs.New(errs.Invalid, "oidc token: %q is not a source of tokens", o.Kind).
			WithHint("there are %s", strings.Join([]string{GitHub, GitLab, CircleCI, Buildkite, Variable, File, Command, Auto}, ", "))
	}
	return nil
}

// Token returns a token: a fresh one where the source makes them.
func (s *Source) Token(ctx context.Context) (string, error) {
	var token string
	var err error
	switch s.o.Kind {
	case GitHub:
		token, err = s.github(ctx)
	case Buildkite:
		token, err = s.run(ctx, buildkiteAgent, "oidc", "request-token", "--audience", s.o.Audience)
	case File:
		token, err = s.file()
	case Command:
		token, err = s.shell(ctx)
	default:
		token, err = s.variable()
	}
	if err != nil {
		return "", err
	}
	return s.checked(token)
}

// checked returns the token without blanks around, if it has the shape of one.
func (s *Source) checked(token string) (string, error) {
	token = strings.TrimSpace(token)
	if token == "" {
		return "", errs.New(errs.Auth, "oidc token: %s gave none", s.Describe()).WithHint("look at where it comes from")
	}
	c, err := parse(token)
	if err != nil {
		return "", errs.New(errs.Auth, "oidc token: what %s gave is no JWT: three parts with dots between", s.Describe()).
			WithHint("nothing else may be around the token, such as quotes, JSON or the word Bearer")
	}
	s.o.Log.Debug("oidc token", "source", s.Describe(), "issuer", c.issuer, "subject", c.subject, "audience", c.audience, "expires", c.expires)
	return token, nil
}

// Describe names the source.
func (s *Source) Describe() string {
	switch s.o.Kind {
	case GitHub:
		return "GitHub Actions"
	case GitLab:
		return "GitLab (" + s.names()[0] + ")"
	case CircleCI:
		return "CircleCI"
	case Buildkite:
		return "Buildkite"
	case Variable:
		return "the variable " + s.o.Variable
	case File:
		return "the file " + s.o.File
	}
	return "the command" // its text may hold a password
}

func (s *Source) file() (string, error) {
	data, err := durable.ReadFile(s.o.File, maxToken)
	if err != nil {
		return "", errs.New(errs.Auth, "oidc token: %w", err).
			WithHint("whoever provides the file renews it; in Kubernetes, a projected volume with a serviceAccountToken")
	}
	return string(data), nil
}

// names are the variables that may hold the token.
func (s *Source) names() []string {
	switch {
	case s.o.Variable != "":
		return []string{s.o.Variable}
	case s.o.Kind == GitLab:
		return []string{"GITLAB_OIDC_TOKEN"}
	}
	return []string{"CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"}
}

// variable returns the first variable that is set.
func (s *Source) variable() (string, error) {
	if s.o.Kind == Variable && s.o.Variable == "" {
		return "", errs.New(errs.Invalid, "oidc token: no variable is named")
	}
	for _, name := range s.names() {
		if token := s.o.Getenv(name); token != "" {
			return token, nil
		}
	}
	name := s.names()[0]
	hint := "set it to the token"
	switch s.o.Kind {
	case GitLab:
		hint = fmt.Sprintf("give the job in .gitlab-ci.yml:  id_tokens: { %s: { aud: %q } }", name, s.o.Audience)
	case CircleCI:
		hint = "CircleCI sets it in jobs, in older ones only in those that use a context; builds of forks have none unless the project passes secrets to them"
	}
	return "", errs.New(errs.Auth, "oidc token: the variable %s is not set", name).WithHint("%s", hint)
}

// githubRequest returns the address that gives tokens, and the secret that opens
// it.
func (s *Source) githubRequest() (address *url.URL, bearer string, err error) {
	raw, bearer := s.o.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), s.o.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if raw == "" || bearer == "" {
		if Detect(s.o.Getenv) != GitHub {
			return nil, "", errs.New(errs.Auth, "oidc token: this is no job of GitHub Actions").
				WithHint("choose another source, or run it in a workflow")
		}
		return nil, "", errs.New(errs.Auth, "oidc token: this job of GitHub Actions may not ask for a token").
			WithHint("give the workflow or the job  permissions: { id-token: write, contents: read };  pull requests from forks never may")
	}
	address, err = url.Parse(raw)
	if err != nil || address.Host == "" {
		return nil, "", errs.New(errs.Auth, "oidc token: ACTIONS_ID_TOKEN_REQUEST_URL is not an address").
			WithHint("GitHub Actions sets it; do not set it yourself")
	}
	return address, bearer, nil
}
