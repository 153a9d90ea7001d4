package leak

// Longest returns the length of the longest text that is looked for, 0 when there
// is none: how much of data that comes in pieces must be seen at once.
func (m *Matcher) Longest() int {
	n := 0
	for _, p := range m.patterns {
		n = max(n, len(p.text))
	}
	return n
}
