package ssm

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

func entry(k secret.Key, v string) secret.Entry {
	return secret.Entry{Key: k, Value: secret.NewValue(v)}
}

// What an update does not say is sent again, since the service forgets it.
func TestUpdateKeepsTypeKeyAndDescription(t *testing.T) {
	w := open(t)
	w.PutVersion("/app/dev/K", fake.Version{Type: "SecureString", Value: "1", KeyID: "alias/team", Description: "about"})
	w.PutVersion("/app/dev/L", fake.Version{Type: "StringList", Value: "1,2"})
	for _, k := range []secret.Key{"K", "L"} {
		if v, err := w.Store.Put(t.Context(), entry(k, "new"), store.PutOptions{Expect: 1}); err != nil || v != 2 {
			t.Fatalf("%d %v", v, err)
		}
	}
	k, _ := w.Parameter("/app/dev/K")
	if v := k.Versions[1]; v.KeyID != "alias/team" || v.Description != "about" || v.Type != "SecureString" || v.Value != "new" {
		t.Errorf("%+v", v)
	}
	l, _ := w.Parameter("/app/dev/L")
	if v := l.Versions[1]; v.Type != "StringList" || v.KeyID != "" {
		t.Errorf("%+v", v)
	}
	if !strings.Contains(w.said(), "/app/dev/L stays a StringList") || strings.Contains(w.said(), "/app/dev/K") {
		t.Errorf("said: %s", w.said())
	}
	// Its value is not asked for.
	for _, c := range w.Calls() {
		if c.Op == "GetParameterHistory" && c.Body["WithDecryption"] == true || c.Op == "GetParameters" {
			t.Errorf("%s decrypts", c.Op)
		}
	}
}

// The service has no compare-and-set: what slips between the look and the
// write is at least said.
func TestOverwrittenRaceIsSaid(t *testing.T) {
	w := open(t)
	w.SSM.Put("/app/dev/K", "1")
	w.SSM.Fault(fake.Fault{Op: "PutParameter", Code: "ThrottlingException"})
	w.o.Notice = func(msg string) {
		if strings.HasPrefix(msg, "retrying") {
			w.SSM.Put("/app/dev/K", "theirs")
			return
		}
		w.notices = append(w.notices, msg)
	}
	v, err := w.Store.Put(t.Context(), entry("K", "ours"), store.PutOptions{Expect: 1})
	if err != nil || v != 3 || !strings.Contains(w.said(), "version 2 is overwritten") {
		t.Errorf("version %d, said %q: %v", v, w.said(), err)
	}
}

// Every problem of an entry is told at once, without a request.
func TestAllProblemsOfAnEntry(t *testing.T) {
	w := open(t, func(o *Options) { o.Path = "/" })
	e := secret.Entry{
		Key: "aws/x", Value: secret.NewValue("{{hunter2-marker}}"), Type: "Wrong",
		Description: strings.Repeat("d", 1025), Tags: map[string]string{"aws:x": "1"},
	}
	_, err := w.Store.Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion})
	wantErr(t, err, errs.Invalid, "reserved", "{{...}}", `"Wrong"`, "description", `the tag "aws:x"`)
	if strings.Contains(err.Error(), "marker") || w.Count("") != 0 {
		t.Errorf("%v after %d requests", err, w.Count(""))
	}
}

func TestSizesOfTiers(t *testing.T) {
	for _, c := range []struct {
		tier string
		size int
		ok   bool
	}{
		{"", 4096, true}, {"", 4097, false}, {"standard", 4097, false}, {"advanced", 8192, true}, {"advanced", 8193, false},
		{"intelligent", 8192, true}, {"intelligent", 8193, false},
	} {
		w := open(t, func(o *Options) { o.Tier = c.tier })
		_, err := w.Store.Put(t.Context(), entry("K", strings.Repeat("x", c.size)), store.PutOptions{Expect: 0})
		if c.ok && err != nil || !c.ok && errs.KindOf(err) != errs.Invalid {
			t.Errorf("tier %q, %d bytes: %v", c.tier, c.size, err)
		}
	}
	// Without a tier none is sent: the account's default counts.
	w := open(t)
	if _, err := w.Store.Put(t.Context(), entry("K", "x"), store.PutOptions{Expect: 0}); err != nil {
		t.Fatal(err)
	}
	if body := w.Calls()[0].Body; body["Tier"] != nil || body["DataType"] != nil || body["Overwrite"] != false {
		t.Errorf("sent %v", body)
	}
}

// The limit is on the name with its ARN, of which the region is a part.
func TestLengthOfNames(t *testing.T) {
	w := open(t)
	most := 1011 - len("arn:aws:ssm:us-east-1:111122223333:parameter/app/dev/")
	if _, err := w.Store.Put(t.Context(), entry(secret.Key(strings.Repeat("k", most)), "x"), store.PutOptions{}); err != nil {
		t.Error(err)
	}
	_, err := w.Store.Put(t.Context(), entry(secret.Key(strings.Repeat("k", most+1)), "x"), store.PutOptions{})
	wantErr(t, err, errs.Invalid, "by 1 byte")
	deep := secret.Key(strings.Repeat("a/", 12) + "x")
	if _, err := w.Store.Put(t.Context(), entry(deep, "x"), store.PutOptions{}); err != nil {
		t.Error(err)
	}
	_, err = w.Store.Put(t.Context(), entry("a/"+deep, "x"), store.PutOptions{})
	wantErr(t, err, errs.Invalid, "15 levels")
}

// A lost answer is never followed by a second write that could undo somebody
// else's.
func TestLostAnswers(t *testing.T) {
	lose := fake.Fault{Op: "PutParameter", Do: "lose"}
	drop := fake.Fault{Op: "PutParameter", Do: "drop"}
	for name, c := range map[string]struct {
		before  int // versions before
		expect  int64
		faults  []fake.Fault
		version int64
		kind    errs.Kind
	}{
		"created, answer lost":         {0, 0, []fake.Fault{lose}, 1, 0},
		"not created, request lost":    {0, 0, []fake.Fault{drop}, 1, 0},
		"updated, answer lost":         {1, 1, []fake.Fault{lose}, 2, 0},
		"not updated, request lost":    {1, 1, []fake.Fault{drop}, 2, 0},
		"anything, answer lost":        {1, store.AnyVersion, []fake.Fault{{Op: "PutParameter", Skip: 1, Do: "lose"}}, 2, 0},
		"the service failed":           {0, 0, []fake.Fault{{Op: "PutParameter", Status: 500, Code: "InternalServerError"}}, 1, 0},
		"lost to the end":              {0, 0, []fake.Fault{{Op: "PutParameter", Do: "drop", Times: 3}}, 0, errs.Network},
		"lost, and no look is allowed": {0, 0, []fake.Fault{lose, {Op: "GetParameters", Code: "AccessDeniedException", Message: "User: x is not authorized"}}, 0, errs.Network},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			for range c.before {
				w.SSM.Put("/app/dev/K", "old")
			}
			w.SSM.Fault(c.faults...)
			v, err := w.Store.Put(t.Context(), entry("K", "new"), store.PutOptions{Expect: c.expect})
			if v != c.version || errs.KindOf(err) != c.kind {
				t.Fatalf("version %d, kind %v: %v", v, errs.KindOf(err), err)
			}
			p, _ := w.Parameter("/app/dev/K")
			if err == nil && (len(p.Versions) != c.before+1 || p.Versions[c.before].Value != "new") {
				t.Errorf("there are %d versions", len(p.Versions))
			}
		})
	}
}

func TestDeleteInBatches(t *testing.T) {
	w := open(t)
	w.fill(25)
	var keys []secret.Key
	es, err := w.Store.Names(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		keys = append(keys, e.Key)
	}
	if err := w.Delete(t.Context(), append(keys, keys[0])...); err != nil {
		t.Fatal(err)
	}
	if w.Count("DeleteParameters") != 3 || len(w.SSM.Names()) != 0 {
		t.Errorf("%d requests, %d left", w.Count("DeleteParameters"), len(w.SSM.Names()))
	}
	// What a lost first request deleted is not called missing.
	w.fill(1)
	w.SSM.Fault(fake.Fault{Op: "DeleteParameters", Do: "lose"})
	if err := w.Delete(t.Context(), "K000"); err != nil {
		t.Error(err)
	}
}

func TestDenials(t *testing.T) {
	w := open(t)
	for _, c := range []struct{ message, want, hint string }{
		{"User: arn:aws:iam::1:user/u is not authorized to perform: ssm:PutParameter on resource: arn:aws:ssm:us-east-1:1:parameter/app/dev/K because no identity-based policy allows the ssm:PutParameter action",
			"arn:aws:iam::1:user/u may not do ssm:PutParameter on arn:aws:ssm:us-east-1:1:parameter/app/dev/K", `{"Effect":"Allow","Action":"ssm:PutParameter","Resource":["arn:aws:ssm:us-east-1:1:parameter/app/dev/*"]}`},
		{"User: arn:aws:iam::1:user/u is not authorized to perform: ssm:PutParameter on resource: arn:aws:ssm:us-east-1:1:parameter/app/dev/K with an explicit deny in an identity-based policy",
			"may not do", "an identity-based policy denies it expressly"},
		{"The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.", "may not do kms:Encrypt on it", `"Action":"kms:Encrypt"`},
		{"", "this identity may not do ssm:PutParameter on it", `"Resource":["*"]`},
		{"User: \x1b[31mevil is not authorized to perform: rm -rf on resource: \u202e", "this identity may not do rm on it", ""},
	} {
		w.SSM.Fault(fake.Fault{Op: "PutParameter", Code: "AccessDeniedException", Message: c.message})
		_, err := w.Store.Put(t.Context(), entry("K", "x"), store.PutOptions{})
		wantErr(t, err, errs.Auth, c.want, c.hint)
	}
}
