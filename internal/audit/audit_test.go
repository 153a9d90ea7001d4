package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/secret"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func TestRecordsComeBackOldestFirst(t *testing.T) {
	l := In(filepath.Join(t.TempDir(), "home"))
	if rs, odd, err := l.Read(); err != nil || odd != 0 || len(rs) != 0 {
		t.Fatalf("of no log: %v, %d, %v", rs, odd, err)
	}
	var want []Record
	for i := range 3 {
		r := Record{
			Time: noon.Add(time.Duration(i) * time.Second), Command: "set", Env: "dev", Place: "local", Identity: `profile "x"`,
			Written: []secret.Key{"A", "odd\nname\x1b[31m"}, Outcome: "ok", PID: 7, Reason: "because",
		}
		want = append(want, r)
		if err := l.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	rs, odd, err := l.Read()
	if err != nil || odd != 0 || !reflect.DeepEqual(rs, want) {
		t.Errorf("%+v, %d, %v", rs, odd, err)
	}
	text, err := os.ReadFile(l.file)
	if err != nil || strings.Count(string(text), "\n") != 3 || strings.Contains(string(text), "\x1b") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTornAndForeignLinesCostNothingElse(t *testing.T) {
	l := In(t.TempDir())
	if err := l.Add(Record{Time: noon, Command: "get"}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(l.file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("hello\n{}\n\x00\xff\n\n{\"time\":\"2026-11-29T12:00:00Z\",\"comm")
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	if err := l.Add(Record{Time: noon, Command: "set"}); err != nil {
		t.Fatal(err)
	}
	rs, odd, err := l.Read()
	if err != nil || odd != 4 || len(rs) != 2 || rs[1].Command != "set" {
		t.Errorf("%+v, %d, %v", rs, odd, err)
	}
}

func TestManyNamesAreCut(t *testing.T) {
	l := In(t.TempDir())
	r := Record{Time: noon, Command: "run"}
	for i := range 1000 {
		r.Read = append(r.Read, secret.Key(fmt.Sprintf("KEY_%04d", i)))
	}
	if err := l.Add(r); err != nil {
		t.Fatal(err)
	}
	rs, _, err := l.Read()
	if err != nil || len(rs) != 1 || len(rs[0].Read) != maxNames || rs[0].More != 1000-maxNames {
		t.Errorf("%d names and %d more, %v", len(rs[0].Read), rs[0].More, err)
	}
}

func TestOldRecordsStayReadableUpToALimit(t *testing.T) {
	l := In(t.TempDir())
	long := strings.Repeat("x", 100_000)
	for i := range 100 { // 10 MB
		if err := l.Add(Record{Time: noon, Command: "set", PID: i, Reason: long}); err != nil {
			t.Fatal(err)
		}
	}
	rs, odd, err := l.Read()
	if err != nil || odd != 0 || len(rs) < 40 || rs[len(rs)-1].PID != 99 || !slices.IsSortedFunc(rs, func(a, b Record) int { return a.PID - b.PID }) {
		t.Errorf("%d records, %d, %v", len(rs), odd, err)
	}
	size := 0
	for _, name := range durable.LogFiles(l.file, kept) {
		if info, err := os.Stat(name); err == nil {
			size += int(info.Size())
		}
	}
	if size > (kept+1)*(maxFile+200_000) {
		t.Errorf("%d bytes", size)
	}
}

func TestTrailNamesEachPlaceAndSecretOnce(t *testing.T) {
	var none *Trail
	none.Visit("dev", "x").Read(secret.Entry{Key: "A"}) // nothing happens
	var tr Trail
	dev, prod := tr.Visit("dev", "local"), tr.Visit("prod", "aws")
	v := secret.NewValue("hunter2")
	dev.Read(secret.Entry{Key: "B", Value: v}, secret.Entry{Key: "A", Value: v}, secret.Entry{Key: "HIDDEN"})
	dev.Read(secret.Entry{Key: "B", Value: v})
	prod.As("me")
	prod.Wrote("A")
	tr.Visit("prod", "aws").Deleted("Z")
	prod.Names("Z", "A", "C", "C") // of which C was not to be had
	got := tr.Records()
	want := []Record{
		{Env: "dev", Place: "local", Read: []secret.Key{"A", "B"}},
		{Env: "prod", Place: "aws", Identity: "me", Written: []secret.Key{"A"}, Deleted: []secret.Key{"Z"}, Named: []secret.Key{"C"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if b, _ := json.Marshal(got); strings.Contains(string(b), "hunter2") {
		t.Errorf("%s", b)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("set", "dev", "a\nb\x1b\x7f", `"\\`, 3)
	f.Add("", "", "\u2028<&>", "\xff", -1)
	f.Fuzz(func(t *testing.T, command, env, key, reason string, n int) {
		want := Record{
			Time: noon.Add(time.Duration(n)), Command: command, Env: env, Place: env, Identity: reason, More: max(n, 0), Outcome: command,
			Read: []secret.Key{secret.Key(key)}, Written: []secret.Key{"A", secret.Key(key)}, Deleted: []secret.Key{"B"},
			Named: []secret.Key{"C"}, Code: n, PID: n, Program: key, Reason: reason,
		}
		line := want.line()
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got, std Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if err := json.Unmarshal(b, &std); err != nil || !reflect.DeepEqual(got, std) {
			t.Errorf("%s\nwant %s", line, b)
		}
		if strings.Count(string(line), "\n") != 1 || strings.ContainsAny(string(line), "\x1b\x7f") {
			t.Errorf("%q", line)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	l := In(b.TempDir())
	r := Record{Time: noon, Command: "run", Env: "prod", Place: "aws", Outcome: "started", Program: "make"}
	for i := range 10 {
		r.Read = append(r.Read, secret.Key(fmt.Sprintf("KEY_%04d", i)))
	}
	for b.Loop() {
		if err := l.Add(r); err != nil {
			b.Fatal(err)
		}
	}
}
