package vault

// Cheaply lets the passphrases of a test cost little.
func (v *Vault) Cheaply() *Vault {
	v.workFactor = 10
	return v
}

// For the tests of what a keyring may do to us, and of the parser.
var (
	Bounded     = bounded
	ErrNoAnswer = errNoAnswer
)

const RingWait = ringWait

// Reprint parses a file and prints it.
func Reprint(text []byte) ([]byte, error) {
	d, err := parseText(text)
	if err != nil {
		return nil, err
	}
	return d.print()
}
