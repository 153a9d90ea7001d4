// Package check judges secrets by what a project says of them in `required:` and
// `schema:`.
//
// All faults are found at once. A fault tells which rule is broken and never
// anything of the value, not even how long it is.
package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// The rules that a fault can be of, besides those of [secret.KeyError].
const (
	Required  = "required"
	Type      = "type"
	MinLength = "min_length"
	Enum      = "enum"
	Pattern   = "pattern"
)

// Fault is one thing that is wrong with one secret. It shows nothing of a value.
type Fault struct {
	Key   string // or the rule's name, where there is no such secret
	Rule  string // Required and its kin
	Why   string // "is not a port: ..."
	Hint  string
	Where string // FILE:LINE of the rule; "" for what stands in `required:`
}

// Judge returns all faults of the secrets, by the first rule that is about each,
// sorted by key. Of entries whose value is absent only their presence is judged. A
// default is judged where it takes the place of a secret.
func Judge(rules []secret.Rule, required []string, es []secret.Entry) []Fault {
	rule := secret.FindRule(rules)
	there := make(map[string]bool, 2*len(es)) // keys and variables
	var faults []Fault
	found := func(k secret.Key, v secret.Value) {
		there[string(k)], there[k.EnvName()] = true, true
		if v.Present() {
			faults = append(faults, judge(rule(k), string(k), v)...)
		}
	}
	for _, e := range es {
		found(e.Key, e.Value)
	}
	missing := map[string]bool{} // variables, since one secret may be written in two ways
	need := func(name string) {
		if k := secret.Key(name); !there[name] && !missing[k.EnvName()] {
			missing[k.EnvName()] = true
			faults = append(faults, absent(name, rule(k)))
		}
	}
	for _, r := range rules {
		k := secret.Key(r.Name)
		switch r = rule(k); { // of several the first
		case r.HasDefault && !there[string(k)]:
			found(k, secret.NewValue(r.Default))
		case r.Required && !r.HasDefault:
			need(string(k))
		}
	}
	for _, name := range required {
		need(name)
	}
	sortFaults(faults)
	return faults
}

// absent is the fault of a secret that must be there and is not.
func absent(name string, r secret.Rule) Fault {
	f := Fault{Key: name, Rule: Required, Why: "is missing", Hint: "set it with skret set " + name, Where: r.Where}
	if r.Description != "" {
		f.Why += ": " + r.Description
	}
	if r.Generate != "" {
		f.Hint = "make it with skret generate --missing"
	}
	return f
}

// judge returns the faults of one value.
func judge(r secret.Rule, key string, v secret.Value) (faults []Fault) {
	hint := "set another value with skret set " + key
	if r.Generate != "" {
		hint += " --generate schema"
	}
	text := v.Reveal()
	if r.HasDefault && text == r.Default {
		hint = "change the default of its rule, or " + hint
	}
	fault := func(rule, why string) {
		faults = append(faults, Fault{key, rule, why, hint, r.Where})
	}
	if why := judgeType(r, text); why != "" {
		rule := Type
		switch r.Type {
		case secret.TypeEnum:
			rule = Enum
		case secret.TypeRegex:
			rule = Pattern
		}
		fault(rule, why)
	}
	if len(text) < r.MinLength {
		fault(MinLength, fmt.Sprintf("is shorter than min_length %d", r.MinLength))
	}
	return faults
}

// Err makes one error of all faults, or nil. Broken rules, which are of kind
// Invalid, come before missing secrets, which are of kind NotFound.
func Err(faults []Fault) error {
	var broken, missing []error
	for _, f := range faults {
		if f.Rule == Required {
			missing = append(missing, &faultError{f, errs.New(errs.NotFound, "required secret %s %s", f.Key, f.Why).WithHint("%s", f.Hint)})
			continue
		}
		why := f.Why
		if f.Where != "" {
			why += " (" + f.Where + ")"
		}
		broken = append(broken, &faultError{f, errs.New(errs.Invalid, "secret %s %s", f.Key, why).WithHint("%s", f.Hint)})
	}
	return errors.Join(append(broken, missing...)...)
}

// faultError is a fault as an error.
type faultError struct {
	fault Fault
	err   error
}

func (e *faultError) Error() string { return e.err.Error() }

func (e *faultError) Unwrap() error { return e.err }

// Faults takes apart what [Err] and secret.Select put together, sorted by key. The
// errors that are about no secret are joined in rest.
func Faults(err error) (faults []Fault, rest error) {
	if err == nil {
		return nil, nil
	}
	var others []error
	for _, e := range errs.All(err) {
		if f, ok := errors.AsType[*faultError](e); ok {
			faults = append(faults, f.fault)
		} else if k, ok := errors.AsType[*secret.KeyError](e); ok {
			faults = append(faults, Fault{Key: string(k.Key), Rule: k.Rule, Why: k.Error(), Hint: errs.HintOf(k)})
		} else {
			others = append(others, e)
		}
	}
	sortFaults(faults)
	return faults, errors.Join(others...)
}

func sortFaults(faults []Fault) {
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Key, b.Key) })
}
