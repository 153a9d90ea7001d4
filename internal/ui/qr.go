package ui

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// QR shows text as a QR code on stderr, when that is a terminal. Two rows of the
// code share a line. What is light in the code is drawn, so that it is right on a
// dark terminal; on a light one cameras read it all the same.
func (s *Streams) QR(text string) {
	if !s.ErrTTY {
		return
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return // too long: the address is shown as text
	}
	const margin = 2
	var b strings.Builder
	for y := -margin; y < code.Size+margin; y += 2 {
		for x := -margin; x < code.Size+margin; x++ {
			upper, lower := code.Black(x, y), code.Black(x, y+1) // outside is light
			switch {
			case upper && lower:
				b.WriteByte(' ')
			case upper:
				b.WriteRune('▄')
			case lower:
				b.WriteRune('▀')
			default:
				b.WriteRune('█')
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprint(s.Err, b.String())
}
