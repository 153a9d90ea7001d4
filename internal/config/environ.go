package config

import "os"

// Getenv reads a variable of this process, for [Input].
func Getenv(name string) string { return os.Getenv(name) }

// Home returns the user's home folder, for [Input]; "" when there is none.
func Home() string {
	h, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return h
}
