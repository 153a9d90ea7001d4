package fake

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// MFACode is the only one-time code that is good.
const MFACode = "123456"

var stsOperations = map[string]operation{
	"GetCallerIdentity":         (*Cloud).callerIdentity,
	"GetAccessKeyInfo":          (*Cloud).accessKeyInfo,
	"AssumeRole":                (*Cloud).assumeRole,
	"AssumeRoleWithWebIdentity": (*Cloud).assumeByToken,
}

// signer checks a signature as the services of the query protocol do, and
// notes who signed.
func (c *Cloud) signer(r *request, service string) (Key, error) {
	var key Key
	_, err := signature{service: service, now: r.now, secret: func(id, token string) (string, error) {
		k, err := c.find(id, token, service)
		key = k
		return k.Secret, err
	}}.check(r.Request, r.body)
	if err != nil {
		return Key{}, queryError(err)
	}
	r.call.KeyID, r.call.ARN = key.ID, key.ARN
	return key, nil
}

func (c *Cloud) callerIdentity(r *request) (any, error) {
	k, err := c.signer(r, "sts")
	if err != nil {
		return nil, err
	}
	return answerForm(r.op, leaf("Arn", k.ARN)+leaf("UserId", k.UserID)+leaf("Account", accountOf(k.ARN))), nil
}

func (c *Cloud) accessKeyInfo(r *request) (any, error) {
	if _, err := c.signer(r, "sts"); err != nil {
		return nil, err
	}
	k := c.keys[str(r.in, "AccessKeyId")]
	if k == nil {
		return nil, fail("ValidationError", "The access key ID is not valid")
	}
	return answerForm(r.op, leaf("Account", accountOf(k.ARN))), nil
}

var sessionRule = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func (c *Cloud) assumeRole(r *request) (any, error) {
	k, err := c.signer(r, "sts")
	if err != nil {
		return nil, err
	}
	arn := str(r.in, "RoleArn")
	role := c.roles[arn]
	life, err := c.askedLife(r, role)
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	if id := str(r.in, "ExternalId"); id != "" {
		known["sts:ExternalId"] = id
	}
	serial, code := str(r.in, "SerialNumber"), str(r.in, "TokenCode")
	switch {
	case strings.HasSuffix(k.ARN, ":root"):
		return nil, fail("AccessDenied", "Roles may not be assumed by root accounts.")
	case strings.Contains(k.ARN, ":assumed-role/") && life > time.Hour:
		return nil, fail("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case (serial == "") != (code == ""):
		return nil, fail("ValidationError", "SerialNumber and TokenCode must be given together")
	case code != "" && code != MFACode:
		return nil, fail("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	case code != "":
		known["aws:MultiFactorAuthPresent"] = "true"
	}
	if !role.trusts("AWS", c.asPrincipal(k.ARN), known, "sts:AssumeRole") {
		return nil, fail("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", k.ARN, arn)
	}
	return c.assumed(r, arn, life, ""), nil
}

// askedLife checks a session's name and duration.
func (c *Cloud) askedLife(r *request, role *Role) (time.Duration, error) {
	if name := str(r.in, "RoleSessionName"); !sessionRule.MatchString(name) {
		return 0, fail("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", name)
	}
	seconds := whole(r.in, "DurationSeconds", 3600)
	switch {
	case seconds < 900 || seconds > 43200:
		return 0, fail("ValidationError", "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200", seconds)
	case role != nil && seconds > role.MaxDuration:
		return 0, fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return time.Duration(seconds) * time.Second, nil
}

// assumed issues a role's key and is the answer.
func (c *Cloud) assumed(r *request, role string, life time.Duration, more string) document {
	k := c.issue("arn:aws:sts::"+accountOf(role)+":assumed-role/"+roleOf(role)+"/"+str(r.in, "RoleSessionName"), life)
	return answerForm(r.op, element("Credentials", leaf("AccessKeyId", k.ID)+leaf("SecretAccessKey", k.Secret)+leaf("SessionToken", k.Token)+leaf("Expiration", stamp(k.Expires)))+
		element("AssumedRoleUser", leaf("Arn", k.ARN)+leaf("AssumedRoleId", k.UserID))+more)
}

func (c *Cloud) assumeByToken(r *request) (any, error) {
	arn := str(r.in, "RoleArn")
	role := c.roles[arn]
	life, err := c.askedLife(r, role)
	if err != nil {
		return nil, err
	}
	claims, err := c.issuer.read(str(r.in, "WebIdentityToken"))
	if err != nil {
		return nil, err
	}
	issuer := strings.TrimPrefix(str(claims, "iss"), "https://")
	audiences, ok := c.providers[issuer]
	switch exp := time.Unix(int64(whole(claims, "exp", 0)), 0); {
	case !ok:
		return nil, fail("InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", str(claims, "iss"))
	case !r.now.Before(exp):
		return nil, fail("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", r.now.Unix(), exp.Unix())
	case !slices.Contains(audiences, str(claims, "aud")):
		return nil, fail("InvalidIdentityToken", "Incorrect token audience")
	}
	known := map[string]string{issuer + ":sub": str(claims, "sub"), issuer + ":aud": str(claims, "aud")}
	provider := "arn:aws:iam::" + accountOf(arn) + ":oidc-provider/" + issuer
	if !role.trusts("Federated", []string{provider}, known, "sts:AssumeRoleWithWebIdentity") {
		return nil, fail("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	return c.assumed(r, arn, life, leaf("SubjectFromWebIdentityToken", str(claims, "sub"))+leaf("Audience", str(claims, "aud"))+leaf("Provider", provider)), nil
}
