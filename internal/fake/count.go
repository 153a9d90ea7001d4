package fake

// Count returns how often an operation was asked for; "" counts all.
func (s *source) Count(op string) (n int) {
	for _, o := range s.Ops() {
		if isOp(o, op) {
			n++
		}
	}
	return n
}

// Forget forgets the requests so far.
func (s *source) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops, s.calls = nil, nil
}
