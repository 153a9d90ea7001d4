package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// place is what every target has.
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

// end is a place as the engine sees it.
type end struct{ place }

func (e end) Rules() transfer.Rules {
	return transfer.Rules{Name: e.Name, Same: e.Same, Value: e.Value, MaxNames: e.MaxNames(), Workers: e.Workers(), Readable: e.Readable()}
}

// bulkEnd is one that writes several secrets in one step.
type bulkEnd struct {
	end
	transfer.Batcher
}

var (
	_ transfer.Source = (*GitLab)(nil)
	_ transfer.Target = end{}
	_ transfer.Target = bulkEnd{}
)

// journey carries secrets to a place, again and again, as skret sync does: it
// remembers what it wrote.
type journey struct {
	dir string
	to  place
}

func travel(t *testing.T, to place) journey {
	t.Helper()
	return journey{t.TempDir(), to}
}

// sync has the place have these secrets, and deletes what was written before and is
// not among them. It returns what was done, such as "create:A update:B".
func (j journey) sync(t *testing.T, secrets map[string]string) (did string, err error) {
	t.Helper()
	var source []secret.Entry
	for name, value := range secrets {
		source = append(source, entry(name, value))
	}
	secret.SortEntries(source)
	var to transfer.Target = end{j.to}
	if b, ok := j.to.(transfer.Batcher); ok {
		to = bulkEnd{end{j.to}, b}
	}
	s, err := transfer.OpenState(t.Context(), transfer.ID{Type: "x", Target: j.to.ID(), Source: "test"}, transfer.StateOptions{
		Dir: j.dir, Key: func(context.Context) (transfer.Key, error) {
			return transfer.Key{ID: "k", Bytes: make([]byte, 32)}, nil
		},
	}, source)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there, err := to.List(t.Context())
	if err != nil {
		return "", err
	}
	plan := transfer.Make(transfer.Input{
		Source: source, Target: there, Rules: to.Rules(), Known: s, Policy: transfer.Policy{Prune: true, PruneMax: 1000},
	})
	r, err := plan.Apply(t.Context(), to, transfer.ApplyOptions{State: s})
	if err != nil {
		return "", err
	}
	var done []string
	for _, it := range r.Done {
		done = append(done, string(it.Action)+":"+string(it.Name))
	}
	slices.Sort(done)
	return strings.Join(done, " "), r.Err()
}

// wantSync checks what a run does.
func (j journey) wantSync(t *testing.T, secrets map[string]string, want string) {
	t.Helper()
	if did, err := j.sync(t, secrets); err != nil || did != want {
		t.Errorf("%s: it did %q, not %q: %v", j.to.ID(), did, want, err)
	}
}

// names are names of entries, joined.
func names(es []secret.Entry) string {
	var all []string
	for _, e := range es {
		all = append(all, string(e.Key))
	}
	return strings.Join(all, " ")
}

func TestSecondRunWritesNothing(t *testing.T) {
	gitlab := aGitLab(t)
	cloudflare := aCloudflare(t)
	cluster := aCluster(t)
	for name, c := range map[string]struct {
		to     place
		has    func() map[string]string
		writes func() int
	}{
		"gitlab": {
			gitlabAt(t, gitlab, GitLabOptions{Project: "acme/app", Scope: "production"}), func() map[string]string {
				has := map[string]string{}
				for name, v := range gitlab.Variables("projects/acme/app") {
					has[strings.TrimSuffix(name, "@production")] = v.Value
				}
				return has
			}, func() int { return count(gitlab.Ops(), "create:", "update:", "delete:") },
		},
		"workers": {
			workerAt(t, cloudflare, "api"), func() map[string]string {
				has, _ := cloudflare.Secrets("api")
				return has
			}, func() int { return count(cloudflare.Ops(), "write secrets:") },
		},
		"pages": {
			pagesAt(t, cloudflare, "preview"), func() map[string]string {
				has := map[string]string{}
				vars, _ := cloudflare.Variables("site", "preview")
				for name, v := range vars {
					has[name] = v.Value
				}
				return has
			}, func() int { return count(cloudflare.Ops(), "write project:") },
		},
		"kubernetes": {
			clusterAt(t, cluster, KubernetesOptions{Name: "app"}), func() map[string]string { return cluster.Data("web", "app") },
			func() int { return count(cluster.Ops(), "apply:") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := travel(t, c.to)
			has := func(want string) {
				t.Helper()
				if got := fmt.Sprint(c.has()); got != want {
					t.Errorf("it has %s, not %s", got, want)
				}
			}
			j.wantSync(t, map[string]string{"A": "1", "B": "two\nlines \"é\"", "C": "$3"}, "create:A create:B create:C")
			has("map[A:1 B:two\nlines \"é\" C:$3]")
			writes := c.writes()
			j.wantSync(t, map[string]string{"A": "1", "B": "two\nlines \"é\"", "C": "$3"}, "")
			if n := c.writes() - writes; n != 0 {
				t.Errorf("%d writes without a change", n)
			}
			j.wantSync(t, map[string]string{"A": "1", "B": "2", "D": "4"}, "create:D delete:C update:B")
			has("map[A:1 B:2 D:4]")
		})
	}
}

// count counts the operations that begin with one of these.
func count(ops []string, prefixes ...string) (n int) {
	for _, op := range ops {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(op, p) }) {
			n++
		}
	}
	return n
}

// What goes wrong on the way has a kind and a next step, and gives nothing away.
func TestPlacesUnderFaults(t *testing.T) {
	type faulty interface {
		Fault(more ...fake.Fault)
		Unmet() []string
	}
	for name, open := range map[string]func(t *testing.T) (place, faulty, func() string, string){
		"gitlab": func(t *testing.T) (place, faulty, func() string, string) {
			srv := aGitLab(t)
			has := func() string { return srv.Variables("projects/acme/app")["A"].Value }
			return gitlabAt(t, srv, GitLabOptions{Project: "acme/app"}), srv, has, "create:A"
		},
		"workers": func(t *testing.T) (place, faulty, func() string, string) {
			srv := aCloudflare(t)
			has := func() string { s, _ := srv.Secrets("api"); return s["A"] }
			return workerAt(t, srv, "api"), srv, has, "write secrets"
		},
		"pages": func(t *testing.T) (place, faulty, func() string, string) {
			srv := aCloudflare(t)
			has := func() string { v, _ := srv.Variables("site", "production"); return v["A"].Value }
			return pagesAt(t, srv, "production"), srv, has, "write project"
		},
	} {
		for _, c := range []struct {
			fault   fake.Fault
			kind    errs.Kind // Unclassified: it goes well
			words   string
			written bool
		}{
			{fake.Fault{Status: 429, RetryAfter: 3}, 0, "", true},
			{fake.Fault{Status: 429, RetryAfter: 3, Times: -1}, errs.Network, "try again in 3s", false},
			{fake.Fault{Status: 500, Code: "7", Message: marker}, errs.Backend, "failed: status 500", false},
			{fake.Fault{Do: "html", Status: 502}, errs.Backend, "failed: status 502", false},
			{fake.Fault{Status: 401}, errs.Auth, "is not accepted", false},
			{fake.Fault{Status: 403}, errs.Auth, "the token", false},
			{fake.Fault{Do: "html"}, errs.Backend, "a web page", false},
			{fake.Fault{Do: "cut"}, errs.Network, "no answer", false},
			{fake.Fault{Do: "drop"}, errs.Network, "no answer", false},
			{fake.Fault{Do: "lose"}, errs.Network, "no answer", true},
			{fake.Fault{Do: "redirect", Status: 308, Message: "https://elsewhere.invalid/" + marker}, errs.Backend, "redirect", false},
		} {
			t.Run(fmt.Sprintf("%s %s%d", name, c.fault.Do, c.fault.Status), func(t *testing.T) {
				p, srv, has, op := open(t)
				c.fault.Op = op
				srv.Fault(c.fault)
				err := p.Put(t.Context(), entry("A", "value"), nil)
				if c.kind == errs.Unclassified && err != nil {
					t.Error(err)
				} else if c.kind != errs.Unclassified {
					wantError(t, err, c.kind, c.words)
				}
				if (has() == "value") != c.written || c.fault.Times == 0 && len(srv.Unmet()) > 0 {
					t.Errorf("it has %q; %v", has(), srv.Unmet())
				}
				if err := p.Put(t.Context(), entry("A", "value"), nil); c.fault.Times == 0 && (err != nil || has() != "value") {
					t.Errorf("the next time: %v, %q", err, has())
				}
			})
		}
	}
}
