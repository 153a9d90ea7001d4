package awsauth

import (
	"maps"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestParseKeysTakesWhatToolsPrint(t *testing.T) {
	const id, secret, token = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEJr//token=="
	two := map[string]string{"access_key_id": id, "secret_access_key": secret}
	three := map[string]string{"access_key_id": id, "secret_access_key": secret, "session_token": token}
	for _, c := range []struct {
		text string
		want map[string]string // nil: refused
	}{
		{id + "\n" + secret + "\n", two},
		{id + "\r\n" + secret + "\r\n" + token, three},
		{"AWS_ACCESS_KEY_ID=" + id + "\nAWS_SECRET_ACCESS_KEY=" + secret, two},
		{"export AWS_ACCESS_KEY_ID=\"" + id + "\"\nexport AWS_SECRET_ACCESS_KEY='" + secret + "'\nexport AWS_SESSION_TOKEN=" + token, three},
		{"[default]\naws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\n", two},
		{"{\n  \"AccessKey\": {\n    \"UserName\": \"ci\",\n    \"AccessKeyId\": \"" + id + "\",\n    \"SecretAccessKey\": \"" + secret + "\"\n  }\n}", two},
		{"{\n\"Credentials\": {\n\"AccessKeyId\": \"" + id + "\",\n\"SecretAccessKey\": \"" + secret + "\",\n\"SessionToken\": \"" + token + "\",\n\"Expiration\": \"2026\"\n}\n}", three},
		{`{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}`, two},
		{"", nil}, {id, nil}, {"AWS_ACCESS_KEY_ID=" + id, nil}, {"a\nb\nc\nd", nil}, {"{}", nil},
	} {
		got, err := ParseKeys(c.text)
		if c.want == nil && errs.KindOf(err) != errs.Invalid || c.want != nil && !maps.Equal(got, c.want) {
			t.Errorf("%q: %v %v", c.text, got, err)
		}
		if err != nil && strings.Contains(err.Error()+errs.HintOf(err), "EXAMPLE") {
			t.Errorf("%q is shown: %v", c.text, err)
		}
	}
}

func TestRoleIsThatOfTheARN(t *testing.T) {
	for _, c := range []struct {
		arn, role string
		want      bool
	}{
		{"arn:aws:sts::1:assumed-role/app/me", "app", true},
		{"arn:aws:sts::1:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/me", "Deploy", true},
		{"arn:aws:sts::1:assumed-role/AWSReservedSSO_My_Set_0123456789abcdef/me", "My_Set", true},
		{"arn:aws:sts::1:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/me", "AWSReservedSSO_Deploy_0123456789abcdef", true},
		{"arn:aws:sts::1:assumed-role/application/me", "app", false},
		{"arn:aws:sts::1:assumed-role/other/app", "app", false},
		{"arn:aws:iam::1:user/app", "app", false},
		{"", "app", false},
	} {
		if got := hasRole(c.arn, c.role); got != c.want {
			t.Errorf("%s, %s: %v", c.arn, c.role, got)
		}
	}
}

func TestSettingsOfASessionAreChecked(t *testing.T) {
	for _, c := range []struct {
		meta map[string]string
		ok   bool
	}{
		{nil, true}, {map[string]string{"duration": "1h"}, true}, {map[string]string{"duration": "900"}, true}, {map[string]string{"session_name": "me@host"}, true},
		{map[string]string{"duration": "14m"}, false}, {map[string]string{"duration": "13h"}, false}, {map[string]string{"duration": "soon"}, false},
		{map[string]string{"session_name": "x"}, false}, {map[string]string{"session_name": "a b"}, false},
	} {
		if err := checkSession(c.meta); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.meta, err)
		}
	}
	for arn, ok := range map[string]bool{
		"arn:aws:iam::123456789012:role/app": true, "arn:aws-cn:iam::123456789012:role/path/app": true,
		"arn:aws:iam::123456789012:user/app": false, "arn:aws:sts::123456789012:role/app": false, "app": false, "": false,
	} {
		if err := checkRoleARN(arn); (err == nil) != ok {
			t.Errorf("%s: %v", arn, err)
		}
	}
}
