package engine

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/audit"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/remote"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/transfer"
)

// Spec says which place secrets come from or go to: a type, and the settings
// that this type has. They come from flags, from a word such as github:acme/app,
// or from sync.targets.
type Spec struct {
	Type   string
	Fields map[string]string
	Lists  map[string][]string
	When   *When // an environment as it was

	// Declared is set for what stands in the project's file: it may not lead out
	// of the project without the user's consent.
	Declared bool
	Line     string // of the file
}

// field returns a setting, "" if it is not set.
func (s Spec) field(name string) string { return s.Fields[name] }

// flag tells whether a setting is switched on.
func (s Spec) flag(name string) bool { return s.Fields[name] == "true" }

// Dialects are the words for whose reading of a .env file counts.
func Dialects() []string {
	var words []string
	for _, d := range format.Dialects() {
		words = append(words, d.Name)
	}
	return words
}

// AsFile is the file that a format as a type stands for, as in --from json.
func (s Spec) AsFile(format string) Spec {
	fields := map[string]string{"format": format}
	maps.Copy(fields, s.Fields)
	s.Fields, s.Type = fields, "file"
	return s
}

// End is one end of a transfer: a place that is open.
type End struct {
	Type  string
	Host  string // of the service; "" for what is not a service
	ID    string // which place it is: what is remembered is kept under it
	Below string // the layers below it, whose secrets Read gives too
	Title string // for people

	Source transfer.Source // nil: it cannot be read
	Target transfer.Target // nil: it cannot be written
	Closed string          // why it cannot be the one that is nil

	Keys    bool            // its names are keys, as stores have them, and not variables
	Project *config.Project // of an environment; nil for other places
	Warn    func() []string // what a person should know after Read; may be nil
	api     *remote.API
	visit   *audit.Visit
}

// Close ends what was signed in to for this end.
func (e *End) Close(ctx context.Context) {
	if e.api != nil {
		e.api.Close(ctx)
	}
}

// Places opens places.
type Places struct {
	Options
	// Load resolves another place from the same flags, variables and file.
	Load func(config.Flags) (*config.Project, error)
	// Stdin and Stdout stand behind the file "-".
	Stdin  func() ([]byte, error)
	Stdout func(text []byte) error
	// SignIn is the name of the sign-in to use for services; "" is the default.
	SignIn string
	// Trusted is the hash of what the user allows the project's file, in place of
	// what was agreed to by skret trust; "" is none.
	Trusted string
}

// A kind is one type of place.
type kind struct {
	name    string
	service string // of package remote
	open    func(ctx context.Context, p *Places, s Spec, e *End) error
}

// kinds is the table of places; the formats of files are further ones.
func kinds() []kind {
	return []kind{
		{"env", "", openEnv},
		{"aws", "", openPath},
		{"chamber", "", openChamber},
		{"local", "", openLocalFile},
		{"file", "", openFile},
		{"doppler", "doppler", openDoppler},
		{"infisical", "infisical", openInfisical},
		{"github", "github", openGitHub},
		{"gitlab", "gitlab", openGitLab},
		{"cloudflare-workers", "cloudflare", openWorkers},
		{"cloudflare-pages", "cloudflare", openPages},
		{"kubernetes", "", openKubernetes},
	}
}

func kindOf(typ string) (k kind, ok bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == typ })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// SourceTypes are the words for places that can be read.
func SourceTypes() []string {
	return slices.Concat([]string{"doppler", "infisical", "gitlab", "aws", "chamber", "local"}, format.FileNames())
}

// TargetTypes are the words for places that sync can write to.
func TargetTypes() []string {
	services := []string{"github", "gitlab", "cloudflare-workers", "cloudflare-pages", "kubernetes", "manifest", "aws", "local"}
	files := slices.DeleteFunc(format.FileNames(), func(f string) bool { return f == "kubernetes" })
	return slices.Concat(services, files)
}

// IsFormat tells whether a type is the format of a file.
func IsFormat(typ string) bool { return slices.Contains(format.FileNames(), typ) }

// Open opens the place. What it does may be no more than checking: requests are
// made when it is read or listed.
func (p *Places) Open(ctx context.Context, s Spec) (*End, error) {
	if s.Declared {
		if err := p.consented(s); err != nil {
			return nil, err
		}
	}
	k, ok := kindOf(s.Type)
	if !ok {
		return nil, errs.New(errs.Invalid, "a place of type %q is not known", s.Type)
	}
	if p.Offline && (k.service != "" || k.name == "kubernetes") { // the cache is of stores alone
		return nil, errs.New(errs.Invalid, "--offline: %s is not asked", s.Type).WithHint("leave --offline out")
	}
	e := &End{Type: s.Type}
	if k.service != "" {
		if err := p.signIn(ctx, k.service, s, e); err != nil {
			return nil, err
		}
	}
	if err := k.open(ctx, p, s, e); err != nil {
		return nil, err
	}
	e.Title = cmp.Or(e.Title, e.ID)
	if e.visit == nil {
		e.visit = p.Trail.Visit("", e.Title)
	}
	return e, nil
}

// signIn finds the token of a service, bound to the address that s names.
func (p *Places) signIn(ctx context.Context, service string, s Spec, e *End) error {
	sv, err := remote.Lookup(service)
	if err != nil {
		return err
	}
	t, err := Token(ctx, p.Options, sv, p.SignIn, s.field("base_url"))
	if err != nil {
		return err
	}
	e.api, e.Host = remote.Client(Remote(p.Options), t), t.Origin
	return nil
}

// setStore makes a store an end. Of several layers all are read, and the nearest
// alone is written, compared with and pruned.
func (e *End) setStore(c *Client) {
	e.Keys, e.Project, e.visit = true, c.Project, c.visit
	e.Source, e.Target = storeEnd{c.store}, storeEnd{c.own}
	if b, ok := c.own.(store.Batcher); ok {
		e.Target = fileStoreEnd{storeEnd{c.own}, b}
	}
}

// client opens what flags say.
func (p *Places) client(f config.Flags, s Spec) (*Client, error) {
	project, err := p.Load(f)
	if err != nil {
		return nil, err
	}
	if f.Alone { // what has no flag
		project.Place.KMSKeyID, project.Place.Recipients = s.field("kms_key_id"), s.Lists["recipients"]
	}
	o := p.Options
	o.Project = project
	o.Refresh = o.Refresh || !o.Offline // what is carried on is what is there now
	return Open(o)
}

// openEnv opens an environment of .skret.yaml, perhaps as it was.
func openEnv(_ context.Context, p *Places, s Spec, e *End) error {
	return p.openStore(config.Flags{Env: s.field("env")}, s, e)
}

// openStore opens what flags say: an environment, or a place of its own.
func (p *Places) openStore(f config.Flags, s Spec, e *End) error {
	c, err := p.client(f, s)
	if err != nil {
		return err
	}
	e.setStore(c)
	e.ID = placeID(c.Project.Place)
	for _, l := range c.Project.Layers[:max(0, len(c.Project.Layers)-1)] {
		e.Below += " over " + placeID(l.Place)
	}
	if i, ok := c.own.(store.Identified); ok {
		id, err := i.ID()
		if err != nil {
			return err
		}
		e.ID += "#" + id
	}
	e.Title = c.Project.Describe()
	if s.When != nil {
		e.Source, e.Target, e.Closed = past{c, *s.When}, nil, "the past cannot be written"
		e.ID, e.Title = e.ID+"@"+s.When.String(), e.Title+" as of "+s.When.String()
	}
	return nil
}

// placeID tells one place from others.
func placeID(p config.Place) string {
	if p.Provider == config.ProviderLocal {
		return "local:" + p.File
	}
	return "aws:" + p.Region + ":" + cmp.Or(p.Account, "any") + ":" + p.Path
}

func openPath(_ context.Context, p *Places, s Spec, e *End) error {
	f := config.Flags{
		Alone: true, Provider: config.ProviderAWS, Path: s.field("path"), Region: s.field("region"), Profile: s.field("profile"),
		Auth: s.field("auth"), Account: s.field("account"), Role: s.field("role"),
	}
	return p.openStore(f, s, e)
}

// openChamber opens the parameters of a service as chamber keeps them: below
// /SERVICE, with names in lower case, of which it makes variables as skret does.
func openChamber(ctx context.Context, p *Places, s Spec, e *End) error {
	service := strings.Trim(s.field("service"), "/")
	if _, err := secret.ParseKey(service); err != nil {
		return errs.New(errs.Invalid, "chamber's service: %w", err).WithHint("name it with --service")
	}
	s.Fields = maps.Clone(s.Fields)
	s.Fields["path"] = "/" + service
	if err := openPath(ctx, p, s, e); err != nil {
		return err
	}
	e.Target, e.Closed = nil, "chamber writes its own"
	return nil
}

func openLocalFile(_ context.Context, p *Places, s Spec, e *End) error {
	name := s.field("file")
	if name == "" {
		return errs.New(errs.Invalid, "which file of a local store is not said").WithHint("name it with --file")
	}
	return p.openStore(config.Flags{Alone: true, Provider: config.ProviderLocal, File: p.file(s, name)}, s, e)
}

// file makes the name of a file absolute: what stands in .skret.yaml is relative
// to that.
func (p *Places) file(s Spec, name string) string {
	if s.Declared && !filepath.IsAbs(name) {
		return filepath.Join(p.Project.Root, filepath.FromSlash(name))
	}
	return name
}

func openFile(_ context.Context, p *Places, s Spec, e *End) error {
	name := s.field("file")
	if name == "" {
		return errs.New(errs.Invalid, "which file is not said").WithHint("name it with --file, - being standard input or output")
	}
	f := &fileEnd{File: format.File{
		Format: s.field("format"), Read: format.ReadOptions{Dialect: s.field("dialect")},
		Manifest: format.ManifestOptions{Name: s.field("name"), Namespace: s.field("namespace")},
	}}
	if f.Format == "" {
		var ok bool
		if f.Format, ok = format.ByName(name); !ok {
			return errs.New(errs.Invalid, "%s: its name does not tell what format it has", name).
				WithHint("say it in front: dotenv:%s; the formats are %s", name, strings.Join(format.FileNames(), ", "))
		}
	}
	if name == "-" {
		f.name, f.read, f.write = "-", p.Stdin, p.Stdout
	} else {
		f.name = p.file(s, name)
		f.read = func() ([]byte, error) { return durable.ReadFile(f.name, format.MaxText) }
	}
	if err := p.notOurs(f.name); err != nil {
		return err
	}
	e.ID, e.Title = "file:"+f.name, f.shown()
	e.Source, e.Target = f, f
	return nil
}

// notOurs refuses the files that skret lives by.
func (p *Places) notOurs(name string) error {
	if slices.Contains(p.Project.Files(), name) {
		return errs.New(errs.Invalid, "%s is a file of skret's own", name).WithHint("name another; an environment is named by its name")
	}
	return nil
}
