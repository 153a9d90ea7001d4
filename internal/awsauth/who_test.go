package awsauth

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Two identities that can be told apart without asking anybody have different words
// in Who, and one has the same each time.
func TestWhoTellsIdentitiesApart(t *testing.T) {
	const header = "[profile p]\nregion = us-east-1\n"
	keys := func(id string) map[string]string {
		return map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": "s"}
	}
	sso := func(account, role string) string {
		return header + "sso_session = c\nsso_account_id = " + account + "\nsso_role_name = " + role +
			"\n[sso-session c]\nsso_start_url = https://c.awsapps.com/start\nsso_region = us-east-1\n"
	}
	profile := func(id string) string {
		return header + "aws_access_key_id = " + id + "\naws_secret_access_key = s\n"
	}
	role := func(arn string) string {
		return header + "role_arn = " + arn + "\nsource_profile = q\n[profile q]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n"
	}
	seen := map[string]string{}
	for _, c := range []struct {
		name, config string
		env          map[string]string
	}{
		{"key 1", "", keys("AKIA1")},
		{"key 2", "", keys("AKIA2")},
		{"key 1 in a profile", profile("AKIA1"), nil},
		{"key 2 in a profile", profile("AKIA2"), nil},
		{"account 1", sso("111111111111", "Dev"), nil},
		{"account 2", sso("222222222222", "Dev"), nil},
		{"other role", sso("111111111111", "Ops"), nil},
		{"role 1", role("arn:aws:iam::111111111111:role/a"), nil},
		{"role 2", role("arn:aws:iam::111111111111:role/b"), nil},
		{"program 1", header + "credential_process = /bin/one\n", nil},
		{"program 2", header + "credential_process = /bin/two\n", nil},
		{"container 1", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/1"}},
		{"container 2", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/2"}},
		{"instance", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"AWS_CONFIG_FILE": file, "AWS_SHARED_CREDENTIALS_FILE": file + "-none", "AWS_REGION": "us-east-1"}
			if c.config != "" {
				env["AWS_PROFILE"] = "p"
			}
			maps.Copy(env, c.env)
			get := func(name string) string { return env[name] }
			var who [2]string
			for i := range who {
				id, err := Resolve(Options{Region: "us-east-1", Getenv: get, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				who[i] = id.Who
			}
			if who[0] == "" || who[0] != who[1] {
				t.Errorf("%q, then %q", who[0], who[1])
			}
			if other, twice := seen[who[0]]; twice {
				t.Errorf("the same as %s: %s", other, who[0])
			}
			seen[who[0]] = c.name
		})
	}
}
