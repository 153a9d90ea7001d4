package browse

import (
	"time"

	"github.com/skret/skret/internal/secret"
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

// job is a call that is waited for.
type job struct {
	call
	doing string // for people, as in "listing dev"
	since time.Time
	then  func(*model, answer, time.Time) effect
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
