//go:build real

package remote

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
)

// realKubectl runs kubectl with a kubeconfig and nothing of this machine.
func realKubectl(t *testing.T) kubectl {
	t.Helper()
	bin := realtest.Need(t, "kubectl", "apt-get install kubernetes-client")
	home := t.TempDir() // kubectl keeps there what it learns of clusters
	return func(ctx context.Context, kubeconfig string, args []string, stdin []byte) (stdout, stderr []byte, err error) {
		name := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(name, []byte(kubeconfig), 0o600); err != nil {
			return nil, nil, err
		}
		c := exec.CommandContext(ctx, bin, args...)
		c.Env = []string{"HOME=" + home, "KUBECONFIG=" + name, "PATH=" + os.Getenv("PATH")}
		var out, fail bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(stdin), &out, &fail
		err = c.Run()
		return out.Bytes(), fail.Bytes(), err
	}
}

// kubectl itself carries secrets to the cluster, and its words are understood.
func TestRealKubectl(t *testing.T) { suiteKubernetes(t, realKubectl(t)) }

// kubectl reads the manifest as a Secret with the very bytes.
func TestRealKubectlReadsTheManifest(t *testing.T) {
	run := realKubectl(t)
	c := aCluster(t)
	var manifest []byte
	k := clusterAt(t, c, KubernetesOptions{Name: "app", Kubectl: func(ctx context.Context, args []string, stdin []byte) ([]byte, []byte, error) {
		if args[0] == "apply" {
			manifest = stdin
		}
		return c.kubectl(ctx, c.Kubeconfig(), args, stdin)
	}})
	if err := k.PutAll(t.Context(), []secret.Entry{entry("A", "1"), entry("B", "\x00\xff\n")}); err != nil {
		t.Fatal(err)
	}
	out, stderr, err := run(t.Context(), c.Kubeconfig(), []string{"create", "--dry-run=client", "--validate=false", "-f", "-", "-o", "jsonpath={.kind} {.data.A} {.data.B} {.metadata.annotations}"}, manifest)
	if got := strings.TrimSpace(string(out)); err != nil || got != "Secret MQ== AP8K" {
		t.Errorf("%q %s %v", got, stderr, err)
	}
}
