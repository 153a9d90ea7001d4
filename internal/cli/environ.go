package cli

import (
	"os"
	"strings"
)

// This is the only file of the package that reads environment variables; all
// settings among them go through config.

// environ returns the environment that a command is started from.
func environ() []string { return os.Environ() }

// getenv returns the variable's value, "" when it is unset or blank.
func getenv(name string) string {
	v := os.Getenv(name)
	if strings.TrimSpace(v) == "" {
		return ""
	}
	return v
}

// workDir returns the current folder.
func workDir() (string, error) { return os.Getwd() }

// inCI tells whether a CI system says that it runs us.
func inCI() bool { v := os.Getenv("CI"); return v != "" && v != "false" && v != "0" }
