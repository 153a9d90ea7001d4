package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// The ways in which a machine identity signs in to Infisical, as the paths of its
// API name them.
const (
	methodUniversal = "universal-auth"
	methodOIDC      = "oidc-auth"
	methodAWS       = "aws-auth"
)

// infisicalMethods are the ways to sign in. The variables are those of Infisical's
// own command line and libraries. A token that is set goes before an identity, as
// there.
func infisicalMethods(manage string) []Method {
	slug := Field{
		Name: "organization_slug", Label: "organization slug", Optional: true, Variables: []string{"INFISICAL_AUTH_ORGANIZATION_SLUG"},
		Help: "of the sub-organization to sign in to",
	}
	identity := func(auth string, variables ...string) Field {
		return Field{Name: "identity_id", Label: "machine identity ID", Variables: variables, Help: "of a machine identity with " + auth + ": " + manage}
	}
	return []Method{
		{Name: methodUniversal, Doc: "the client ID and secret of a machine identity", Fields: []Field{
			{
				Name: "client_id", Label: "client ID", Variables: []string{"INFISICAL_CLIENT_ID", "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"},
				Help: "of a machine identity with Universal Auth: " + manage,
			},
			{
				Name: "client_secret", Label: "client secret", Hidden: true, Variables: []string{"INFISICAL_CLIENT_SECRET", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"},
				Help: "it is shown once, when it is made: " + manage,
			},
			slug,
		}},
		tokenMethod("Infisical access token", "an access token of a machine identity: "+manage, "INFISICAL_TOKEN"),
		{Name: methodOIDC, Doc: "an identity token (OIDC) of the place where this runs, such as GitHub Actions", words: []string{"oidc-auth", "oidc"}, Fields: []Field{
			identity("OIDC Auth", "INFISICAL_OIDC_AUTH_IDENTITY_ID", "INFISICAL_MACHINE_IDENTITY_ID"),
			{
				Name: "jwt", Label: "identity token", Hidden: true, Optional: true, Fleeting: true, Variables: []string{"INFISICAL_JWT", "INFISICAL_OIDC_AUTH_JWT"},
				Help: "without one, the place where this runs is asked",
			},
			{Name: "audience", Label: "audience", Optional: true, Help: "of the identity token, as the identity's OIDC settings name it"},
			slug,
		}},
		{Name: methodAWS, Doc: "the AWS identity, shown by a signed request that only says who signs", words: []string{"aws-iam", "aws-auth"}, Fields: []Field{
			identity("AWS Auth", "INFISICAL_AWS_IAM_AUTH_IDENTITY_ID", "INFISICAL_MACHINE_IDENTITY_ID"),
			slug,
		}},
	}
}

// mintInfisical signs in as a machine identity and returns an access token. Such a
// token may be good for a number of requests only, and so may a client secret be
// for sign-ins: it is done once.
func mintInfisical(ctx context.Context, a *API) (access, error) {
	in := map[string]string{}
	if slug := a.t.field("organization_slug"); slug != "" {
		in["organizationSlug"] = slug
	}
	var err error
	switch a.t.Method {
	case methodOIDC:
		in["identityId"] = a.t.field("identity_id")
		in["jwt"], err = a.identityToken(ctx)
	case methodAWS:
		in["identityId"] = a.t.field("identity_id")
		err = a.signCaller(ctx, in)
	default:
		in["clientId"], in["clientSecret"] = a.t.field("client_id"), a.t.field("client_secret")
	}
	if err != nil {
		return access{}, err
	}
	var v struct {
		Token   string `json:"accessToken"`
		Seconds int64  `json:"expiresIn"`
	}
	if _, err := a.send(ctx, http.MethodPost, "/v1/auth/"+a.t.Method+"/login", "", in, &v); err != nil {
		return access{}, a.refusedIdentity(err)
	}
	if v.Token == "" || unfit(v.Token) != "" {
		return access{}, errs.New(errs.Backend, "%s gave no access token", hostOf(a.t.Origin)).WithHint("is that the address of Infisical?")
	}
	seconds := min(max(v.Seconds, 0), 1<<31)
	return access{func() string { return v.Token }, a.o.Now().Add(time.Duration(seconds) * time.Second)}, nil
}

// identityToken returns the identity token to sign in with: one that was given, or
// what the place where this runs gives.
func (a *API) identityToken(ctx context.Context) (string, error) {
	jwt := a.t.field("jwt")
	if jwt == "" && a.o.IDToken != nil {
		var err error
		if jwt, err = a.o.IDToken(ctx, a.t.field("audience")); err != nil {
			return "", fmt.Errorf("the sign-in to Infisical needs an identity token: %w", err)
		}
	}
	if jwt = strings.TrimSpace(jwt); jwt == "" {
		return "", errs.New(errs.Auth, "there is no identity token to sign in to Infisical with").
			WithHint("set INFISICAL_JWT, or run where one is given out, such as in GitHub Actions with the permission id-token: write; with AWS in its place, set INFISICAL_AUTH_METHOD=aws-iam")
	}
	if why := unfit(jwt); why != "" {
		return "", errs.New(errs.Invalid, "the identity token for Infisical %s", why).WithHint("it is a JWT, and nothing around it")
	}
	if forAWS(jwt) {
		return "", errs.New(errs.Config, "the identity token is for AWS and is not sent to Infisical, which could go there with it").
			WithHint("name another audience, as the identity's OIDC Auth does: --opt audience=ADDRESS")
	}
	return jwt, nil
}

// forAWS tells whether AWS STS is among those that an identity token is for.
func forAWS(jwt string) bool {
	_, rest, _ := strings.Cut(jwt, ".")
	part, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(part)
	var v struct {
		Audience json.RawMessage `json:"aud"`
	}
	return err == nil && json.Unmarshal(raw, &v) == nil && strings.Contains(string(v.Audience), "sts.amazonaws.com")
}

// signCaller adds a signed request to AWS STS to what is sent, as Infisical's
// documentation wants it. Infisical sends it on and learns who signed.
func (a *API) signCaller(ctx context.Context, in map[string]string) error {
	if a.o.SignCaller == nil {
		return errs.New(errs.Auth, "a sign-in to Infisical by AWS cannot be done here, where nobody can sign").
			WithHint("use another method: skret auth login infisical --method universal-auth")
	}
	method, body, headers, err := a.o.SignCaller(ctx)
	if err != nil {
		return fmt.Errorf("the sign-in to Infisical needs an AWS identity: %w", err)
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	in["iamHttpRequestMethod"] = method
	in["iamRequestBody"] = base64.StdEncoding.EncodeToString([]byte(body))
	in["iamRequestHeaders"] = base64.StdEncoding.EncodeToString(list)
	return nil
}

// refusedIdentity says why an identity may not have been accepted that shows
// where it runs, and not what it knows.
func (a *API) refusedIdentity(err error) error {
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.limited || f.Status >= 500 || a.t.Method == methodUniversal {
		return err
	}
	hint := "do the issuer, the subject and the audience of the identity token agree with the identity's OIDC Auth"
	if a.t.Method == methodAWS {
		hint = "is the AWS role or account among those that the identity's AWS Auth allows"
	}
	hint += ", and is the ID right? See " + a.t.s.manage(a.t.Origin)
	if a.t.Origin == a.t.s.home {
		hint += "; " + a.t.s.aside
	}
	return errs.New(errs.Auth, "%s does not accept the sign-in of the machine identity of %s: %w", hostOf(a.t.Origin), a.t.From, f).WithHint("%s", hint)
}
