//go:build real && unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// client is a program that speaks to skret mcp by the protocol's own library.
const client = `
import { Client } from "MODULES/@modelcontextprotocol/sdk/dist/esm/client/index.js";
import { StdioClientTransport } from "MODULES/@modelcontextprotocol/sdk/dist/esm/client/stdio.js";
const transport = new StdioClientTransport({ command: "skret", args: ["mcp", "--allow", "printenv *"], env: process.env, cwd: process.cwd() });
const client = new Client({ name: "judge", version: "1" });
await client.connect(transport);
const out = { version: client.getServerVersion(), tools: (await client.listTools()).tools.map((t) => t.name) };
for (const [name, args] of [["list_names", {}], ["describe", { key: "TOKEN" }], ["check", {}], ["run", { command: ["printenv", "TOKEN"] }], ["run", { command: ["id"] }]]) {
  const r = await client.callTool({ name, arguments: args });
  out[name + (r.isError ? " refused" : "")] = r.structuredContent ?? r.content;
}
console.log(JSON.stringify(out));
await client.close();
`

// The client library of the protocol's authors takes what skret says.
func TestRealMCPClient(t *testing.T) {
	node := realtest.Need(t, "node", "apt-get install nodejs")
	const install = "npm install -g --ignore-scripts @modelcontextprotocol/sdk@1.32.2 @stoplight/prism-cli@5.16.0"
	beside, err := filepath.EvalSymlinks(realtest.Need(t, "prism", install))
	if err != nil {
		t.Fatal(err)
	}
	modules, _, _ := strings.Cut(beside, "/@stoplight")
	if _, err := os.Stat(filepath.Join(modules, "@modelcontextprotocol", "sdk")); err != nil {
		t.Fatalf("the protocol's library is not installed beside prism: %s", install)
	}
	p := newHookProjects(t)
	script := filepath.Join(t.TempDir(), "client.mjs")
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(client, "MODULES", modules)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(node, script)
	c.Dir, c.Env = filepath.Join(p.dir, "a"), p.env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"version": `"name":"skret"`, "tools": `["list_names","describe","check","diff_names","run"]`,
		"list_names": `"key":"TOKEN"`, "describe": `"variable":"TOKEN"`, "check": `"faults":[]`, "run": `"exit_code":0`, "run refused": "may not be run",
	} {
		if !strings.Contains(string(doc[name]), want) {
			t.Errorf("%s: %s, want %s in it", name, doc[name], want)
		}
	}
	if strings.Contains(string(out), "of a") {
		t.Errorf("a value came through: %s", out)
	}
}
