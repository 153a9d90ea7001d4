package awsauth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"strings"

	"github.com/skret/skret/internal/durable"
)

// loginReadable tells whether the SDK can read what aws login keeps of a session.
// A key that is no PEM ends the SDK's provider, and the process with it (aws-sdk-
// go-v2/credentials 1.20). What is not there is for the SDK to say.
func loginReadable(getenv func(string) string, session string) bool {
	dir := getenv("AWS_LOGIN_CACHE_DIRECTORY")
	if dir == "" {
		config, _ := files(func(name string) string {
			if strings.HasPrefix(name, "AWS_") {
				return ""
			}
			return getenv(name)
		})
		dir = filepath.Join(filepath.Dir(config), "login", "cache")
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(session)))
	data, err := durable.ReadFile(filepath.Join(dir, hex.EncodeToString(sum[:])+".json"), 1<<20)
	if err != nil {
		return true
	}
	var token struct {
		Key string `json:"dpopKey"`
	}
	if json.Unmarshal(data, &token) != nil {
		return false
	}
	block, _ := pem.Decode([]byte(token.Key))
	if block == nil {
		return false
	}
	_, err = x509.ParseECPrivateKey(block.Bytes)
	return err == nil
}
