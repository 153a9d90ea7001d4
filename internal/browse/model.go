package browse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// event is what a model is told: a key, or one of these.
type event any

type (
	resized  struct{ width, height int }
	returned struct{} // somebody else had the terminal
	passed   struct{} // time
	notice   string
)

// what is asked of the project.
type what uint8

const (
	callNames what = iota
	callValue
	callHistory
	callCompare
	callEdit
	callDelete
	callRollback
)

// call is a question to the project.
type call struct {
	id      int
	what    what
	env, to string
	key     secret.Key
	version int64
}

// writes tells whether the call may change something.
func (c call) writes() bool { return c.what >= callEdit }

// What is asked at one time: a list, one thing to look at, and one change.
const (
	listing = iota
	looking
	writing
)

func (c call) slot() int {
	switch {
	case c.what == callNames:
		return listing
	case c.writes():
		return writing
	}
	return looking
}

// answer is what came of the call with this id.
type answer struct {
	id          int
	err         error
	entries     []secret.Entry
	entry       secret.Entry
	versions    []Version
	differences []Difference
	said        string
	made        int64
	panicked    string
}

// effect is what a model wants done.
type effect struct {
	call   *call // to be asked
	cancel []int // calls that are not waited for any more
	redraw bool
	stop   bool // the job, as ^Z does
	leave  bool
}

// job is a call that is waited for.
type job struct {
	call
	doing string // for people, as in "listing dev"
	since time.Time
	then  func(*model, answer, time.Time) effect
}

// prompt is a question on the last line.
type prompt struct {
	label string
	text  string
	one   bool // one key answers it
	then  func(*model, string, time.Time) effect
}

// message is what there is to tell, until the next key.
type message struct {
	text string
	bad  bool
}

// model is the state of the interface.
type model struct {
	project       string
	envs          []Environment
	env           int // the one that is shown; -1 before one was chosen
	width, height int

	pages    []*page // the one that is seen comes last
	shown    *revealed
	prompt   *prompt
	messages []message
	jobs     [writing + 1]*job
	lastID   int
}

func newModel(o Options) *model {
	m := &model{project: o.Project, envs: slices.Clone(o.Environments), env: -1}
	m.env = slices.IndexFunc(m.envs, func(e Environment) bool { return e.Name == o.Env })
	return m
}

// page returns the page that is seen.
func (m *model) page() *page { return m.pages[len(m.pages)-1] }

// current returns the environment that is shown.
func (m *model) current() Environment { return m.envs[m.env] }

// begin shows the first page.
func (m *model) begin(now time.Time) effect {
	if m.env < 0 {
		m.pages = []*page{m.environmentsPage("environments")}
		return effect{}
	}
	return m.open(m.env, now)
}

// update takes an event and returns what is to be done about it.
func (m *model) update(e event, now time.Time) effect {
	if m.shown != nil && !now.Before(m.shown.until) {
		m.shown = nil
	}
	var do effect
	switch e := e.(type) {
	case key:
		do = m.pressed(e, now)
	case resized:
		m.width, m.height = e.width, e.height
		if m.shown != nil {
			m.shown.fold(m.width)
		}
	case returned:
		m.shown = nil
	case notice:
		m.say(string(e))
	case answer:
		do = m.answered(e, now)
	}
	m.page().scroll(m.layout().list)
	return do
}

// wake returns when the screen is to be drawn again although nothing happens; the zero
// time is never.
func (m *model) wake(now time.Time) time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if m.shown != nil {
		left := m.shown.until.Sub(now)
		sooner(now.Add(left - left.Truncate(time.Second) + time.Millisecond))
	}
	if j := m.latest(); j != nil {
		if took := now.Sub(j.since); took < patience {
			sooner(j.since.Add(patience))
		} else {
			sooner(now.Add(time.Second - took%time.Second))
		}
	}
	return at
}

// patience is how long something may take before the user is told that it is waited for.
const patience = 150 * time.Millisecond

// say tells something, until the next key.
func (m *model) say(text string) {
	for l := range strings.SplitSeq(text, "\n") {
		m.messages = append(m.messages, message{l, false})
	}
}

// fail tells of an error and its hint, until the next key.
func (m *model) fail(err error) { m.messages = append(m.messages, failure(err)...) }

// failure is an error for the eye.
func failure(err error) []message {
	var all []message
	for _, e := range errs.All(err) {
		all = append(all, message{e.Error(), true})
		if h := errs.HintOf(e); h != "" {
			all = append(all, message{"hint: " + h, false})
		}
	}
	return all
}

// latest returns what is waited for, of several what was asked last; nil if nothing is.
func (m *model) latest() (j *job) {
	for _, one := range m.jobs {
		if one != nil && (j == nil || one.id > j.id) {
			j = one
		}
	}
	return j
}

// start asks the project something, in place of what is being asked of that sort.
func (m *model) start(now time.Time, doing string, c call, then func(*model, answer, time.Time) effect) effect {
	if j := m.jobs[writing]; j != nil && c.writes() {
		m.say("still " + j.doing)
		return effect{}
	}
	do := m.drop(c.slot())
	m.lastID++
	c.id = m.lastID
	m.jobs[c.slot()] = &job{call: c, doing: doing, since: now, then: then}
	do.call = &c
	return do
}

// drop stops waiting for something.
func (m *model) drop(slot int) effect {
	j := m.jobs[slot]
	if j == nil {
		return effect{}
	}
	m.jobs[slot] = nil
	return effect{cancel: []int{j.id}}
}

// answered takes what came of a call.
func (m *model) answered(a answer, now time.Time) effect {
	for i, j := range m.jobs {
		if j != nil && j.id == a.id {
			m.jobs[i] = nil
			return j.then(m, a, now)
		}
	}
	return effect{} // nobody waits for it any more
}

// giveUp stops waiting, where that is safe.
func (m *model) giveUp() effect {
	j := m.latest()
	if j.writes() {
		m.say("still " + j.doing + "; ^C leaves all the same")
		return effect{}
	}
	m.say("gave up " + j.doing)
	return m.drop(j.slot())
}

// pressed handles a key.
func (m *model) pressed(k key, now time.Time) effect {
	if k.code == control && k.char == 'c' {
		return effect{leave: true}
	}
	if k.code == control && k.char == 'l' {
		return effect{redraw: true}
	}
	if k.code == control && k.char == 'z' {
		m.shown = nil
		return effect{stop: true}
	}
	m.messages = nil
	switch {
	case m.prompt != nil:
		return m.answer(k, now)
	case m.page().typing:
		return m.typed(k)
	case k.code == paste || k.alt:
		return effect{} // commands are typed
	}
	if m.shown != nil {
		if m.shown.scroll(k, m.layout().pane-1) {
			return effect{}
		}
		m.shown = nil
		if k.code == enter || k.code == escape || k.char == 'r' {
			return effect{}
		}
	}
	if m.page().move(k, m.layout().list) {
		return effect{}
	}
	return m.command(k, now)
}

// command does what a key stands for on every page, or on this one.
func (m *model) command(k key, now time.Time) effect {
	switch {
	case k.code == escape && m.latest() != nil:
		return m.giveUp()
	case k.code == escape && m.page().query != "":
		m.page().find("")
		return effect{}
	case k.code == escape || k.code == letter && k.char == 'q' || k.code == left:
		return m.back(k)
	case k.code == tab:
		if m.page().kind != environments {
			m.push(m.environmentsPage("environments"))
		}
		return effect{}
	case k.code == letter && k.char == '/':
		m.page().typing = m.page().kind != helpText
		return effect{}
	case k.code == letter && k.char == '?':
		if m.page().kind != helpText {
			m.push(newPage(helpText, "help"))
		}
		return effect{}
	}
	switch m.page().kind {
	case secrets:
		return m.onSecrets(k, now)
	case environments:
		return m.onEnvironments(k, now)
	case history:
		return m.onHistory(k, now)
	}
	return effect{}
}

// back leaves a page, and from the first one the interface.
func (m *model) back(k key) effect {
	switch {
	case len(m.pages) > 1:
		m.pages = m.pages[:len(m.pages)-1]
		return effect{}
	case k.code == left:
		return effect{}
	case m.jobs[writing] != nil:
		m.say("still " + m.jobs[writing].doing + "; ^C leaves all the same")
		return effect{}
	}
	return effect{leave: true}
}

func (m *model) push(p *page) {
	m.shown = nil
	m.pages = append(m.pages, p)
}

// typed handles a key while a name is being looked for.
func (m *model) typed(k key) effect {
	p := m.page()
	switch {
	case k.code == enter:
		p.typing = false
	case k.code == escape:
		p.typing = false
		p.find("")
	case k.code == backspace && p.query == "":
		p.typing = false
	case k.code == up, k.code == down, k.code == pageUp, k.code == pageDown:
		p.move(k, m.layout().list)
	case k.code == control && (k.char == 'p' || k.char == 'n'):
		p.move(k, m.layout().list)
	default:
		if text := edited(p.query, k); text != p.query {
			p.find(text)
		}
	}
	return effect{}
}

// answer handles a key while a question is on the last line.
func (m *model) answer(k key, now time.Time) effect {
	p := m.prompt
	switch {
	case k.code == escape:
		m.prompt = nil
		m.say("nothing was changed")
	case p.one:
		m.prompt = nil
		if k.code != letter || k.alt {
			k.char = 'n'
		}
		return p.then(m, string(k.char), now)
	case k.code == enter:
		m.prompt = nil
		return p.then(m, p.text, now)
	default:
		p.text = edited(p.text, k)
	}
	return effect{}
}

// edited returns text after a key at its end.
func edited(text string, k key) string {
	switch {
	case k.code == letter && !k.alt:
		return text + string(k.char)
	case k.code == paste:
		first, _, _ := strings.Cut(strings.TrimLeft(k.text, "\r\n"), "\n")
		return text + strings.TrimRight(strings.ToValidUTF8(first, ""), "\r")
	case k.code == backspace && text != "":
		r := []rune(text)
		return string(r[:len(r)-1])
	case k.code == control && k.char == 'u':
		return ""
	case k.code == control && k.char == 'w':
		return text[:strings.LastIndexByte(strings.TrimRight(text, " "), ' ')+1]
	}
	return text
}

// open shows an environment.
func (m *model) open(i int, now time.Time) effect {
	m.shown, m.env = nil, i
	m.pages = []*page{newPage(secrets, "")}
	do := m.drop(looking)
	listed := m.list("", now)
	listed.cancel = append(listed.cancel, do.cancel...)
	return listed
}

// list lists the environment that is shown, and puts the cursor on a secret.
func (m *model) list(on secret.Key, now time.Time) effect {
	env := m.current()
	return m.start(now, "listing "+env.title(), call{what: callNames, env: env.Name}, func(m *model, a answer, _ time.Time) effect {
		m.envs[m.env].Err = a.err
		p := m.pages[0]
		if a.err != nil {
			p.empty = failure(a.err)
			p.setSecrets(nil, "")
			return effect{}
		}
		p.empty = []message{{"no secrets here yet; n makes one", false}}
		if on == "" {
			on = p.key()
		}
		p.setSecrets(a.entries, on)
		return effect{}
	})
}

// title is the environment's name, or its place when it has none.
func (e Environment) title() string {
	if e.Name == "" {
		return e.Where
	}
	return e.Name
}

// onSecrets handles a key on the page of an environment's secrets.
func (m *model) onSecrets(k key, now time.Time) effect {
	p := m.page()
	on := p.key()
	switch {
	case k.code == letter && k.char == 'R':
		return m.list("", now)
	case k.code == letter && k.char == 'n':
		m.prompt = &prompt{label: "name of the new secret: ", then: (*model).make}
		return effect{}
	case k.code == letter && k.char == 'c':
		m.chooseOther()
		return effect{}
	case on == "":
		return effect{}
	case k.code == enter || k.code == letter && k.char == 'r':
		return m.reveal(on, 0, now)
	case k.code == letter && k.char == 'e':
		return m.edit(on, now)
	case k.code == letter && k.char == 'd' || k.code == del:
		m.confirm("delete "+string(on)+" from "+m.current().title(), func(m *model, now time.Time) effect { return m.remove(on, now) })
	case k.code == letter && k.char == 'h' || k.code == right:
		return m.past(on, now)
	}
	return effect{}
}

// reveal shows one value.
func (m *model) reveal(k secret.Key, version int64, now time.Time) effect {
	c := call{what: callValue, env: m.current().Name, key: k, version: version}
	from := m.page()
	return m.start(now, "reading "+string(k), c, func(m *model, a answer, now time.Time) effect {
		switch {
		case a.err != nil:
			m.fail(a.err)
		case m.page() == from && from.key() == k && m.prompt == nil: // the user is still there
			m.shown = newRevealed(a.entry, now, m.width)
		}
		return effect{}
	})
}

// edit has the user change a secret, or make it.
func (m *model) edit(k secret.Key, now time.Time) effect {
	c := call{what: callEdit, env: m.current().Name, key: k}
	return m.start(now, "editing "+string(k), c, func(m *model, a answer, now time.Time) effect {
		if a.said != "" {
			m.say(a.said)
		}
		if a.err != nil {
			m.fail(a.err)
		}
		return m.list(k, now)
	})
}

// make takes the name of a new secret.
func (m *model) make(name string, now time.Time) effect {
	k, err := secret.ParseKey(strings.TrimSpace(name))
	switch {
	case strings.TrimSpace(name) == "":
		m.say("nothing was changed")
	case err != nil:
		m.fail(err)
	default:
		return m.edit(k, now)
	}
	return effect{}
}

// confirm asks before a change: for one key, and in a protected environment for its
// name.
func (m *model) confirm(question string, then func(*model, time.Time) effect) {
	env := m.current()
	p := &prompt{label: question + "? [y/N] ", one: true}
	wanted := []string{"y", "Y"}
	if env.Protected {
		p = &prompt{label: question + "? Type " + env.Name + " to do it: "}
		wanted = []string{env.Name}
	}
	p.then = func(m *model, text string, now time.Time) effect {
		if !slices.Contains(wanted, text) {
			m.say("not confirmed; nothing was changed")
			return effect{}
		}
		return then(m, now)
	}
	m.prompt = p
}

func (m *model) remove(k secret.Key, now time.Time) effect {
	c := call{what: callDelete, env: m.current().Name, key: k}
	return m.start(now, "deleting "+string(k), c, func(m *model, a answer, now time.Time) effect {
		if a.err != nil {
			m.fail(a.err)
		} else {
			m.say("deleted " + string(k))
		}
		return m.list("", now)
	})
}

// past shows the versions of a secret.
func (m *model) past(k secret.Key, now time.Time) effect {
	c := call{what: callHistory, env: m.current().Name, key: k}
	return m.start(now, "reading the history of "+string(k), c, func(m *model, a answer, _ time.Time) effect {
		if a.err != nil {
			m.fail(a.err)
			return effect{}
		}
		if m.page().kind != history {
			m.push(newPage(history, "history of "+string(k)))
		}
		m.page().setHistory(k, a.versions)
		return effect{}
	})
}

// onHistory handles a key on the page of a secret's versions.
func (m *model) onHistory(k key, now time.Time) effect {
	p := m.page()
	v, ok := p.version()
	switch {
	case !ok:
	case v.Deleted && (k.code == enter || k.code == letter && (k.char == 'r' || k.char == 'b')):
		m.say("version " + strconv.FormatInt(v.Version, 10) + " is a deletion")
	case k.code == enter || k.code == letter && k.char == 'r':
		return m.reveal(v.Key, v.Version, now)
	case k.code == letter && k.char == 'b':
		question := fmt.Sprintf("bring back version %d of %s in %s", v.Version, v.Key, m.current().title())
		m.confirm(question, func(m *model, now time.Time) effect { return m.bringBack(v, now) })
	}
	return effect{}
}

func (m *model) bringBack(v Version, now time.Time) effect {
	c := call{what: callRollback, env: m.current().Name, key: v.Key, version: v.Version}
	return m.start(now, "bringing back "+string(v.Key), c, func(m *model, a answer, now time.Time) effect {
		if a.err != nil {
			m.fail(a.err)
			return effect{}
		}
		m.say(fmt.Sprintf("version %d of %s is back, as version %d", v.Version, v.Key, a.made))
		if m.page().kind == history {
			m.pages = m.pages[:len(m.pages)-1]
		}
		return m.list(v.Key, now)
	})
}

// chooseOther asks for the environment to compare with.
func (m *model) chooseOther() {
	if len(m.envs) < 2 {
		m.say("there is no other environment to compare with")
		return
	}
	p := m.environmentsPage("compare " + m.current().title() + " with")
	p.choose = true
	p.put((m.env + 1) % len(m.envs))
	m.push(p)
}

// onEnvironments handles a key on the page of environments.
func (m *model) onEnvironments(k key, now time.Time) effect {
	p := m.page()
	i, ok := p.row()
	if !ok || k.code != enter && k.code != right {
		return effect{}
	}
	switch {
	case !p.choose:
		return m.open(i, now)
	case i == m.env:
		m.say("that is the one that is shown")
		return effect{}
	}
	return m.compare(i, now)
}

// compare compares the environment that is shown with another.
func (m *model) compare(i int, now time.Time) effect {
	from, to := m.current(), m.envs[i]
	c := call{what: callCompare, env: from.Name, to: to.Name}
	return m.start(now, "comparing "+from.title()+" with "+to.title(), c, func(m *model, a answer, _ time.Time) effect {
		if a.err != nil {
			m.fail(a.err)
			return effect{}
		}
		m.shown = nil
		p := newPage(comparison, "compared with "+to.title())
		p.empty = []message{{"neither has any secrets", false}}
		p.setDifferences(a.differences, from.title(), to.title())
		m.pages = []*page{m.pages[0], p}
		return effect{}
	})
}

// screen returns the lines of the screen.
func (m *model) screen(now time.Time, colour bool) []string {
	lines := m.view(now)
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = l.text(colour)
	}
	return text
}

// cell is text in a table.
func cell(s string) string { return ui.Cell(s) }
