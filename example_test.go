package skret_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/skret/skret"
)

// A project with a local store: no account, no server.
func Example() {
	dir, err := os.MkdirTemp("", "skret-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("SKRET_HOME", filepath.Join(dir, "home")) // where the identity is made
	file := "version: \"1\"\nenvironments:\n  dev:\n    provider: local\n    file: .skret.secrets.yaml\n"
	if err := os.WriteFile(filepath.Join(dir, ".skret.yaml"), []byte(file), 0o600); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	client, err := skret.Open(ctx, skret.Options{Dir: dir, Env: "dev"})
	if err != nil {
		log.Fatal(err)
	}
	for _, value := range []string{"postgres://localhost/a", "postgres://localhost/b"} {
		if _, err := client.Set(ctx, "db/url", value, skret.SetOptions{}); err != nil {
			log.Fatal(err)
		}
	}
	s, err := client.Get(ctx, "db/url")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s, s.Variable, s.Value)

	if _, err := client.Rollback(ctx, "db/url", 1); err != nil {
		log.Fatal(err)
	}
	env, err := client.Environ(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(env)

	_, err = client.Get(ctx, "missing")
	fmt.Println(skret.KindOf(err))
	// Output:
	// db/url#2 DB_URL postgres://localhost/b
	// [DB_URL=postgres://localhost/a]
	// not_found
}
