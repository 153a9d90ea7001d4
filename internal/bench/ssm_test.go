//go:build bench && unix

package bench

import "testing"

func (s *suite) ssm(t *testing.T) {}
