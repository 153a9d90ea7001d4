package browse

import (
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// event is what a model is told: a key, or one of these.
type event any

type (
	resized  struct{ width, height int }
	returned struct{} // somebody else had the terminal
	passed   struct{} // time
	notice   string
)

// effect is what a model wants done.
type effect struct {
	call   *call // to be asked
	cancel []int // calls that are not waited for any more
	redraw bool
	stop   bool // the job, as ^Z does
	leave  bool
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

// screen returns the lines of the screen.
func (m *model) screen(now time.Time, colour bool) []string {
	lines := m.view(now)
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = l.text(colour)
	}
	return text
}
