package browse

import (
	"fmt"
	"strings"
	"time"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// seen is how long a value stays on the screen.
const seen = 30 * time.Second

// revealed is the one value that is on the screen.
type revealed struct {
	key     secret.Key
	version int64
	value   secret.Value
	until   time.Time
	lines   []string // the value, neutralised, in lines that fit
	top     int      // the first one that is seen
}

func newRevealed(e secret.Entry, now time.Time, width int) *revealed {
	r := &revealed{key: e.Key, version: e.Version, value: e.Value, until: now.Add(seen)}
	r.fold(width)
	return r
}

// fold breaks the value into lines of the width of the screen.
func (r *revealed) fold(width int) {
	r.lines, r.top = nil, 0
	for text := range strings.SplitSeq(strings.TrimSuffix(r.value.Reveal(), "\n"), "\n") {
		text = ui.Cell(text)
		for {
			head, rest := ui.Split(text, max(width, 1))
			if head == "" { // it is empty, or not one character has room
				rest = ""
			}
			r.lines = append(r.lines, head)
			if text = rest; text == "" {
				break
			}
		}
	}
}

// scroll scrolls the value, of which height lines are seen, and tells whether the key was
// for that.
func (r *revealed) scroll(k key, height int) bool {
	height = max(height, 1)
	switch {
	case len(r.lines) <= height:
		return false
	case k.code == pageDown, k.code == letter && k.char == ' ':
		r.top += height
	case k.code == pageUp:
		r.top -= height
	default:
		return false
	}
	r.top = max(min(r.top, len(r.lines)-height), 0)
	return true
}

// heading says what is shown, and how long.
func (r *revealed) heading(now time.Time, height int) (left, right string) {
	left = fmt.Sprintf("%s, version %d, %s", r.key, r.version, size(r.value.Len()))
	if len(r.lines) > height {
		left += fmt.Sprintf(", lines %d to %d of %d: PgUp PgDn", r.top+1, min(r.top+height, len(r.lines)), len(r.lines))
	}
	return left, fmt.Sprintf("hides in %d s", int((r.until.Sub(now)+time.Second-1)/time.Second))
}

func size(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
