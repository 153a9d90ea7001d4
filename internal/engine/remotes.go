package engine

import (
	"bytes"
	"context"
	"errors"
	"os/exec"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/remote"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// place is what the targets of package remote have.
type place interface {
	ID() string
	Name(k secret.Key) (name secret.Key, why string)
	Same(name secret.Key) string
	Value(name secret.Key, v secret.Value) (why string)
	MaxNames() int
	Workers() int
	Readable() bool
	List(ctx context.Context) ([]secret.Entry, error)
	Put(ctx context.Context, e secret.Entry, was *secret.Entry) error
	Delete(ctx context.Context, names ...secret.Key) error
}

// remoteEnd is such a place as a target.
type remoteEnd struct{ place }

// Rules is the method of [transfer.Target].
func (t remoteEnd) Rules() transfer.Rules {
	r := transfer.Rules{
		Name: t.Name, Same: t.Same, Value: t.Value, MaxNames: t.MaxNames(), Workers: t.Workers(), Readable: t.Readable(),
	}
	if m, ok := t.place.(interface{ MaxBytes() int }); ok {
		r.MaxBytes = m.MaxBytes()
	}
	return r
}

// bulk is what those have that write several secrets in one request.
type bulk interface {
	BatchSize() int
	PutAll(ctx context.Context, es []secret.Entry) error
}

// bulkEnd is such a place as a target.
type bulkEnd struct {
	remoteEnd
	bulk
}

// setRemote makes a place an end.
func (e *End) setRemote(p place) {
	e.ID = p.ID()
	e.Target = remoteEnd{p}
	if b, ok := p.(bulk); ok {
		e.Target = bulkEnd{remoteEnd{p}, b}
	}
}

func openDoppler(_ context.Context, _ *Places, s Spec, e *End) error {
	d, err := remote.DopplerSource(e.api, remote.DopplerOptions{
		Project: s.field("project"), Config: s.field("config"), Raw: s.flag("raw"), IncludeManaged: s.flag("include_managed"),
	})
	if err != nil {
		return err
	}
	e.ID, e.Source, e.Closed = d.ID(), d, "skret reads Doppler and does not write to it"
	return nil
}

func openInfisical(_ context.Context, _ *Places, s Spec, e *End) error {
	i, err := remote.InfisicalSource(e.api, remote.InfisicalOptions{
		ProjectID: s.field("project_id"), Environment: s.field("environment"), Path: s.field("path"),
		Recursive: s.flag("recursive"), NoImports: s.flag("no_imports"), NoReferences: s.flag("raw"),
	})
	if err != nil {
		return err
	}
	e.ID, e.Source, e.Warn, e.Closed = i.ID(), i, i.Warnings, "skret reads Infisical and does not write to it"
	return nil
}

func openGitHub(_ context.Context, _ *Places, s Spec, e *End) error {
	g, err := remote.GitHubTarget(e.api, remote.GitHubOptions{
		Repository: s.field("repository"), Organization: s.field("organization"), Environment: s.field("environment"),
		App: s.field("app"), Visibility: s.field("visibility"), Repositories: s.Lists["repositories"], Variables: s.Lists["variables"],
		AllowEmpty: s.flag("allow_empty"),
	})
	if err != nil {
		return err
	}
	e.setRemote(g)
	e.Closed = closed("GitHub")
	return nil
}

func openGitLab(_ context.Context, _ *Places, s Spec, e *End) error {
	g, err := remote.GitLabTarget(e.api, remote.GitLabOptions{
		Project: s.field("project"), Group: s.field("group"), Scope: s.field("scope"),
		Masked: s.flag("masked"), Protected: s.flag("protected"), Hidden: s.flag("hidden"),
	})
	if err != nil {
		return err
	}
	e.setRemote(g)
	e.Source = g
	return nil
}

func openWorkers(ctx context.Context, _ *Places, s Spec, e *End) error {
	account, err := e.account(ctx, s)
	if err != nil {
		return err
	}
	w, err := remote.WorkersTarget(e.api, remote.WorkersOptions{AccountID: account, Script: s.field("script")})
	if err != nil {
		return err
	}
	e.setRemote(w)
	e.Closed = closed("Cloudflare")
	return nil
}

func openPages(ctx context.Context, _ *Places, s Spec, e *End) error {
	account, err := e.account(ctx, s)
	if err != nil {
		return err
	}
	w, err := remote.PagesTarget(e.api, remote.PagesOptions{AccountID: account, Project: s.field("project"), Environment: s.field("environment")})
	if err != nil {
		return err
	}
	e.setRemote(w)
	e.Closed = closed("Cloudflare")
	return nil
}

// account is the account at Cloudflare that is named, or the only one there is.
func (e *End) account(ctx context.Context, s Spec) (string, error) {
	if id := s.field("account_id"); id != "" {
		return id, nil
	}
	return e.api.CloudflareAccount(ctx)
}

// closed is why a service cannot be read.
func closed(service string) string {
	return service + " gives no value of a secret back: there is nothing to read"
}

func openKubernetes(_ context.Context, _ *Places, s Spec, e *End) error {
	k, err := remote.KubernetesTarget(remote.KubernetesOptions{
		Name: s.field("name"), Namespace: s.field("namespace"), Context: s.field("context"), Kubectl: runKubectl,
	})
	if err != nil {
		return err
	}
	e.setRemote(k)
	return nil
}

// runKubectl runs the cluster's own program, with the user's own configuration.
func runKubectl(ctx context.Context, args []string, stdin []byte) (stdout, stderr []byte, err error) {
	c := exec.CommandContext(ctx, "kubectl", args...)
	var out, fail bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(stdin), &out, &fail
	err = c.Run()
	if errors.Is(err, exec.ErrNotFound) {
		err = errs.New(errs.Config, "kubectl is not found").WithHint("install it, or write a manifest: skret sync --to manifest --file -")
	}
	return out.Bytes(), fail.Bytes(), err
}
