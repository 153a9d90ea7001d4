package browse

import (
	"slices"
	"strings"
	"unicode"
)

// A match says how well a name fits what was typed.
type match struct {
	row   int
	score int
	marks []int // the letters of the name that were typed, by their numbers, in order
}

// search returns the names that fit the query, best first. The words of a query must
// all fit, each by its letters in order; without a query all names fit as they come.
func search(names []string, query string) []match {
	var words []*word
	for w := range strings.FieldsSeq(query) {
		words = append(words, newWord(w))
	}
	found := make([]match, 0, len(names))
	for i, name := range names {
		m := match{row: i}
		fits := true
		for _, w := range words {
			score, marks, ok := w.fit(name)
			if !ok {
				fits = false
				break
			}
			m.score += score
			m.marks = append(m.marks, marks...)
		}
		if fits {
			if len(words) > 1 {
				slices.Sort(m.marks)
				m.marks = slices.Compact(m.marks)
			}
			found = append(found, m)
		}
	}
	if len(words) > 0 {
		slices.SortStableFunc(found, func(a, b match) int { return b.score - a.score })
	}
	return found
}

// What a letter is worth by where it stands. A letter that follows the one before is
// worth more than any that does not, but the start of a word nearly as much: DBU means
// DB_URL as well as DBUSER.
const (
	perLetter = 16
	following = 12
	wordStart = 10
	nameStart = 4
)

// word is one word of a query, and the memory for finding it.
type word struct {
	letters     []rune
	name, lower []rune
	best, was   []int // by letter of the name: what the word up to this letter is worth if it ends here
	from        []int // by letter of the word and of the name: where the letter before is
}

func newWord(text string) *word {
	w := &word{letters: []rune(text)}
	for i, r := range w.letters {
		w.letters[i] = unicode.ToLower(r)
	}
	return w
}

const none = -1 << 30 // worth nothing: it cannot be

// fit finds the best way in which the letters of the word stand in name in this order,
// without regard to case.
func (w *word) fit(name string) (score int, marks []int, ok bool) {
	if !w.within(name) {
		return 0, nil, false
	}
	n := len(w.name)
	w.best, w.was = resize(w.best, n), resize(w.was, n)
	w.from = resize(w.from, n*len(w.letters))
	for i, letter := range w.letters {
		w.best, w.was = w.was, w.best
		before := -1 // the best place of the letter before, up to j-2
		for j, r := range w.lower {
			w.best[j] = none
			if i > 0 && j >= 2 && (before < 0 || w.was[j-2] > w.was[before]) {
				before = j - 2
			}
			if r != letter {
				continue
			}
			worth := perLetter
			if startsWord(w.name, j) {
				worth += wordStart
			}
			switch {
			case i == 0 && j == 0:
				w.best[j] = worth + nameStart
			case i == 0:
				w.best[j] = worth
			case j > 0 && w.was[j-1] > none:
				w.best[j], w.from[i*n+j] = w.was[j-1]+worth+following, j-1
			}
			if before >= 0 && w.was[before] > none && w.was[before]+worth > w.best[j] {
				w.best[j], w.from[i*n+j] = w.was[before]+worth, before
			}
		}
	}
	at := 0
	for j := range w.best {
		if w.best[j] > w.best[at] {
			at = j
		}
	}
	score = w.best[at] - n/4 // of names that fit alike, the shorter
	marks = make([]int, len(w.letters))
	for i := len(marks) - 1; i >= 0; i-- {
		marks[i] = at
		at = w.from[i*n+at]
	}
	return score, marks, true
}

// within tells whether the letters stand in the name in this order, and takes the name
// apart.
func (w *word) within(name string) bool {
	w.name, w.lower = w.name[:0], w.lower[:0]
	left := w.letters
	for _, r := range name {
		l := unicode.ToLower(r)
		w.name, w.lower = append(w.name, r), append(w.lower, l)
		if len(left) > 0 && l == left[0] {
			left = left[1:]
		}
	}
	return len(left) == 0
}

func resize(s []int, n int) []int { return slices.Grow(s[:0], n)[:n] }

// startsWord tells whether letter j of a name begins a word of it.
func startsWord(name []rune, j int) bool {
	if j == 0 {
		return true
	}
	was, is := name[j-1], name[j]
	return !alnum(was) && alnum(is) || unicode.IsLower(was) && unicode.IsUpper(is)
}

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
