package config

import (
	"slices"
	"strings"
)

// judge checks what the texts of a table say: those of the whole file, of the
// chosen environment, or of a target.
func (r *resolver) judge(t *value) {
	for _, v := range t.values {
		k := v.key
		if t.word != "" && !k.fits(t.word) {
			r.problemAt(v.pos, "take it out, or change the "+t.key.by, "%s goes with %s %s, and this one is %s",
				k.name, t.key.by, strings.Join(t.key.wordsOf(k.name), ", "), t.word)
			continue
		}
		if by := t.get(t.key.by); k.of != nil && by == nil && t.key.by != "provider" {
			r.problemAt(v.pos, "add it", "%s goes with %s %s, and this one has none", k.name, t.key.by, strings.Join(t.key.wordsOf(k.name), ", "))
			continue
		}
		items := v.items
		switch {
		case k.kind == text && strings.TrimSpace(v.text) != "":
			items = []item{{v.text, v.at}}
		case k.name == "keys" && len(items) == 0:
			r.problemAt(v.at, "take it out to have all keys", "keys names none")
		case k.kind == table && k.name != "sync":
			r.judge(v)
		case k.kind == named && k.name != "environments":
			for _, each := range v.values {
				r.judge(each)
			}
		}
		for _, it := range items {
			switch {
			case len(k.words) > 0 && !slices.Contains(k.words, it.text):
				r.problemAt(it.at, "use "+strings.Join(k.words, ", "), "this %s is not known", k.name)
			case strings.TrimSpace(it.text) == "":
				r.problemAt(it.at, "take it out", "an entry of %s is empty", k.name)
			case k.check != nil:
				if why := k.check(it.text); why != "" {
					r.problemAt(it.at, "", "%s: %s", k.name, why)
				}
			}
		}
	}
	r.missing(t)
}

// missing reports the texts and lists that a table must have and has not. What an
// environment must have for its provider, place says: a flag may stand in for it.
func (r *resolver) missing(t *value) {
	for _, k := range t.key.keys {
		if k.of != nil && (t.key.by == "provider" || !k.fits(t.word)) {
			continue
		}
		given := r.has(t, k.name)
		switch {
		case k.or != "" && r.has(t, k.or) != given:
		case k.or != "" && given:
			r.problemAt(t.get(k.or).pos, "take one of them out", "%s has both %s and %s", t.title(), k.name, k.or)
		case k.or != "":
			r.problemAt(t.pos, "add one of them", "%s has neither %s nor %s", t.title(), k.name, k.or)
		case k.must && (k.kind == text || k.kind == list) && !given:
			hint := "add " + k.name
			if len(k.words) > 0 {
				hint += ": " + strings.Join(k.words, " or ")
			}
			r.problemAt(t.pos, hint, "%s has no %s", t.title(), k.name)
		}
	}
}

// has tells whether a table has a text or a list under this name that is not empty.
func (r *resolver) has(t *value, name string) bool {
	v := t.get(name)
	return v != nil && len(v.items) > 0 || r.file(v).given()
}

// wordsOf returns the words of by that a key goes with.
func (k *key) wordsOf(name string) (all []string) {
	for _, c := range k.keys {
		if c.name == name {
			all = append(all, c.of...)
		}
	}
	return all
}
