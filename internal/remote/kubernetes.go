package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// KubernetesOptions say which Secret of which cluster.
type KubernetesOptions struct {
	Name      string // of the Secret; it is made if it is not there
	Namespace string // "" is the context's own
	Context   string // of the kubeconfig; "" is the current one

	// Kubectl runs the program kubectl. err is nil if it ended well; an error with a
	// kind is passed on as it is.
	Kubectl func(ctx context.Context, args []string, stdin []byte) (stdout, stderr []byte, err error)
}

// Kubernetes is a Secret in a cluster, which is reached by kubectl and the user's
// own kubeconfig. It is safe for concurrent use.
//
// Keys are written by server-side apply under the name of skret: the cluster knows
// which keys are skret's. Those are written all or none; keys of others stay as they
// are, and one that others own with another value is a conflict. Values are given to
// kubectl on its standard input. No annotation holds them: nothing is written of what
// kubectl apply without --server-side remembers.
//
// The user needs the rights to get, patch and create Secrets.
type Kubernetes struct{ o KubernetesOptions }

// manager is the name by which a cluster knows which keys are skret's.
const manager = "skret"

// KubernetesTarget returns the Secret that the options name. It starts no program.
// All that is wrong with the options is in one error of kind Invalid.
func KubernetesTarget(o KubernetesOptions) (*Kubernetes, error) {
	var probs []error
	bad := func(hint, format string, args ...any) {
		probs = append(probs, errs.New(errs.Invalid, format, args...).WithHint("%s", hint))
	}
	if !isSubdomain(o.Name) {
		bad("it is made of at most 253 small letters, digits, - and ., with a letter or a digit at both ends", "%q is not the name of a Secret", o.Name)
	}
	if o.Namespace != "" && (!isLabel(o.Namespace) || len(o.Namespace) > 63) {
		bad("it is made of at most 63 small letters, digits and -, with a letter or a digit at both ends", "%q is not a namespace", o.Namespace)
	}
	if len(o.Context) > 1024 || hasControl(o.Context) {
		bad("kubectl config get-contexts lists them", "%.80q is not a context of a kubeconfig", o.Context)
	}
	if len(probs) > 0 {
		return nil, errors.Join(probs...)
	}
	return &Kubernetes{o}, nil
}

// isLabel tells whether s is a label of RFC 1123, but for its length.
func isLabel(s string) bool {
	return madeOf(s, lowerLetters+digits+"-", 253) && s[0] != '-' && s[len(s)-1] != '-'
}

func isSubdomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return len(s) <= 253
}

// ID names the Secret for messages and for what is remembered of it:
// "kubernetes:kind-dev/web/app". A context or a namespace that is left open is
// "(current)", whichever that is.
func (k *Kubernetes) ID() string {
	return "kubernetes:" + cmp.Or(k.o.Context, "(current)") + "/" + cmp.Or(k.o.Namespace, "(current)") + "/" + k.o.Name
}

// Name returns the key that a secret has in the Secret, which is the name of its
// variable, or why there can be none.
func (k *Kubernetes) Name(key secret.Key) (name secret.Key, why string) {
	name = secret.Key(key.EnvName())
	switch {
	case !madeOf(string(name), letters+digits+"-_.", secret.MaxKeyLen):
		return name, "Kubernetes takes letters, digits and the signs - _ . alone"
	case len(name) > 253:
		return name, "it is longer than the 253 characters that Kubernetes takes"
	}
	return name, ""
}

// Same returns the name itself: Kubernetes tells case apart.
func (k *Kubernetes) Same(name secret.Key) string { return string(name) }

// Value returns "": Kubernetes takes any bytes.
func (k *Kubernetes) Value(secret.Key, secret.Value) (why string) { return "" }

// MaxNames returns 0: there is room for any number of keys.
func (k *Kubernetes) MaxNames() int { return 0 }

// MaxBytes returns how large a Secret may be.
func (k *Kubernetes) MaxBytes() int { return 1 << 20 }

// Workers returns 1: all keys are in one object.
func (k *Kubernetes) Workers() int { return 1 }

// Readable tells that List has values.
func (k *Kubernetes) Readable() bool { return true }

// BatchSize returns 0: any number of keys goes into one step.
func (k *Kubernetes) BatchSize() int { return 0 }

// List returns all keys of the Secret with their values, whoever owns them; none if
// there is no such Secret.
func (k *Kubernetes) List(ctx context.Context) ([]secret.Entry, error) {
	now, err := k.get(ctx)
	if err != nil {
		return nil, err
	}
	es := []secret.Entry{}
	for key, v := range now.Data {
		if !madeOf(key, letters+digits+"-_.", 253) {
			return nil, errs.New(errs.Backend, "kubectl lists a key of %s that none can have", k.title())
		}
		es = append(es, secret.Entry{Key: secret.Key(key), Value: secret.NewValue(string(v))})
	}
	secret.SortEntries(es)
	return es, nil
}

// Put writes one key.
func (k *Kubernetes) Put(ctx context.Context, e secret.Entry, _ *secret.Entry) error {
	return k.PutAll(ctx, []secret.Entry{e})
}

// PutAll writes keys, all or none. What is skret's already and not among them stays.
func (k *Kubernetes) PutAll(ctx context.Context, es []secret.Entry) error {
	return k.change(ctx, func(_ kubeSecret, ours map[string][]byte) (bool, error) {
		for _, e := range es {
			ours[string(e.Key)] = []byte(e.Value.Reveal())
		}
		return true, nil
	})
}

// Delete removes keys that are skret's, all or none. One that others own, too, is an
// error of kind Conflict: they keep it.
func (k *Kubernetes) Delete(ctx context.Context, names ...secret.Key) error {
	return k.change(ctx, func(now kubeSecret, ours map[string][]byte) (bool, error) {
		before := len(ours)
		var kept []string
		for _, name := range names {
			key := string(name)
			_, there := now.Data[key]
			_, mine := ours[key]
			if other := now.other(key); there && (!mine || other != "") {
				kept = append(kept, whose(key, other))
			}
			delete(ours, key)
		}
		if len(kept) > 0 {
			return false, errs.New(errs.Conflict, "%s: not skret's alone, and not deleted: %s", k.title(), strings.Join(kept, ", ")).
				WithHint("delete them there by hand if they are not needed")
		}
		return len(ours) < before, nil
	})
}

// whose names a key with its owner; "" is nobody that is known.
func whose(key, owner string) string {
	if owner == "" {
		return key
	}
	return fmt.Sprintf("%s (of %.100q)", key, owner)
}

// kubeSecret is what a cluster has. Of one that is not there nothing is set.
type kubeSecret struct {
	Metadata struct {
		Version string `json:"resourceVersion"`
		Managed []struct {
			Manager, Operation string
			Fields             struct {
				Data map[string]json.RawMessage `json:"f:data"`
			} `json:"fieldsV1"`
		} `json:"managedFields"`
	}
	Data      map[string][]byte
	Immutable bool
}

// ours returns the keys that are skret's, with their values.
func (s kubeSecret) ours() map[string][]byte {
	data := map[string][]byte{}
	for _, m := range s.Metadata.Managed {
		if m.Manager != manager || m.Operation != "Apply" {
			continue
		}
		for field := range m.Fields.Data {
			key, _ := strings.CutPrefix(field, "f:")
			if v, there := s.Data[key]; there {
				data[key] = v
			}
		}
	}
	return data
}

// other returns who else owns a key; "" if nobody does.
func (s kubeSecret) other(key string) string {
	for _, m := range s.Metadata.Managed {
		if _, owns := m.Fields.Data["f:"+key]; owns && (m.Manager != manager || m.Operation != "Apply") {
			return cmp.Or(m.Manager, "unknown")
		}
	}
	return ""
}

// title names the Secret in a message.
func (k *Kubernetes) title() string {
	if k.o.Namespace == "" {
		return "Secret " + k.o.Name
	}
	return "Secret " + k.o.Namespace + "/" + k.o.Name
}

const kubeTries = 3

// change changes what is skret's. edit gets what there is, and the keys of it that
// are skret's; it says whether there is something to write. What is no longer named
// in what is applied is removed by the cluster, so that is always the whole. If the
// Secret is changed meanwhile, it begins again.
func (k *Kubernetes) change(ctx context.Context, edit func(now kubeSecret, ours map[string][]byte) (bool, error)) error {
	for try := 1; ; try++ {
		now, err := k.get(ctx)
		if err != nil {
			return err
		}
		data := now.ours()
		if some, err := edit(now, data); err != nil || !some {
			return err
		}
		if now.Immutable {
			return k.immutable()
		}
		if again, err := k.apply(ctx, now, data); !again || try == kubeTries {
			return err
		}
	}
}

func (k *Kubernetes) immutable() error {
	return errs.New(errs.Conflict, "%s is immutable: nothing of it can ever be changed", k.title()).
		WithHint("write to another name, or delete it by hand; whoever uses it has to be restarted then")
}

// args are the arguments of a command.
func (k *Kubernetes) args(command ...string) []string {
	args := append(command, "--request-timeout=30s")
	if k.o.Context != "" {
		args = append(args, "--context="+k.o.Context)
	}
	if k.o.Namespace != "" {
		args = append(args, "--namespace="+k.o.Namespace)
	}
	return args
}

// get reads the Secret. In this form of output kubectl leaves nothing out of who owns
// what, whichever version it is.
func (k *Kubernetes) get(ctx context.Context) (kubeSecret, error) {
	stdout, stderr, err := k.o.Kubectl(ctx, k.args("get", "secret", k.o.Name, "-o", "jsonpath-as-json={@}"), nil)
	switch {
	case err != nil && bytes.Contains(stderr, []byte("(NotFound): secrets ")):
		return kubeSecret{}, nil
	case err != nil:
		return kubeSecret{}, k.explain(ctx, "read", stderr, err)
	}
	var v []kubeSecret
	// The decoder's own words may quote a value.
	if json.Unmarshal(stdout, &v) != nil || len(v) != 1 || v[0].Metadata.Version == "" {
		return kubeSecret{}, errs.New(errs.Backend, "what kubectl says of %s is not understood", k.title()).
			WithHint("skret needs kubectl 1.20 or later: kubectl version")
	}
	return v[0], nil
}

// manifest is what is applied. The version is that of what was read: if it is not the
// cluster's any more, nothing is done. Data is never left out, be it empty: a cluster
// takes that for the wish that no data be there, those of others neither.
type manifest struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Data       map[string][]byte `json:"data"`
}

// apply makes data the keys that are skret's. again tells that somebody else changed
// the Secret since it was read.
func (k *Kubernetes) apply(ctx context.Context, now kubeSecret, data map[string][]byte) (again bool, err error) {
	meta := map[string]string{"name": k.o.Name}
	if now.Metadata.Version != "" {
		meta["resourceVersion"] = now.Metadata.Version
	}
	stdin, err := json.Marshal(manifest{"v1", "Secret", meta, data})
	if err != nil {
		return false, errs.New(errs.Unclassified, "%s cannot be written as JSON", k.title())
	}
	_, stderr, err := k.o.Kubectl(ctx, k.args("apply", "--server-side", "--field-manager="+manager, "--validate=false", "-f", "-", "-o", "name"), stdin)
	says := func(words string) bool { return bytes.Contains(stderr, []byte(words)) }
	switch {
	case err == nil:
		return false, nil
	case says("the object has been modified"):
		return true, errs.New(errs.Conflict, "%s is changed by others all the time, and was not written", k.title()).WithHint("try again")
	case says("field is immutable"):
		return false, k.immutable()
	case says("Apply failed with "):
		return false, k.conflict(now, data)
	}
	return false, k.explain(ctx, "write", stderr, err)
}

// conflict names the keys that others own with another value.
func (k *Kubernetes) conflict(now kubeSecret, data map[string][]byte) error {
	var theirs []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		old, there := now.Data[key]
		if other := now.other(key); there && other != "" && !bytes.Equal(old, data[key]) {
			theirs = append(theirs, whose(key, other))
		}
	}
	return errs.New(errs.Conflict, "%s: others own keys with another value, and nothing was written: %s", k.title(), strings.Join(theirs, ", ")).
		WithHint("remove the keys there and run this again, or leave them out; skret takes nothing from others")
}

// kubeRefusal is a sort of refusal, known by words of kubectl or of the cluster.
type kubeRefusal struct {
	words      []string
	kind       errs.Kind
	text, hint string
}

// kubeRefusals are those that a user can do something about. The first that fits is it.
func kubeRefusals() []kubeRefusal {
	return []kubeRefusal{
		{[]string{"(NotFound): namespaces "}, errs.NotFound, "there is no such namespace in the cluster", "make it with kubectl create namespace, or check its name"},
		{[]string{"(Forbidden)"}, errs.Auth, "the cluster does not allow it", "the user of the context needs the rights to get, patch and create secrets in the namespace"},
		{
			[]string{"must be logged in", "Unauthorized", "provide credentials", "getting credentials", "exec plugin"}, errs.Auth,
			"the cluster does not accept who kubectl says you are", "sign in to the cluster again; kubectl auth can-i get secrets shows when it works",
		},
		{
			[]string{"context was not found", "current-context", "no configuration has been provided", "invalid configuration", "error loading config"},
			errs.Config, "the kubeconfig does not have what is needed", "kubectl config get-contexts lists the contexts; name one",
		},
		{
			[]string{"The connection to the server", "Unable to connect to the server", "i/o timeout", "deadline exceeded", "Client.Timeout"}, errs.Network,
			"the cluster does not answer", "is it running, and does kubectl know where it is? kubectl cluster-info tells",
		},
		{[]string{"is invalid", "request is invalid"}, errs.Backend, "the cluster takes it for invalid", "a Secret may have 1 MiB in all"},
		{[]string{"unknown flag"}, errs.Config, "this kubectl is too old", "skret needs kubectl 1.20 or later"},
	}
}

// explain says why kubectl failed. Its own words are not passed on: they are those of
// a server, or of a program that it started.
func (k *Kubernetes) explain(ctx context.Context, doing string, stderr []byte, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errs.KindOf(err) != errs.Unclassified:
		return fmt.Errorf("%s %s: %w", doing, k.title(), err)
	}
	for _, r := range kubeRefusals() {
		if slices.ContainsFunc(r.words, func(w string) bool { return bytes.Contains(stderr, []byte(w)) }) {
			return errs.New(r.kind, "%s %s: %s", doing, k.title(), r.text).WithHint("%s", r.hint)
		}
	}
	return errs.New(errs.Backend, "%s %s: kubectl failed", doing, k.title()).
		WithHint("its own words are seen with: kubectl %s", strings.Join(k.args("get", "secret", k.o.Name, "-o", "name"), " "))
}
