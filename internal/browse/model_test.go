package browse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// shelf is a project for tests: environments with secrets, and what was asked of it.
type shelf struct {
	envs   map[string]map[secret.Key][]string // versions, oldest first
	asked  []string
	refuse map[string]error // by environment
}

func newShelf() *shelf {
	return &shelf{
		envs: map[string]map[secret.Key][]string{
			"dev":  {"DB_URL": {"old-value", "dev-value"}, "PORT": {"8080"}, "PEM": {"line 1\nline \x1b[31m2\n" + strings.Repeat("more\n", 40)}},
			"prod": {"DB_URL": {"prod-value"}, "PORT": {"8080"}, "ONLY_PROD": {"x"}},
		},
		refuse: map[string]error{"broken": errs.New(errs.Auth, "not signed in").WithHint("skret auth login aws")},
	}
}

func (s *shelf) note(format string, args ...any) {
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
}

func (s *shelf) Names(_ context.Context, env string) ([]secret.Entry, error) {
	s.note("names %s", env)
	var es []secret.Entry
	for k, vs := range s.envs[env] {
		es = append(es, secret.Entry{Key: k, Version: int64(len(vs)), Modified: time.Unix(1_700_000_000, 0)})
	}
	secret.SortEntries(es)
	return es, s.refuse[env]
}

func (s *shelf) Value(_ context.Context, env string, k secret.Key, version int64) (secret.Entry, error) {
	s.note("value %s %s %d", env, k, version)
	vs := s.envs[env][k]
	if version == 0 {
		version = int64(len(vs))
	}
	return secret.Entry{Key: k, Version: version, Value: secret.NewValue(vs[version-1])}, nil
}

func (s *shelf) History(_ context.Context, env string, k secret.Key) ([]Version, error) {
	s.note("history %s %s", env, k)
	var all []Version
	for i := range slices.Backward(s.envs[env][k]) {
		all = append(all, Version{Entry: secret.Entry{Version: int64(i + 1), Author: "somebody"}})
	}
	all[0].Note = "current"
	return all, nil
}

func (s *shelf) Compare(_ context.Context, from, to string) ([]Difference, error) {
	s.note("compare %s %s", from, to)
	return []Difference{{"PORT", Same}, {"ONLY_PROD", OnlyTo}, {"DB_URL", Different}, {"PEM", OnlyFrom}}, s.refuse[to]
}

func (s *shelf) Edit(_ context.Context, env string, k secret.Key) (string, error) {
	s.note("edit %s %s", env, k)
	s.envs[env][k] = append(s.envs[env][k], "edited")
	return fmt.Sprintf("set %s, version %d", k, len(s.envs[env][k])), nil
}

func (s *shelf) Delete(_ context.Context, env string, k secret.Key) error {
	s.note("delete %s %s", env, k)
	delete(s.envs[env], k)
	return nil
}

func (s *shelf) Rollback(_ context.Context, env string, k secret.Key, version int64) (int64, error) {
	s.note("rollback %s %s %d", env, k, version)
	vs := s.envs[env][k]
	s.envs[env][k] = append(vs, vs[version-1])
	return int64(len(vs) + 1), nil
}

// rig drives a model without a terminal and without waiting: what it asks is answered
// at once, unless slow.
type rig struct {
	*model
	t       *testing.T
	o       Options
	now     time.Time
	slow    bool
	pending []call
	stopped []int
	left    bool
}

func newRig(t *testing.T, s *shelf) *rig {
	o := Options{
		Project: "shop", Env: "dev", Reader: s, Writer: s,
		Environments: []Environment{
			{Name: "broken", Where: "/shop/broken"}, {Name: "dev", Where: "dev.yaml"}, {Name: "prod", Where: "prod.yaml", Protected: true},
		},
	}
	r := &rig{model: newModel(o), t: t, o: o, now: time.Unix(1_800_000_000, 0)}
	r.width, r.height = 80, 24
	r.do(r.begin(r.now))
	return r
}

func (r *rig) do(e effect) {
	r.stopped = append(r.stopped, e.cancel...)
	r.left = r.left || e.leave
	if e.call == nil {
		return
	}
	if r.slow {
		r.pending = append(r.pending, *e.call)
		return
	}
	r.event(perform(r.t.Context(), r.o, *e.call))
}

func (r *rig) event(e event) { r.do(r.update(e, r.now)) }

// finish answers what is pending.
func (r *rig) finish() {
	calls := r.pending
	r.pending = nil
	for _, c := range calls {
		r.event(perform(r.t.Context(), r.o, c))
	}
}

// press types keys, as a terminal sends them.
func (r *rig) press(typed ...string) *rig {
	for _, s := range typed {
		keys, _ := decodeAll([]byte(s), true)
		for _, k := range keys {
			r.event(k)
		}
	}
	return r
}

func (r *rig) pass(d time.Duration) *rig {
	r.now = r.now.Add(d)
	r.event(passed{})
	return r
}

// seen is the screen as text.
func (r *rig) seen() string {
	var all []string
	for _, l := range r.view(r.now) {
		var b strings.Builder
		for _, s := range l {
			b.WriteString(s.text)
		}
		all = append(all, strings.TrimRight(b.String(), " "))
	}
	return strings.Join(all, "\n")
}

func (r *rig) shows(want ...string) {
	r.t.Helper()
	for _, w := range want {
		if !strings.Contains(r.seen(), w) {
			r.t.Errorf("%q is not on the screen:\n%s", w, r.seen())
		}
	}
}

func (r *rig) hides(not ...string) {
	r.t.Helper()
	for _, n := range not {
		if strings.Contains(r.seen(), n) {
			r.t.Errorf("%q is on the screen:\n%s", n, r.seen())
		}
	}
}

const esc, return_, pgdn = "\x1b", "\r", "\x1b[6~"

func TestNoValueIsReadBeforeItIsAskedFor(t *testing.T) {
	s := newShelf()
	r := newRig(t, s)
	r.press("j", "k", "G", "/", "db", return_, esc, "?", esc, "h", "j", esc, "\t", esc, "c", esc, "d", "n", "R", "\x0c")
	for _, a := range s.asked {
		if strings.HasPrefix(a, "value") {
			t.Errorf("%q", s.asked)
		}
	}
	r.press("g", return_)
	if s.asked[len(s.asked)-1] != "value dev DB_URL 0" {
		t.Errorf("%q", s.asked)
	}
	r.shows("dev-value", "DB_URL, version 2, 9 bytes", "hides in 30 s")
}

func TestAValueIsHiddenAgain(t *testing.T) {
	for name, do := range map[string]func(*rig){
		"by moving":                           func(r *rig) { r.press("j") },
		"by moving where none is":             func(r *rig) { r.press("k") },
		"by the key that showed":              func(r *rig) { r.press("r") },
		"by Esc":                              func(r *rig) { r.press(esc) },
		"by searching":                        func(r *rig) { r.press("/") },
		"by help":                             func(r *rig) { r.press("?") },
		"by its history":                      func(r *rig) { r.press("h") },
		"by the environments":                 func(r *rig) { r.press("\t") },
		"after 30 seconds":                    func(r *rig) { r.pass(30 * time.Second) },
		"when somebody else had the terminal": func(r *rig) { r.event(returned{}) },
		"by ^Z":                               func(r *rig) { r.press("\x1a") },
		"by a question":                       func(r *rig) { r.press("d") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, newShelf()).press(return_)
			r.shows("dev-value")
			do(r)
			r.hides("dev-value")
			if r.shown != nil {
				t.Error("it is kept")
			}
			if r.left {
				t.Error("the interface is left")
			}
		})
	}
	r := newRig(t, newShelf()).press(return_).pass(29 * time.Second)
	r.shows("dev-value", "hides in 1 s")
	r.event(resized{60, 20})
	r.shows("dev-value")
	if at := r.wake(r.now); at.Sub(r.now) > time.Second+time.Millisecond {
		t.Errorf("woken after %s", at.Sub(r.now))
	}
}

// A value that comes when the user is elsewhere by then is not shown.
func TestALateValueIsNotShown(t *testing.T) {
	for _, keys := range []string{"j", "\t", "?", "d", "/port"} {
		r := newRig(t, newShelf())
		r.slow = true
		r.press(return_, keys)
		r.finish()
		r.hides("dev-value")
		if r.shown != nil {
			t.Errorf("%q: it is shown", keys)
		}
	}
}

func TestALongValueIsScrolled(t *testing.T) {
	r := newRig(t, newShelf()).press("j", return_)
	r.shows("line 1\n", `line \x1b[31m2`, "lines 1 to 13 of 42")
	r.press(pgdn)
	r.shows("lines 14 to 26 of 42")
	r.press(pgdn, pgdn, pgdn)
	r.shows("lines 30 to 42 of 42")
	r.press("\x1b[5~", "\x1b[5~", "\x1b[5~")
	r.shows("lines 1 to 13 of 42")
}

func TestSearchAsOneTypes(t *testing.T) {
	r := newRig(t, newShelf())
	r.press("/", "prt")
	r.shows("PORT", "1 of 3 secrets", "/prt")
	r.hides("DB_URL")
	r.press("\x7f\x7f\x7f", "\x1b[200~DB\nmore\x1b[201~")
	r.shows("/DB", "DB_URL", "1 of 3")
	r.press("\x15", "zz")
	r.shows("nothing fits zz")
	r.press(return_, return_, "e", "d", "h") // nothing is there to act on
	r.press(esc)
	r.shows("3 secrets", "PEM")
	if r.left {
		t.Error("the interface is left")
	}
	r.press("/", "q", esc, "q")
	if !r.left {
		t.Error("q does not quit")
	}
}

func TestEnvironments(t *testing.T) {
	s := newShelf()
	r := newRig(t, s).press("\t")
	r.shows("dev.yaml", "prod.yaml, protected", "3 environments")
	r.press("j", return_)
	r.shows("prod protected", "ONLY_PROD")
	r.press("\t", "g", return_)
	r.shows("broken", "not signed in", "hint: skret auth login aws")
	r.press("\t")
	r.shows("not signed in") // in its row; the others stay usable
	r.press("j", return_)
	r.shows("PEM")
	r.hides("not signed in")
}

func TestNothingChosenBeginsWithTheList(t *testing.T) {
	s := newShelf()
	o := newRig(t, s).o
	o.Env = "none"
	s.asked = nil
	r := &rig{model: newModel(o), t: t, o: o}
	r.width, r.height = 80, 24
	r.do(r.begin(r.now))
	r.shows("environments", "prod.yaml")
	r.press("c", "d", "r", "e", "n", "b", "/", "x", esc, pgdn, "?", esc)
	if len(s.asked) > 0 {
		t.Errorf("%q", s.asked)
	}
	r.press(return_)
	if len(s.asked) != 1 {
		t.Errorf("%q", s.asked)
	}
}

func TestChangesAreConfirmed(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string // what is asked of the project last; "" is no change
	}{
		{"y", []string{"d", "y"}, "delete dev DB_URL"},
		{"n", []string{"d", "n"}, ""},
		{"Enter", []string{"d", return_}, ""},
		{"Esc", []string{"d", esc}, ""},
		{"y with Alt", []string{"d", "\x1by"}, ""},
		{"pasted", []string{"d", "\x1b[200~y\x1b[201~"}, ""},
		{"Del", []string{"\x1b[3~", "y"}, "delete dev DB_URL"},
		{"protected, y", []string{"\t", "j", return_, "d", "y", return_}, ""},
		{"protected, its name", []string{"\t", "j", return_, "d", "prod", return_}, "delete prod DB_URL"},
		{"protected, another name", []string{"\t", "j", return_, "d", "produ", return_}, ""},
		{"protected, rolled back", []string{"\t", "j", return_, "h", "b", "prod", return_}, "rollback prod DB_URL 1"},
		{"rolled back", []string{"h", "j", "b", "y"}, "rollback dev DB_URL 1"},
		{"not rolled back", []string{"h", "j", "b", "n"}, ""},
		{"edited", []string{"e"}, "edit dev DB_URL"},
		{"made", []string{"n", "NEW", return_}, "edit dev NEW"},
		{"not made", []string{"n", "NEW", esc}, ""},
		{"no name", []string{"n", " ", return_}, ""},
		{"a bad name", []string{"n", "A B", return_}, ""},
		{"keys that were pasted", []string{"\x1b[200~dy\x1b[201~"}, ""},
		{"keys with Alt", []string{"\x1bd", "y"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf()
			r := newRig(t, s).press(c.keys...)
			got := ""
			for _, a := range s.asked {
				if strings.HasPrefix(a, "delete") || strings.HasPrefix(a, "rollback") || strings.HasPrefix(a, "edit") {
					got = a
				}
			}
			if got != c.want {
				t.Errorf("%q, want %q\n%s", got, c.want, r.seen())
			}
			if c.want != "" && !strings.HasPrefix(s.asked[len(s.asked)-1], "names") {
				t.Error("the list is not made anew")
			}
		})
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t, newShelf()).press("h")
	r.shows("history of DB_URL", "2 versions", "current", "somebody")
	r.press("j", return_)
	r.shows("old-value", "DB_URL, version 1")
	r.press(esc)
	r.hides("old-value")
	r.shows("history of DB_URL")
	r.press("b", "y")
	r.shows("version 1 of DB_URL is back, as version 3", "3 secrets")
}

func TestCompare(t *testing.T) {
	s := newShelf()
	r := newRig(t, s).press("c")
	r.shows("compare dev with")
	r.press("k", return_)
	r.shows("that is the one that is shown")
	r.press("j", return_)
	r.shows("compared with prod")
	r.press(esc, "c", return_) // the cursor is not on the one that is shown
	r.shows("compared with prod")
	text := r.seen()
	for _, w := range []string{"PEM        only in dev", "DB_URL     different", "ONLY_PROD  only in prod", "PORT       same"} {
		i := strings.Index(text, w)
		if i < 0 {
			t.Fatalf("%q is not in order in\n%s", w, r.seen())
		}
		text = text[i:]
	}
	r.press(esc)
	r.shows("3 secrets")
	r.press("c", "g", return_)
	r.shows("not signed in", "compare dev with")
}

// What is slow holds nothing up, is told after a while, and can be given up, unless
// it writes.
func TestWaiting(t *testing.T) {
	s := newShelf()
	r := newRig(t, s)
	r.slow = true
	r.press("R")
	r.hides("listing dev")
	r.pass(patience)
	r.shows("listing dev ..., Esc gives up")
	r.pass(3 * time.Second)
	r.shows("listing dev ... 3 s")
	if at := r.wake(r.now); at.Sub(r.now) > time.Second {
		t.Errorf("woken after %s", at.Sub(r.now))
	}
	r.press("j", "?", "q")
	r.press(esc)
	r.shows("gave up listing dev")
	if len(r.stopped) != 1 || r.left {
		t.Errorf("stopped %v, left %v", r.stopped, r.left)
	}
	r.finish() // what comes later is nobody's
	r.shows("3 secrets")

	r.press("g", "R", return_, "h") // the last question is asked in place of the one before; the list is made all the same
	if len(r.stopped) != 2 || len(r.pending) != 3 {
		t.Errorf("stopped %v, pending %v", r.stopped, r.pending)
	}
	r.finish()
	r.finish()
	r.shows("history of DB_URL")
	r.press("q", return_, "\t", "j", return_) // with the environment goes what was asked of it
	if len(r.stopped) != 3 {
		t.Errorf("stopped %v", r.stopped)
	}
	r.finish()
	r.hides("dev-value")
	r.press("\t", "k", return_)
	r.finish()

	r.press("d", "y", esc)
	r.shows("still deleting")
	r.press("q", "d", "y")
	r.shows("still deleting")
	if len(r.pending) != 1 || r.left {
		t.Errorf("pending %v, left %v", r.pending, r.left)
	}
	r.press("\x03")
	if !r.left {
		t.Error("^C does not leave")
	}
}

func TestFailuresAreTold(t *testing.T) {
	r := newRig(t, newShelf())
	r.event(notice("retrying \x1b[31m in 2 s"))
	r.shows(`retrying \x1b[31m in 2 s`)
	r.press("j")
	r.hides("retrying")
	r.press("n", "A B", return_)
	r.shows(`invalid key "A B"`, "hint: a key is made of")
}

// hostile is text that would steer a terminal or deceive its reader, and that takes more
// or fewer cells than it has characters.
func hostile(r *rand.Rand) string {
	parts := []string{
		"A", "KEY", "_", "/", "日本", "\x1b[31m", "\x1b]0;x\a", "\x9b2J", "\r", "\n", "\t", "\u202e", "\u200b", "e\u0301", "\u0301\u0301\u0301", "\xff\xfe", "😀", "\U000e0001", "…",
		"ｗｉｄｅ", "\u00a0", "𐀀", "\x00", "\x7f", " ", "한국어", "\u2028",
	}
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

// No line is wider than the screen and there are no more lines than it has, at any size,
// in any state, with any names; and nothing of them steers the terminal.
func TestEveryScreenFits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newShelf()
	s.envs["dev"] = map[secret.Key][]string{}
	for range 40 {
		s.envs["dev"][secret.Key(hostile(random))] = []string{hostile(random) + "\n" + strings.Repeat(hostile(random), 10)}
	}
	var states []*rig
	for _, keys := range [][]string{
		{}, {return_}, {"j", return_, pgdn}, {"/"}, {"/", "a"}, {"/", "zzz"}, {"/", hostile(random)}, {"\t"}, {"c"}, {"c", "j", "j", return_}, {"?"}, {"h"}, {"h", return_},
		{"d"}, {"n", "A B"}, {"n", "A B", return_}, {"n", strings.Repeat("日", 60)}, {"\t", "g", return_}, {"R"}, {"G"},
	} {
		r := newRig(t, s)
		r.envs[1].Where, r.envs[2].Err, r.project = hostile(random)+hostile(random), errs.New(errs.Config, "%s", hostile(random)), hostile(random)
		r.event(notice(hostile(random)))
		r.press(keys...)
		if len(keys) > 0 && keys[0] == "R" {
			r.slow = true
			r.press("R").pass(time.Second)
		}
		states = append(states, r)
	}
	check := func(r *rig, w, h int) {
		r.event(resized{w, h})
		lines := r.view(r.now)
		if len(lines) != h {
			t.Fatalf("%d lines at %dx%d:\n%s", len(lines), w, h, r.seen())
		}
		for i, l := range lines {
			if l.width() > w {
				t.Fatalf("line %d is %d wide at %dx%d: %q", i, l.width(), w, h, l)
			}
			if l.width() != ui.Width(strings.Join(texts(l), "")) {
				t.Fatalf("%q", l)
			}
		}
		for _, text := range r.screen(r.now, false) {
			text = strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[4m", "", "\x1b[7m", "", "\x1b[1;4m", "", "\x1b[1;7m", "",
				"\x1b[4;7m", "", "\x1b[1;4;7m", "", "\x1b[2;4m", "").Replace(text)
			for _, c := range text {
				if unicode.IsControl(c) || c == unicode.ReplacementChar || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Fatalf("%U in %q", c, text)
				}
			}
		}
	}
	for _, r := range states {
		for w := range 201 {
			check(r, w, 1+w%30)
		}
		for h := 1; h <= 40; h++ {
			check(r, 20, h)
		}
	}
}

func texts(l line) (all []string) {
	for _, s := range l {
		all = append(all, s.text)
	}
	return all
}

// Whatever is typed in whatever state, nothing panics and the cursor is on a row.
func FuzzModel(f *testing.F) {
	f.Add([]byte("jjk\r/db\rh\x1bc\rqd"), uint8(80), uint8(24))
	f.Add([]byte("\tj\rde\x1b[200~x\x1b[201~?"), uint8(20), uint8(5))
	f.Fuzz(func(t *testing.T, typed []byte, w, h uint8) {
		r := newRig(t, newShelf())
		r.event(resized{int(w), int(h)})
		keys, _ := decodeAll(typed, true)
		for i, k := range keys {
			r.slow = i%7 == 6
			r.event(k)
			r.view(r.now)
			if p := r.page(); p.kind != helpText && (p.at < 0 || p.at >= max(len(p.found), 1) || p.top < 0 || p.top > p.at) {
				t.Fatalf("cursor %d, top %d of %d", p.at, p.top, len(p.found))
			}
			if i%11 == 10 {
				r.finish()
			}
		}
	})
}

// With NO_COLOR there is no colour, but what is chosen and what is strong can be told.
func TestNoColour(t *testing.T) {
	r := newRig(t, newShelf()).press("\t", "g", return_, "\t", "j")
	for _, colour := range []bool{true, false} {
		text := strings.Join(r.screen(r.now, colour), "")
		if strings.Contains(text, "\x1b[31m") != colour || !strings.Contains(text, "\x1b[7m") {
			t.Errorf("%q", text)
		}
	}
}

func TestTenThousandSecretsAreSearched(t *testing.T) {
	s := newShelf()
	for i := range 10_000 {
		s.envs["dev"][secret.Key(fmt.Sprintf("SERVICE_%d/KEY_%05d", i%97, i))] = []string{"x"}
	}
	r := newRig(t, s)
	r.press("/", "key09", return_, "G", "g", pgdn)
	r.shows(" of 10003 secrets")
	if n := len(r.view(r.now)); n != 24 {
		t.Errorf("%d lines", n)
	}
}

func BenchmarkKeyOf10000(b *testing.B) {
	s := newShelf()
	for i := range 10_000 {
		s.envs["dev"][secret.Key(fmt.Sprintf("SERVICE_%d/KEY_%05d", i%97, i))] = []string{"x"}
	}
	r := newRig(&testing.T{}, s)
	for b.Loop() {
		r.update(key{code: down}, r.now)
		r.screen(r.now, true)
	}
}
