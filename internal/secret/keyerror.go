package secret

// KeyError is an error about one key.
type KeyError struct {
	Key  Key // of several that clash, the first
	Rule string
	Err  error // tells all, the key too, and has the kind and the hint
}

// The rules that every secret is under.
const (
	RuleName     = "name"      // the variable's name is one
	RuleAllowEnv = "allow_env" // it is not dangerous, or is allowed
	RuleOneName  = "collision" // no two keys are the same variable
	RuleExpand   = "expand"    // what the value refers to is there
)

func (e *KeyError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.Err }
