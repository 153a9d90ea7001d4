package browse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/secret"
)

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
