package engine

import (
	"fmt"
	"path/filepath"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/remote"
	"github.com/skret/skret/internal/trust"
)

// DeclaredSpec is the place that a target of sync.targets is.
func DeclaredSpec(t config.Target) Spec {
	return Spec{Type: t.Type, Fields: t.Fields, Lists: t.Lists, Declared: true, Line: t.Line}
}

// Trust is the user's book of what configurations may do beyond their projects.
func Trust(o Options) *trust.Book { return trust.Open(o.Project.Home) }

// Content stands for what is in the project's files of configuration, the one that
// git ignores included.
func Content(p *config.Project) (string, error) {
	var all [][]byte
	for _, name := range []string{p.File, p.Overlay} {
		var data []byte
		if name != "" {
			var err error
			if data, err = durable.ReadFile(name, 1<<20); err != nil {
				return "", err
			}
		}
		all = append(all, data)
	}
	return trust.Content(all...), nil
}

// Demands are what the project's file wants beyond the project: a token sent to
// an address that is not the service's own, a file elsewhere.
func (p *Places) Demands() ([]trust.Demand, error) {
	var all []trust.Demand
	for _, t := range p.Project.Targets {
		ds, err := p.demands(DeclaredSpec(t))
		if err != nil {
			return nil, err
		}
		all = append(all, ds...)
	}
	return all, nil
}

// demands are those of one target.
func (p *Places) demands(s Spec) ([]trust.Demand, error) {
	by := fmt.Sprintf("the %s target in line %s", s.Type, s.Line)
	if k, _ := kindOf(s.Type); k.service != "" && s.field("base_url") != "" {
		sv, err := remote.Lookup(k.service)
		if err != nil {
			return nil, err
		}
		origin, err := sv.Origin(s.field("base_url"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", by, err)
		}
		if !sv.Own(origin) {
			return []trust.Demand{{Kind: trust.Host, What: origin, For: by}}, nil
		}
	}
	if name := s.field("file"); name != "" && (s.Type == "file" || s.Type == "local") {
		full := p.file(s, name)
		rel, err := filepath.Rel(p.Project.Root, full)
		switch {
		case err == nil && filepath.IsLocal(rel) && outside(p.Project.Root, full):
			// What it leads to could be changed after the user has agreed.
			return nil, errs.New(errs.Config, "%s: %s: %s leads out of the project by a link", p.Project.File, by, name).
				WithHint("name the file that is meant")
		case err != nil || !filepath.IsLocal(rel):
			return []trust.Demand{{Kind: trust.File, What: full, For: by}}, nil
		}
	}
	return nil, nil
}

// consented refuses a target that leads out of the project, unless the user has
// agreed to that.
func (p *Places) consented(s Spec) error {
	ds, err := p.demands(s)
	if err != nil || len(ds) == 0 {
		return err
	}
	if p.Trusted != "" {
		all, err := p.Demands()
		if err != nil {
			return err
		}
		if have := trust.Hash(all); have != p.Trusted {
			return errs.New(errs.Config, "%s asks for other things than --trust allows: it is %s now", p.Project.File, have).
				WithHint("see what changed with skret trust --dry-run")
		}
		return nil
	}
	unknown, err := Trust(p.Options).New(p.Project.File, ds)
	if err != nil || len(unknown) == 0 {
		return err
	}
	d, beyond := unknown[0], "the service's own"
	if d.Kind == trust.File {
		beyond = "in the project"
	}
	return errs.New(errs.Config, "%s: %s %s %s, which is not %s", p.Project.File, d.For, d.Does(), d.What, beyond).
		WithHint("skret trust shows what is new and allows it; in CI: --trust with what skret trust --dry-run prints")
}
