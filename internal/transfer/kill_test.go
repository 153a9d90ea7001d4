package transfer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// disk is a target whose secrets are files in a folder. It gives no values back
// and says when they were written, by a clock of its own.
type disk struct {
	dir  string
	step func() // called before and after everything that happens

	mu    sync.Mutex
	clock int64
}

type onDisk struct {
	Value string
	At    int64
}

// all is what is there, values and all.
func (d *disk) all() map[secret.Key]onDisk {
	there := map[secret.Key]onDisk{}
	names, _ := filepath.Glob(filepath.Join(d.dir, "*.json"))
	for _, name := range names {
		var s onDisk
		data, err := os.ReadFile(name)
		if err != nil || json.Unmarshal(data, &s) != nil {
			panic("half a file at the target: " + name)
		}
		there[secret.Key(strings.TrimSuffix(filepath.Base(name), ".json"))] = s
		d.clock = max(d.clock, s.At)
	}
	return there
}

func (d *disk) file(n secret.Key) string { return filepath.Join(d.dir, string(n)+".json") }

func (d *disk) Rules() transfer.Rules {
	return transfer.Rules{Name: func(k secret.Key) (secret.Key, string) { return k, "" }, Workers: 3}
}

func (d *disk) List(context.Context) (es []secret.Entry, _ error) {
	d.step()
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, s := range d.all() {
		es = append(es, secret.Entry{Key: n, Modified: time.Unix(s.At, 0)})
	}
	return es, nil
}

func (d *disk) Put(_ context.Context, e secret.Entry, _ *secret.Entry) error {
	d.step()
	d.mu.Lock()
	d.clock++
	data, _ := json.Marshal(onDisk{e.Value.Reveal(), d.clock})
	temp := filepath.Join(d.dir, strconv.FormatInt(d.clock, 10)+".temp")
	err := os.WriteFile(temp, data, 0o600)
	if err == nil {
		err = os.Rename(temp, d.file(e.Key))
	}
	d.mu.Unlock()
	d.step()
	return err
}

func (d *disk) Delete(_ context.Context, names ...secret.Key) error {
	d.step()
	for _, n := range names {
		_ = os.Remove(d.file(n))
	}
	d.step()
	return nil
}

// The two states of the source: some secrets stay, some change, one goes, some
// come.
func before() []secret.Entry {
	return []secret.Entry{entry("CHANGES1", "1"), entry("CHANGES2", "1"), entry("GOES", "1"), entry("STAYS", "1")}
}

func after(versions bool) []secret.Entry {
	es := []secret.Entry{entry("CHANGES1", "2"), entry("CHANGES2", "2"), entry("NEW1", "1"), entry("NEW2", "1"), entry("STAYS", "1")}
	for i := range es {
		if versions {
			es[i].Version, es[i].Modified = 1, time.Unix(100, 0)
		}
	}
	return es
}

// carryToDisk carries a source to the folder "there" below dir, and remembers it
// in the folder "state".
func carryToDisk(ctx context.Context, dir string, source []secret.Entry, onExists transfer.OnExists, step func()) (transfer.Plan, error) {
	o := options(filepath.Join(dir, "state"), "k1")
	o.Now = func() time.Time { step(); return time.Unix(1, 0) } // asked for a line of the journal
	s, err := transfer.OpenState(ctx, id, o, source)
	if err != nil {
		return transfer.Plan{}, err
	}
	t := &disk{dir: filepath.Join(dir, "there"), step: step}
	there, err := t.List(ctx)
	if err != nil {
		return transfer.Plan{}, err
	}
	p := transfer.Make(transfer.Input{Source: source, Target: there, Rules: t.Rules(), Known: s, Policy: transfer.Policy{OnExists: onExists, Prune: true}})
	r, err := p.Apply(ctx, t, transfer.ApplyOptions{State: s, Progress: func(transfer.Step) { step() }})
	for _, err := range []error{err, r.Err(), p.Drift(), s.Close()} {
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

// killed names the variable by which the test binary is told to be the process
// that is killed: where it works, how, and at which step it ends.
const killed = "SKRET_TEST_KILL"

func TestMain(m *testing.M) {
	if w := strings.Split(os.Getenv(killed), "|"); len(w) == 3 {
		fmt.Println(beKilled(w[0], w[1] == "versions", w[2]))
		return
	}
	os.Exit(m.Run())
}

// beKilled returns only if it was not killed.
func beKilled(dir string, versions bool, at string) error {
	last, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	me, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	var mu sync.Mutex
	steps := 0
	_, err = carryToDisk(context.Background(), dir, after(versions), transfer.Overwrite, func() {
		mu.Lock() // never given back once the end has come: no other step is made
		if steps++; steps == last {
			_ = me.Kill()
			select {}
		}
		mu.Unlock()
	})
	return fmt.Errorf("%d steps are made, and the end was to come at %d: %w", steps, last, err)
}

func TestAfterAKillTheNextRunCompletes(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	begin := t.TempDir()
	if err := os.Mkdir(filepath.Join(begin, "there"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := carryToDisk(t.Context(), begin, before(), transfer.Overwrite, func() {}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	steps := 0
	if _, err := carryToDisk(t.Context(), copied(t, begin), after(false), transfer.Overwrite, func() { mu.Lock(); steps++; mu.Unlock() }); err != nil || steps < 20 {
		t.Fatal(steps, err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	turns := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range 50 {
		dir, at, versions := copied(t, begin), 1+r.IntN(steps-5), i%2 == 0 // with versions one more is written
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			how := map[bool]string{true: "versions", false: "hashes"}[versions]
			c := exec.Command(exe)
			c.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d", killed, dir, how, at))
			if out, err := c.CombinedOutput(); err == nil || len(out) > 0 {
				t.Errorf("%s, %d: it was not killed: %v %s", how, at, err, out)
				return
			}
			completes(t, dir, after(versions), fmt.Sprintf("%s, killed at %d", how, at))
		})
	}
	wg.Wait()
}

// completes checks what holds after a kill.
func completes(t *testing.T, dir string, source []secret.Entry, what string) {
	s, err := transfer.ReadState(t.Context(), id, options(filepath.Join(dir, "state"), "k1"), source)
	if err != nil {
		t.Errorf("%s: the state cannot be read: %v", what, err)
		return
	}
	d := &disk{dir: filepath.Join(dir, "there")}
	had := d.all()
	// Not even one who never writes over what exists is in the way of our own.
	if p, err := carryToDisk(t.Context(), dir, source, transfer.Fail, func() {}); err != nil {
		t.Errorf("%s: the next run fails: %v: %s", what, err, reasons(p))
	}
	has := d.all()
	for _, e := range source {
		if has[e.Key].Value != e.Value.Reveal() {
			t.Errorf("%s: %s has not come through", what, e.Key)
		}
		if w, ok := s.Wrote(e.Key); ok && s.Same(w, e.Key, e) && had[e.Key] != has[e.Key] {
			t.Errorf("%s: %s was written down, and is written again", what, e.Key)
		}
	}
	if len(has) != len(source) {
		t.Errorf("%s: there are %d, want %d", what, len(has), len(source))
	}
	if p, err := carryToDisk(t.Context(), dir, source, transfer.Fail, func() {}); err != nil || changes(p) {
		t.Errorf("%s: the third run is not idle: %v: %s", what, err, shown(p))
	}
}

// copied returns a copy of the folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"state", "state/*"} { // CopyFS takes the umask for what others may do
		names, _ := filepath.Glob(filepath.Join(to, sub))
		for _, n := range names {
			if err := os.Chmod(n, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}
