package config

import "github.com/skret/skret/internal/errs"

// Load finds, reads and resolves the configuration.
func Load(in Input) (*Project, error) {
	return nil, errs.New(errs.Config, "no .skret.yaml found")
}
