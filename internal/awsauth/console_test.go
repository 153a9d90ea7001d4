package awsauth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/skret/skret/internal/errs"
)

const consoleARN = "arn:aws:iam::123456789012:user/dev"

// signinServer renews sessions of aws login, and judges the proof that comes along.
type signinServer struct {
	*httptest.Server
	t      *testing.T
	key    *ecdsa.PrivateKey
	calls  int
	status int // in place of success
	reply  string
}

func newSigninServer(t *testing.T, key *ecdsa.PrivateKey) *signinServer {
	s := &signinServer{t: t, key: key}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *signinServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++
	body, _ := io.ReadAll(r.Body)
	var in map[string]string
	if err := json.Unmarshal(body, &in); err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/token" ||
		in["clientId"] != "client" || in["grantType"] != "refresh_token" || in["refreshToken"] != "refresh-1" {
		s.t.Errorf("asked %s %s %s", r.Method, r.URL, body)
	}
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if len(parts) != 3 {
		s.t.Fatalf("DPoP: %q", r.Header.Get("DPoP"))
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if len(sig) != 64 || !ecdsa.Verify(&s.key.PublicKey, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		s.t.Error("the proof's signature is not that of the key")
	}
	var head struct {
		Typ, Alg string
		JWK      struct{ Kty, Crv, X, Y string }
	}
	var claims struct {
		JTI, HTM, HTU string
		IAT           int64
	}
	for i, into := range []any{&head, &claims} {
		text, _ := base64.RawURLEncoding.DecodeString(parts[i])
		if err := json.Unmarshal(text, into); err != nil {
			s.t.Error(err)
		}
	}
	if head.Typ != "dpop+jwt" || head.Alg != "ES256" || head.JWK.Crv != "P-256" || claims.HTM != "POST" || claims.HTU != s.URL+"/v1/token" ||
		claims.JTI == "" || time.Since(time.Unix(claims.IAT, 0)).Abs() > time.Minute {
		s.t.Errorf("the proof says %+v %+v", head, claims)
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	io.WriteString(w, s.reply)
}

// consoleFile writes what aws login keeps, and sets the environment for a profile of
// it.
func consoleFile(t *testing.T, key *ecdsa.PrivateKey, endpoint string, expires time.Time) (file string) {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sum := sha256.Sum256([]byte(consoleARN))
	file = filepath.Join(dir, hex.EncodeToString(sum[:])+".json")
	doc, _ := json.Marshal(map[string]any{
		"accessToken":  map[string]any{"accessKeyId": "OLD", "secretAccessKey": "s", "sessionToken": "t", "accountId": "123456789012", "expiresAt": expires},
		"refreshToken": "refresh-1", "clientId": "client", "tokenType": "aws_sigv4", "identityToken": "kept",
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	environment(t, "AWS_LOGIN_CACHE_DIRECTORY="+dir, "AWS_ENDPOINT_URL_SIGNIN="+endpoint, "AWS_PROFILE=console")
	profiles(t, "[profile console]\nlogin_session = "+consoleARN+"\nregion = eu-west-1\n")
	return file
}

const renewed = `{"accessToken":{"accessKeyId":"NEW","secretAccessKey":"s2","sessionToken":"t2"},"expiresIn":900,"refreshToken":"refresh-2","tokenType":"aws_sigv4"}`

// A session of aws login is used as it is while it is good, renewed once when it has
// expired, and written back so that others can use it; the SDK does the same.
func TestConsoleSessionIsRenewedAsTheSDKDoes(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newSigninServer(t, key)
	s.reply = renewed

	consoleFile(t, key, s.URL, time.Now().Add(time.Hour))
	if c := retrieved(t); c.AccessKeyID != "OLD" || s.calls != 0 {
		t.Errorf("a good session: %q, %d calls", c.AccessKeyID, s.calls)
	}

	kept := map[string]string{}
	for _, who := range []string{"skret", "SDK"} {
		s.calls = 0
		file := consoleFile(t, key, s.URL, time.Now().Add(-time.Hour))
		var c aws.Credentials
		if who == "skret" {
			c = retrieved(t)
		} else {
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if c, err = cfg.Credentials.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if c.AccessKeyID != "NEW" || c.SecretAccessKey != "s2" || c.SessionToken != "t2" || c.AccountID != "123456789012" || s.calls != 1 {
			t.Errorf("%s: %+v, %d calls", who, c.AccessKeyID, s.calls)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		token := doc["accessToken"].(map[string]any)
		until, err := time.Parse(time.RFC3339, token["expiresAt"].(string))
		if err != nil || time.Until(until) < 14*time.Minute || time.Until(until) > 16*time.Minute {
			t.Errorf("%s: until %v, %v", who, until, err)
		}
		delete(token, "expiresAt")
		delete(doc, "dpopKey")
		same, _ := json.Marshal(doc)
		kept[who] = string(same)
	}
	if kept["skret"] != kept["SDK"] {
		t.Errorf("skret keeps %s\nthe SDK keeps %s", kept["skret"], kept["SDK"])
	}
}

func TestConsoleSessionThatCannotBeRenewed(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newSigninServer(t, key)
	for _, c := range []struct {
		status int
		reply  string
		kind   errs.Kind
		want   string
	}{
		{400, `{"__type":"AccessDeniedException","error":"TOKEN_EXPIRED"}`, errs.Auth, "has expired"},
		{400, `{"error":"INSUFFICIENT_PERMISSIONS"}`, errs.Auth, "you may not"},
		{429, `{}`, errs.Network, "throttles"},
		{500, `<html>marker`, errs.Backend, "the service failed"},
		{0, `<html>marker`, errs.Backend, "not an answer of AWS"},
	} {
		s.status, s.reply = c.status, c.reply
		file := consoleFile(t, key, s.URL, time.Now().Add(-time.Hour))
		before, _ := os.ReadFile(file)
		id, err := Resolve(options())
		if err != nil {
			t.Fatal(err)
		}
		_, err = id.Credentials.Retrieve(t.Context())
		if err == nil || errs.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "marker") {
			t.Errorf("%d %s: %v (%v), want %q", c.status, c.reply, err, errs.KindOf(err), c.want)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
			t.Errorf("%d: the file was changed", c.status)
		}
	}
}

// retrieved are the credentials of the environment.
func retrieved(t *testing.T) aws.Credentials {
	t.Helper()
	o := options()
	o.Log = slog.New(slog.DiscardHandler)
	id, err := Resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := id.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
