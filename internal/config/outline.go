package config

import "errors"

// Outline returns the project without a chosen environment: the names of its
// environments, its targets, and what flags and variables say of who signs. It is
// for commands that name their places themselves, and works without a file.
func Outline(in Input) (*Project, error) {
	in.Flags.Alone = true
	r := newResolver(in)
	top, err := r.document()
	if err != nil {
		return nil, err
	}
	r.own()
	if r.environment(top); top != nil {
		r.judge(top)
	}
	region := r.take("region", flag("--region", in.Flags.Region), r.variable("AWS_REGION", "AWS_DEFAULT_REGION"))
	r.outside(region, checkRegion)
	r.p.Place.Region = region.text
	r.identity(nil, identityFlags(in.Flags))
	r.p.Cache, r.p.Scan = r.cache(top), r.scan(top)
	r.targets(top)
	return r.p, errors.Join(bounded(r.p.File, r.probs)...)
}
