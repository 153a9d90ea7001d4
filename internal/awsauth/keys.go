package awsauth

import (
	"cmp"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
)

// Keys returns the credentials of a sign-in of skret's, or of what was asked for
// by name, to be handed to another program. The chain is not taken by itself: a
// profile in it may be the very one that asks.
func Keys(ctx context.Context, o Options) (aws.Credentials, error) {
	o.fill()
	c, err := choose(o)
	if err != nil {
		return aws.Credentials{}, err
	}
	if c.signIn == nil && o.Auth != Chain && !o.ProfileExplicit {
		return aws.Credentials{}, errs.New(errs.Auth, "there is no sign-in of skret's").
			WithHint("make one with skret auth login aws; --auth chain takes what the AWS SDK finds")
	}
	o.Region = cmp.Or(o.Region, noRegion)
	id, err := Resolve(o)
	if err != nil {
		return aws.Credentials{}, err
	}
	k, err := id.Credentials.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	for _, part := range []string{k.AccessKeyID, k.SecretAccessKey, k.SessionToken} {
		if strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+=_-.") != "" {
			return aws.Credentials{}, errs.New(errs.Backend, "%s: the credentials have characters that those of AWS have not", id.Origin)
		}
	}
	return k, nil
}
