package awsauth

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// reused gives the credentials of a provider again until they end. One caller at a
// time asks the provider, with its own context: when it is cancelled, it returns once
// the provider has, so that a terminal is as it was and no program is left running.
// The others wait, or are cancelled.
type reused struct {
	provider aws.CredentialsProvider
	ahead    time.Duration // of their end they are asked for anew
	turn     chan struct{}
	last     aws.Credentials // of whose turn it is
}

func reuse(p aws.CredentialsProvider) *reused {
	return &reused{provider: p, turn: make(chan struct{}, 1)}
}

// Retrieve returns the credentials.
func (r *reused) Retrieve(ctx context.Context) (aws.Credentials, error) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	defer func() { <-r.turn }()
	if r.last.HasKeys() && (!r.last.CanExpire || time.Until(r.last.Expires) > r.ahead) {
		return r.last, nil
	}
	c, err := r.provider.Retrieve(ctx)
	if err == nil {
		r.last = c
	}
	return c, err
}
