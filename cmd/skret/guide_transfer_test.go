//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// What the guides about import and sync tell a reader to type works, typed line
// by line on a terminal, with every service that they speak of.
func TestGuidesOfTransfers(t *testing.T) {
	for name, env := range map[string]string{
		"import": "", "migrate-dotenv": "none", "migrate-doppler": "none", "migrate-infisical": "none",
		"migrate-chamber": "guide", "sync": "guide", "github-actions": "aws",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			p := guideProject(t)
			config := filepath.Join(p.dir, ".skret.yaml")
			switch env {
			case "none":
				err = os.Remove(config)
			case "guide":
				_, after, _ := strings.Cut(string(text), "```yaml\n")
				yaml, _, _ := strings.Cut(after, "```")
				err = os.WriteFile(config, []byte(yaml), 0o600)
			case "aws":
				yaml := "version: \"1\"\nproject: shop\nenvironments:\n  prod:\n    provider: aws\n    path: /shop/prod\n    region: " + fake.Region + "\n"
				err = os.WriteFile(config, []byte(yaml), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "sync":
				p.skret(t, "set", "DB_URL=postgres://db", "PORT=8080", "FEATURE=on", "-e", "dev")
				p.skret(t, "set", "DB_URL=postgres://prod", "OLD_X=x", "-e", "prod")
			case "migrate-chamber":
				p.skret(t, "config", "-e", "prod")
			}
			lines := commandLines(string(text))
			if len(lines) < 2 {
				t.Fatalf("only %q", lines)
			}
			for _, line := range lines {
				p.typed(t, line)
			}
		})
	}
}

// guideProject is a project with the files and services of the guides.
func guideProject(t *testing.T) *project {
	t.Helper()
	aws := fake.NewSSM()
	aws.AnyRegion = true
	aws.Put("/old/app/OLD_URL", "u1")
	aws.Put("/svc/db_url", "u2")
	github := fake.NewGitHub(githubToken)
	github.AddRepository("acme/app", "production")
	doppler := fake.NewDoppler()
	doppler.AddToken(dopplerToken)
	doppler.Set("app", "prd", "DB_URL", fake.DopplerSecret{Raw: "postgres://db"})
	infisical := fake.NewInfisical()
	infisical.AddIdentity("client-1", "universal-auth", "client-secret-1", -1)
	at := fake.InfisicalFolder{Project: "p1", Environment: "prod", Path: "/"}
	infisical.Set(at, "API_KEY", fake.InfisicalSecret{Value: "k"})
	gitlab := fake.NewGitLab(gitlabToken)
	gitlab.Add("projects/acme/app")
	gitlab.Set("projects/acme/app", fake.GitLabVariable{Key: "CI_X", Value: "one"})
	cloudflare := fake.NewCloudflare(cloudflareToken)
	cloudflare.AddWorker("worker")
	cloudflare.AddProject("site", "")
	for _, stop := range []func(){aws.Close, github.Close, doppler.Close, infisical.Close, gitlab.Close, cloudflare.Close} {
		t.Cleanup(stop)
	}
	p := newProject(t, "provider: local", append(aws.Env(), "AWS_ACCESS_KEY_ID="+fake.AccessKey, "AWS_SECRET_ACCESS_KEY="+fake.SecretKey,
		"GH_HOST="+github.URL, "GH_ENTERPRISE_TOKEN="+githubToken,
		"DOPPLER_API_HOST="+doppler.URL, "DOPPLER_TOKEN="+dopplerToken,
		"INFISICAL_API_URL="+infisical.URL, "INFISICAL_CLIENT_ID=client-1", "INFISICAL_CLIENT_SECRET=client-secret-1",
		"GITLAB_HOST="+gitlab.URL, "GITLAB_TOKEN="+gitlabToken,
		"CLOUDFLARE_API_BASE_URL="+cloudflare.URL, "CLOUDFLARE_API_TOKEN="+cloudflareToken)...)
	for name, text := range map[string]string{
		".env": "PORT=8080\nDB_URL='postgres://db'\n", "changed.env": "PORT=9090\n", "unclear.env": "PASSWORD=pa#ss\n",
		"other.env": "DB_HOST=db\nDB_DEBUG=1\nCACHE=c\n", "secrets.json": `{"KEY": "k"}`,
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
