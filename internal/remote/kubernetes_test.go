package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
)

// kubectl is a program, or what stands in for it, with a kubeconfig.
type kubectl func(ctx context.Context, kubeconfig string, args []string, stdin []byte) (stdout, stderr []byte, err error)

// cluster is a fake and the kubectl by which it is reached.
type cluster struct {
	*fake.Kubernetes
	kubectl kubectl
}

func aClusterBy(t *testing.T, k kubectl) cluster {
	t.Helper()
	c := cluster{fake.NewKubernetes(), k}
	t.Cleanup(c.Close)
	return c
}

func aCluster(t *testing.T) cluster {
	t.Helper()
	return aClusterBy(t, fake.Kubectl)
}

// clusterAt returns a Secret that is reached by the cluster's own kubeconfig. No
// value may be in the arguments, which others on the machine can read.
func clusterAt(t *testing.T, c cluster, o KubernetesOptions) *Kubernetes {
	t.Helper()
	if o.Kubectl == nil {
		o.Kubectl = func(ctx context.Context, args []string, stdin []byte) ([]byte, []byte, error) {
			noSecret(t, "an argument", fmt.Sprint(args))
			return c.kubectl(ctx, c.Kubeconfig(), args, stdin)
		}
	}
	k, err := KubernetesTarget(o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKubernetesOptionsAreJudgedAtOnce(t *testing.T) {
	for _, c := range []struct {
		o    KubernetesOptions
		want []string // the ID, or the words of the error
	}{
		{KubernetesOptions{Name: "app"}, []string{"kubernetes:(current)/(current)/app"}},
		{KubernetesOptions{Name: "app.env-2", Namespace: "web", Context: "kind-dev"}, []string{"kubernetes:kind-dev/web/app.env-2"}},
		{KubernetesOptions{Name: "app", Context: "arn:aws:eks:eu-west-1:123456789012:cluster/dev"}, []string{"kubernetes:arn:aws:eks:eu-west-1:123456789012:cluster/dev/(current)/app"}},
		{KubernetesOptions{}, []string{`"" is not the name`}},
		{KubernetesOptions{Name: "App"}, []string{`"App" is not the name`}},
		{KubernetesOptions{Name: "-app"}, []string{"is not the name"}},
		{KubernetesOptions{Name: "--all"}, []string{"is not the name"}},
		{KubernetesOptions{Name: "a..b"}, []string{"is not the name"}},
		{KubernetesOptions{Name: strings.Repeat("a.", 126) + "aa"}, []string{"is not the name"}},
		{KubernetesOptions{Name: "a/b", Namespace: "a.b", Context: "x\ny"}, []string{`"a/b"`, `"a.b" is not a namespace`, `"x\ny" is not a context`}},
		{KubernetesOptions{Name: "a", Namespace: strings.Repeat("a", 64)}, []string{"is not a namespace"}},
	} {
		k, err := KubernetesTarget(c.o)
		if strings.HasPrefix(c.want[0], "kubernetes:") {
			if err != nil || k.ID() != c.want[0] {
				t.Errorf("%+v: %v", c.o, err)
			}
			continue
		}
		for _, want := range c.want {
			if k != nil || errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q is not in: %v", c.o, want, err)
			}
		}
	}
}

func TestKubernetesNamesAndLimits(t *testing.T) {
	k := clusterAt(t, aCluster(t), KubernetesOptions{Name: "app"})
	for key, want := range map[secret.Key]string{
		"db/url": "", "1x": "", "a b": "letters, digits", "": "letters, digits", "é": "letters, digits",
		secret.Key(strings.Repeat("a", 253)): "", secret.Key(strings.Repeat("a", 254)): "253",
	} {
		if name, why := k.Name(key); string(name) != key.EnvName() || !strings.Contains(why, want) || (why == "") != (want == "") {
			t.Errorf("%q: %q %q", key, name, why)
		}
	}
	if k.MaxBytes() != 1<<20 || k.MaxNames() != 0 || k.Workers() != 1 || !k.Readable() || k.BatchSize() != 0 || k.Same("a") == k.Same("A") || k.Value("X", secret.NewValue("\x00\xff")) != "" {
		t.Error("wrong limits")
	}
}

func TestKubernetes(t *testing.T) { suiteKubernetes(t, fake.Kubectl) }

// suiteKubernetes is what must hold with any kubectl.
func suiteKubernetes(t *testing.T, kubectl kubectl) {
	for name, test := range map[string]func(*testing.T, cluster){
		"the whole way":          kubernetesJourney,
		"keys of others":         kubernetesOthers,
		"keys that change hands": kubernetesHands,
		"at the same time":       kubernetesMeanwhile,
		"refusals":               kubernetesRefusals,
	} {
		t.Run(name, func(t *testing.T) { test(t, aClusterBy(t, kubectl)) })
	}
}

func kubernetesJourney(t *testing.T, c cluster) {
	bytes := "\x00\xff\r\n" + marker
	k := clusterAt(t, c, KubernetesOptions{Name: "app", Namespace: "default", Context: "ci"})
	j := travel(t, k)
	j.wantSync(t, map[string]string{"A": "1", "B": bytes, "EMPTY": ""}, "create:A create:B create:EMPTY")
	if got := c.Data("default", "app"); len(got) != 3 || got["B"] != bytes || c.Owned("default", "app", "skret") != "A B EMPTY" {
		t.Errorf("%q", got)
	}
	es, err := k.List(t.Context())
	if err != nil || names(es) != "A B EMPTY" || es[1].Value.Reveal() != bytes || !es[2].Value.Present() {
		t.Errorf("%v %v", es, err)
	}
	version := c.Version("default", "app")
	j.wantSync(t, map[string]string{"A": "1", "B": bytes, "EMPTY": ""}, "")
	if c.Version("default", "app") != version {
		t.Error("a run without a change wrote")
	}
	j.wantSync(t, map[string]string{"A": "2", "EMPTY": ""}, "delete:B update:A")
	if got := c.Data("default", "app"); fmt.Sprint(got) != "map[A:2 EMPTY:]" {
		t.Errorf("%q", got)
	}
	// The last of skret's go as well, and no others. What is not there is no error.
	c.Edit("default", "app", "kubectl-edit", "THEIRS", "x")
	for range 2 {
		if err := k.Delete(t.Context(), "A", "EMPTY", "NONE"); err != nil {
			t.Error(err)
		}
	}
	if got := c.Data("default", "app"); fmt.Sprint(got) != "map[THEIRS:x]" {
		t.Errorf("%q", got)
	}
	none := clusterAt(t, c, KubernetesOptions{Name: "none"})
	if err := none.Delete(t.Context(), "A"); err != nil || c.Data("web", "none") != nil {
		t.Errorf("%v", err)
	}
}

// What is not skret's is neither changed, nor taken, nor deleted.
func kubernetesOthers(t *testing.T, c cluster) {
	c.Edit("web", "app", "kubectl-edit", "THEIRS", "x")
	c.Edit("web", "app", "argocd", "SAME", "1")
	k := clusterAt(t, c, KubernetesOptions{Name: "app"})
	j := travel(t, k)
	j.wantSync(t, map[string]string{"A": "1", "SAME": "1"}, "create:A")
	if got := c.Owned("web", "app", "skret"); got != "A" {
		t.Errorf("skret's are %q", got)
	}
	_, err := j.sync(t, map[string]string{"A": "2", "SAME": "2", "THEIRS": "y"})
	wantError(t, err, errs.Conflict, `SAME (of "argocd"), THEIRS (of "kubectl-edit")`, "nothing was written", "leave them out")
	if got := c.Data("web", "app"); fmt.Sprint(got) != "map[A:1 SAME:1 THEIRS:x]" {
		t.Errorf("%q", got)
	}
	wantError(t, k.Delete(t.Context(), "A", "THEIRS"), errs.Conflict, "not deleted", `THEIRS (of "kubectl-edit")`)
	if err := k.Delete(t.Context(), "A"); err != nil {
		t.Error(err)
	}
	if got := c.Data("web", "app"); fmt.Sprint(got) != "map[SAME:1 THEIRS:x]" {
		t.Errorf("%q", got)
	}
}

// A key that somebody else changes is theirs from then on.
func kubernetesHands(t *testing.T, c cluster) {
	k := clusterAt(t, c, KubernetesOptions{Name: "app"})
	j := travel(t, k)
	j.wantSync(t, map[string]string{"A": "1", "B": "2"}, "create:A create:B")
	c.Edit("web", "app", "kubectl-edit", "A", "theirs")
	j.wantSync(t, map[string]string{"A": "theirs", "B": "3"}, "update:B") // A is theirs, as they wish
	if got := c.Data("web", "app"); got["A"] != "theirs" || c.Owned("web", "app", "skret") != "B" {
		t.Errorf("%q, skret's are %q", got, c.Owned("web", "app", "skret"))
	}
	_, err := j.sync(t, map[string]string{"A": "1", "B": "4"})
	wantError(t, err, errs.Conflict, `A (of "kubectl-edit")`)
	_, err = j.sync(t, map[string]string{"B": "3"})
	wantError(t, err, errs.Conflict, "not deleted", `A (of "kubectl-edit")`)
	// They drop it; then it can be skret's again.
	c.Drop("web", "app", "A")
	j.wantSync(t, map[string]string{"A": "1", "B": "3"}, "create:A")
	// Both own B, with one value. skret alone may not change or delete it.
	c.Edit("web", "app", "kubectl-edit", "B", "3")
	wantError(t, k.Put(t.Context(), entry("B", "5"), nil), errs.Conflict, `B (of "kubectl-edit")`)
	wantError(t, k.Delete(t.Context(), "B"), errs.Conflict, `B (of "kubectl-edit")`)
	if got := c.Data("web", "app"); fmt.Sprint(got) != "map[A:1 B:3]" {
		t.Errorf("%q", got)
	}
}

// What changes between reading and writing is not lost.
func kubernetesMeanwhile(t *testing.T, c cluster) {
	c.Edit("web", "app", "kubectl-edit", "N", "0")
	edits := 0
	most := 1
	c.OnCall = func(op string) {
		if op == "apply:app" && edits < most {
			edits++
			c.Edit("web", "app", "kubectl-edit", "N", fmt.Sprint(edits))
		}
	}
	k := clusterAt(t, c, KubernetesOptions{Name: "app"})
	if err := k.Put(t.Context(), entry("A", "1"), nil); err != nil {
		t.Fatal(err)
	}
	if got := c.Data("web", "app"); fmt.Sprint(got) != "map[A:1 N:1]" || count(c.Ops(), "apply:") != 2 {
		t.Errorf("%q %v", got, c.Ops())
	}
	most = 100
	wantError(t, k.Put(t.Context(), entry("A", "2"), nil), errs.Conflict, "changed by others all the time", "try again")
	if got := c.Data("web", "app"); got["A"] != "1" {
		t.Errorf("%q", got)
	}
}

func kubernetesRefusals(t *testing.T, c cluster) {
	c.Edit("web", "app", "kubectl-edit", "N", "0")
	both := func(o KubernetesOptions, kind errs.Kind, words ...string) {
		t.Helper()
		k := clusterAt(t, c, o)
		_, err := k.List(t.Context())
		wantError(t, err, kind, words...)
		wantError(t, k.Put(t.Context(), entry("A", marker), nil), kind, words...)
		wantError(t, k.Delete(t.Context(), "N"), kind, words...)
	}
	both(KubernetesOptions{Name: "app", Context: "locked-out"}, errs.Auth, "does not accept who kubectl says you are", "sign in")
	both(KubernetesOptions{Name: "app", Context: "none"}, errs.Config, "the kubeconfig", "get-contexts")
	both(KubernetesOptions{Name: "app", Kubectl: func(ctx context.Context, args []string, stdin []byte) ([]byte, []byte, error) {
		return c.kubectl(ctx, "", args, stdin)
	}}, errs.Network, "does not answer", "cluster-info")
	both(KubernetesOptions{Name: "app", Kubectl: func(ctx context.Context, args []string, stdin []byte) ([]byte, []byte, error) {
		return c.kubectl(ctx, strings.Replace(c.Kubeconfig(), c.URL, "https://127.0.0.1:1", 1), args, stdin)
	}}, errs.Network, "does not answer")

	none := clusterAt(t, c, KubernetesOptions{Name: "app", Namespace: "none"})
	wantError(t, none.Put(t.Context(), entry("A", marker), nil), errs.NotFound, "Secret none/app", "no such namespace", "create namespace")

	k := clusterAt(t, c, KubernetesOptions{Name: "app"})
	c.Forbid("get")
	_, err := k.List(t.Context())
	wantError(t, err, errs.Auth, "read Secret app", "does not allow it", "get, patch and create")
	c.Forbid("patch")
	wantError(t, k.Put(t.Context(), entry("A", marker), nil), errs.Auth, "write Secret app", "does not allow it")
	c.Forbid("create")
	wantError(t, clusterAt(t, c, KubernetesOptions{Name: "new"}).Put(t.Context(), entry("A", marker), nil), errs.Auth, "does not allow it")
	c.Forbid()

	c.Fault(fake.Fault{Op: "get:app", Status: 500, Code: "InternalError", Message: marker})
	_, err = k.List(t.Context())
	wantError(t, err, errs.Backend, "kubectl failed", "kubectl get secret app -o name")
	c.Fault(fake.Fault{Op: "apply:app", Do: "html", Status: 502})
	wantError(t, k.Put(t.Context(), entry("A", marker), nil), errs.Backend, "kubectl failed")
	c.Fault(fake.Fault{Op: "apply:app", Status: 422, Code: "Invalid", Message: `Secret "app" is invalid: data: Too long: must have at most 1048576 bytes`})
	wantError(t, k.Put(t.Context(), entry("A", marker), nil), errs.Backend, "invalid", "1 MiB")

	if err := k.Put(t.Context(), entry("A", "1"), nil); err != nil {
		t.Fatal(err)
	}
	c.Fault(fake.Fault{Op: "apply:app", Status: 422, Code: "Invalid", Message: "Secret \"app\" is invalid: data: Forbidden: field is immutable when `immutable` is set"})
	wantError(t, k.Put(t.Context(), entry("A", "2"), nil), errs.Conflict, "is immutable") // it became so meanwhile
	c.Freeze("web", "app")
	wantError(t, k.Put(t.Context(), entry("A", "2"), nil), errs.Conflict, "Secret app is immutable", "another name")
	wantError(t, k.Delete(t.Context(), "A"), errs.Conflict, "is immutable")
	if es, err := k.List(t.Context()); err != nil || names(es) != "A N" {
		t.Errorf("%v %v", es, err)
	}
}

// What runs in place of kubectl may be anything.
func TestKubectlIsUnderstoodOrRefused(t *testing.T) {
	const good = `[{"metadata":{"resourceVersion":"1"},"data":{"A":"MQ=="}}]`
	for out, words := range map[string]string{
		good:                                     "",
		`[{"metadata":{"resourceVersion":"1"}}]`: "",
		``:                                       "is not understood",
		`[]`:                                     "is not understood",
		`{"data":{}}`:                            "is not understood",
		good + "x":                               "is not understood",
		`[{"data":{}}]`:                          "is not understood",
		`[{"metadata":{"resourceVersion":"1"},"data":{"A":"` + marker + `"}}]`: "is not understood", // not base64
		`[{"metadata":{"resourceVersion":"1"},"data":{"A\u001b":"MQ=="}}]`:     "a key of Secret app that none can have",
	} {
		k, err := KubernetesTarget(KubernetesOptions{Name: "app", Kubectl: func(context.Context, []string, []byte) ([]byte, []byte, error) {
			return []byte(out), nil, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.List(t.Context())
		if words != "" {
			wantError(t, err, errs.Backend, words)
		} else if err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
	// What is known already of why it did not start is passed on.
	missing := errs.New(errs.Config, "kubectl is not found").WithHint("install it")
	k, err := KubernetesTarget(KubernetesOptions{Name: "app", Kubectl: func(context.Context, []string, []byte) ([]byte, []byte, error) {
		return nil, nil, missing
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.List(t.Context())
	wantError(t, err, errs.Config, "read Secret app: kubectl is not found", "install it")
}

func TestKubectlThatIsCancelledIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	k, err := KubernetesTarget(KubernetesOptions{Name: "app", Kubectl: func(context.Context, []string, []byte) ([]byte, []byte, error) {
		calls.Add(1)
		cancel()
		return nil, []byte("signal: killed"), errors.New("signal: killed")
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put(ctx, entry("A", "1"), nil); !errors.Is(err, context.Canceled) || errs.KindOf(err) != errs.Unclassified || calls.Load() != 1 {
		t.Errorf("%v", err)
	}
}
