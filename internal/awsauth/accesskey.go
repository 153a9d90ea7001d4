package awsauth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

func accessKeyMethod() Method {
	return Method{
		Name: "access-key",
		Doc:  "an access key: its id, its secret, and for temporary ones a session token",
		login: func(ctx context.Context, l *attempt) (draft, error) {
			d := draft{meta: map[string]string{}, secret: map[string]string{}}
			for _, f := range []struct{ field, text string }{
				{"access_key_id", "access key id"},
				{"secret_access_key", "secret access key"},
			} {
				v, err := l.secret(ctx, f.field, f.text)
				if err != nil {
					return d, err
				}
				if err := checkKeyPart(f.field, f.text, v); err != nil {
					return d, err
				}
				d.secret[f.field] = v
			}
			id := d.secret["access_key_id"]
			token, err := l.sessionToken(ctx, id)
			if err != nil {
				return d, err
			}
			if token != "" {
				d.secret["session_token"] = token
				l.note("these are temporary credentials: skret cannot renew them")
			}
			d.meta["key"] = maskKey(id)
			return d, nil
		},
		verified: keyAge,
		provider: func(s *signIn) (aws.CredentialsProvider, error) {
			return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				c, m, err := s.open(ctx)
				return aws.Credentials{
					AccessKeyID: m.Field("access_key_id"), SecretAccessKey: m.Field("secret_access_key"), SessionToken: m.Field("session_token"),
					AccountID: c.Meta["account"],
				}, err
			}), nil
		},
		origin: func(c vault.Credential) string { return quoted(c, "access key "+c.Meta["key"]) },
	}
}

// sessionToken returns the token that temporary keys, by their id, do not work
// without. Other keys have none, and nobody is asked for one.
func (l *attempt) sessionToken(ctx context.Context, id string) (string, error) {
	if !strings.HasPrefix(id, "ASIA") {
		return l.l.Given["session_token"], nil
	}
	if l.l.Given != nil && l.l.Given["session_token"] == "" {
		return "", errs.New(errs.Invalid, "%s is a temporary access key, and its session token is missing", maskKey(id)).
			WithHint("give all three: id, secret and session token")
	}
	return l.secret(ctx, "session_token", "session token")
}

// checkKeyPart refuses what cannot be a part of an access key, such as a whole
// line of a file. It never shows it.
func checkKeyPart(field, text, v string) error {
	switch {
	case v == "":
		return errs.New(errs.Invalid, "the %s is empty", text)
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errs.New(errs.Invalid, "the %s has characters that cannot be in one", text).WithHint("paste it alone, without its name")
	case field == "access_key_id" && (len(v) < 16 || len(v) > 128 || strings.ContainsAny(v, "/+=")):
		return errs.New(errs.Invalid, "this is no access key id").WithHint("it is like AKIA... or ASIA..., 20 letters and digits; the secret is asked for next")
	}
	return nil
}

// maskKey shortens an access key id to what tells it from others. The id is no
// secret, but it is nobody's business either.
func maskKey(id string) string {
	if len(id) < 12 {
		return "..."
	}
	return id[:4] + "..." + id[len(id)-4:]
}

// jsonKeys looks for the parts of an access key in a JSON document, at any depth.
func jsonKeys(doc any, names, fields map[string]string) {
	object, ok := doc.(map[string]any)
	if !ok {
		return
	}
	for name, v := range object {
		if text, is := v.(string); is && names[strings.ToLower(name)] != "" {
			fields[names[strings.ToLower(name)]] = text
		}
		jsonKeys(v, names, fields)
	}
}

// oldKey is the age from which on an access key is worth a word.
const oldKey = 90 * 24 * time.Hour

// keyAge finds out when the access key was made, if the identity may ask.
func keyAge(ctx context.Context, l *attempt, kept *memory) {
	keys, err := l.o.query(constantOf(kept.material), "", "").AccessKeys(ctx, "")
	if err != nil {
		l.o.Log.Debug("the age of the access key is not known", "error", err)
		return
	}
	for _, k := range keys {
		if k.ID == kept.material.Field("access_key_id") && !k.Created.IsZero() {
			kept.cred.Meta["key_created"] = k.Created.UTC().Format(time.RFC3339)
			if age := l.o.Now().Sub(k.Created); age > oldKey {
				l.note("the access key is %d days old: skret auth rotate replaces it", int(age.Hours()/24))
			}
		}
	}
}

// ParseKeys reads an access key as tools print it: lines of NAME=VALUE, with or
// without export; a JSON object, as aws iam create-access-key and aws sts print
// one; or the id, the secret and the token in lines of their own.
func ParseKeys(text string) (map[string]string, error) {
	names := map[string]string{
		"aws_access_key_id": "access_key_id", "accesskeyid": "access_key_id",
		"aws_secret_access_key": "secret_access_key", "secretaccesskey": "secret_access_key",
		"aws_session_token": "session_token", "sessiontoken": "session_token",
	}
	fields := map[string]string{}
	var bare []string
	var doc any
	if json.Unmarshal([]byte(text), &doc) == nil {
		jsonKeys(doc, names, fields)
		text = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "export "), "set "))
		name, value, ok := strings.Cut(line, "=")
		field := names[strings.ToLower(strings.TrimSpace(name))]
		switch {
		case ok && field != "":
			fields[field] = strings.Trim(strings.TrimSpace(value), `"'`)
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "[") || strings.ContainsAny(line, `"{}`):
		default:
			bare = append(bare, line)
		}
	}
	if len(fields) == 0 {
		for i, f := range []string{"access_key_id", "secret_access_key", "session_token"} {
			if i < len(bare) {
				fields[f] = bare[i]
			}
		}
		if len(bare) > 3 {
			return nil, errs.New(errs.Invalid, "an access key has three lines at most, and %d were given", len(bare))
		}
	}
	if fields["access_key_id"] == "" || fields["secret_access_key"] == "" {
		return nil, errs.New(errs.Invalid, "there is no access key in what was given").
			WithHint("give the id and the secret, each on a line, or as AWS_ACCESS_KEY_ID=... and AWS_SECRET_ACCESS_KEY=...")
	}
	return fields, nil
}
