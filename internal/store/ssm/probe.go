package ssm

import (
	"context"

	"github.com/skret/skret/internal/errs"
)

// Probe is one thing that reading an environment needs, and what came of it.
type Probe struct {
	Action string // "ssm:GetParameters"
	Err    error  // nil: it is allowed
	Not    string // why it was not tried; "" if it was
	Must   bool   // nothing works without it
}

// Probe asks the service as reading does, and changes nothing: for a page of one
// name, for a parameter that does not exist, and for one that does, whose value is
// not looked at. What it does not try after the network has failed it leaves out.
func (s *Store) Probe(ctx context.Context) []Probe {
	var all []Probe
	try := func(must bool, op, action string, in, out any) bool {
		err := s.read(ctx, op, in, out)
		if err != nil && hasCode(err, "ParameterNotFound") {
			err = nil
		}
		if err != nil {
			err = s.explain(s.o.Path, err)
		}
		all = append(all, Probe{Action: action, Err: err, Must: must})
		return errs.KindOf(err) != errs.Network
	}
	name, sealed := s.name("skret-doctor"), ""
	if len(s.o.Keys) > 0 {
		name = s.name(s.o.Keys[0])
		sealed = name
	} else {
		var p page[named]
		in := byPathIn{Path: s.o.Path, Recursive: true, MaxResults: 1}
		if !try(true, "GetParametersByPath", "ssm:GetParametersByPath", in, &p) {
			return all
		}
		for _, one := range p.Parameters {
			if _, ours := s.key(one.id()); ours && one.Type == "SecureString" {
				sealed = one.id()
			}
		}
	}
	if !try(true, "GetParameters", "ssm:GetParameters", namesIn{Names: []string{name}}, &page[named]{}) {
		return all
	}
	if sealed == "" {
		all = append(all, Probe{Action: "kms:Decrypt", Not: "there is no sealed parameter to try it on"})
	} else if !try(true, "GetParameters", "kms:Decrypt", namesIn{Names: []string{sealed}, WithDecryption: true}, &page[named]{}) {
		return all
	}
	try(false, "GetParameterHistory", "ssm:GetParameterHistory", historyIn{Name: name, MaxResults: 1}, &page[named]{})
	return all
}
