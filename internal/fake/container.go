package fake

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
)

// ContainerToken is what a container shows to get credentials.
const ContainerToken = SecretMark + "OfTheContainer"

var containerOperations = map[string]operation{"GetCredentials": (*Cloud).containerCredentials}

// ContainerEnv returns the variables of a container that has a role, as ECS and
// EKS set them; with tokenFile, which must hold [ContainerToken], those of EKS.
func (c *Cloud) ContainerEnv(tokenFile string) []string {
	env := []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + c.URL("container") + "/credentials"}
	if tokenFile != "" {
		return append(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+tokenFile)
	}
	return append(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN="+ContainerToken)
}

// containerShape has the code in the body.
var containerShape = shape{op: restShape.op, refuse: func(w http.ResponseWriter, e *apiError) {
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(map[string]string{"code": e.code, "message": e.message})
}}

func (c *Cloud) containerCredentials(r *request) (any, error) {
	if r.Header.Get("Authorization") != ContainerToken {
		return nil, &apiError{http.StatusForbidden, "AccessDeniedException", "the authorization token is not good"}
	}
	k := c.issue("arn:aws:sts::"+Account+":assumed-role/"+c.ContainerRole+"/"+rand.Text()[:12], c.RoleLife)
	return map[string]string{
		"AccessKeyId": k.ID, "SecretAccessKey": k.Secret, "Token": k.Token, "Expiration": stamp(k.Expires),
		"RoleArn": "arn:aws:iam::" + Account + ":role/" + c.ContainerRole,
	}, nil
}
