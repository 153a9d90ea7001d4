package fake

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Kubectl runs in place of the program kubectl, for tests that need Go alone: it
// knows "get secret" and server-side "apply" with the flags that skret gives, and
// speaks to the cluster of a kubeconfig in the words of the real one. The same suite
// is run with that.
func Kubectl(ctx context.Context, kubeconfig string, args []string, stdin []byte) (stdout, stderr []byte, err error) {
	c := &kubectl{ctx: ctx}
	if c.fail = c.parse(args); c.fail == "" {
		c.fail = c.configure(kubeconfig)
	}
	switch {
	case c.fail != "":
	case c.verb == "get":
		c.get()
	default:
		c.apply(stdin)
	}
	if c.fail != "" {
		return nil, []byte(c.fail + "\n"), errors.New("exit status 1")
	}
	return c.out, nil, nil
}

type kubectl struct {
	ctx       context.Context
	verb      string
	name      string
	context   string
	namespace string

	server, token string
	client        *http.Client

	out  []byte
	fail string
}

// parse reads the arguments, and knows no others than those.
func (c *kubectl) parse(args []string) (fail string) {
	known := map[string]string{
		"get":   "secret NAME -o jsonpath-as-json={@}",
		"apply": "--server-side --field-manager=skret --validate=false -f - -o name",
	}
	c.verb = args[0]
	var rest []string
	for i, arg := range args[1:] {
		flag, value, _ := strings.Cut(arg, "=")
		switch {
		case flag == "--context":
			c.context = value
		case flag == "--namespace":
			c.namespace = value
		case flag == "--request-timeout":
		case c.verb == "get" && i == 1:
			c.name = arg
			rest = append(rest, "NAME")
		default:
			rest = append(rest, arg)
		}
	}
	if got := strings.Join(rest, " "); known[c.verb] == "" || got != known[c.verb] {
		return "error: the fake kubectl does not know: " + c.verb + " " + got
	}
	return ""
}

// configure reads the kubeconfig.
func (c *kubectl) configure(text string) (fail string) {
	var v struct {
		Current  string `yaml:"current-context"`
		Clusters []struct {
			Name    string
			Cluster struct {
				Server string
				Data   string `yaml:"certificate-authority-data"`
			}
		}
		Users []struct {
			Name string
			User struct{ Token string }
		}
		Contexts []struct {
			Name    string
			Context struct{ User, Namespace string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &v); err != nil || len(v.Clusters) == 0 {
		return "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
	}
	if c.context == "" {
		c.context = v.Current
	}
	namespace := "default"
	found := false
	for _, at := range v.Contexts {
		for _, u := range v.Users {
			if at.Name == c.context && at.Context.User == u.Name {
				c.token, found = u.User.Token, true
				if at.Context.Namespace != "" {
					namespace = at.Context.Namespace
				}
			}
		}
	}
	if !found {
		return "Error in configuration: context was not found for specified context: " + c.context
	}
	if c.namespace == "" {
		c.namespace = namespace
	}
	c.server = v.Clusters[0].Cluster.Server
	var pem []byte
	if err := json.Unmarshal([]byte(`"`+v.Clusters[0].Cluster.Data+`"`), &pem); err != nil {
		return "error: unable to read certificate-authority-data"
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	return ""
}

// do makes a request. ok is whether it was a success; else fail says why.
func (c *kubectl) do(method, path string, body []byte) (raw []byte, ok bool) {
	r, err := http.NewRequestWithContext(c.ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		c.fail = "error: " + err.Error()
		return nil, false
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	resp, err := c.client.Do(r)
	if err != nil {
		u, _ := url.Parse(c.server)
		c.fail = "The connection to the server " + u.Host + " was refused - did you specify the right host or port?"
		if errors.Is(err, io.EOF) {
			c.fail = "Unable to connect to the server: EOF"
		}
		return nil, false
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	switch {
	case err != nil:
		c.fail = "Unable to connect to the server: " + err.Error()
	case resp.StatusCode > 299 || !json.Valid(raw):
		c.refused(resp.StatusCode, raw)
	default:
		return raw, true
	}
	return raw, false
}

// refused puts a refusal into kubectl's words.
func (c *kubectl) refused(status int, raw []byte) {
	var v struct {
		Reason, Message string
		Details         struct {
			Name   string
			Causes []struct{ Field, Message string }
		}
	}
	switch err := json.Unmarshal(raw, &v); {
	case err != nil || v.Reason == "":
		c.fail = fmt.Sprintf("Error from server (InternalError): an error on the server (%.100q) has prevented the request from succeeding (%s secrets %s)", raw, c.verb, c.name)
	case status == http.StatusUnauthorized:
		c.fail = "error: You must be logged in to the server (Unauthorized)"
	case status == http.StatusConflict:
		c.fail = "error: " + v.Message + "\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n..."
	case len(v.Details.Causes) > 0:
		c.fail = fmt.Sprintf("The Secret %q is invalid: %s: %s", v.Details.Name, v.Details.Causes[0].Field, v.Details.Causes[0].Message)
	default:
		c.fail = "Error from server (" + v.Reason + "): " + v.Message
	}
}

func (c *kubectl) get() {
	raw, ok := c.do(http.MethodGet, "/api/v1/namespaces/"+c.namespace+"/secrets/"+c.name, nil)
	if ok {
		var v any
		_ = json.Unmarshal(raw, &v) // it is valid
		c.out, _ = json.MarshalIndent([]any{v}, "", "    ")
		return
	}
	if strings.Contains(c.fail, "(NotFound)") { // is it the namespace that is not there?
		was := c.fail
		if _, ok := c.do(http.MethodGet, "/api/v1/namespaces/"+c.namespace, nil); ok {
			c.fail = was
		}
	}
}

func (c *kubectl) apply(stdin []byte) {
	var v struct {
		Metadata struct{ Name string }
	}
	if err := json.Unmarshal(stdin, &v); err != nil || v.Metadata.Name == "" {
		c.fail = "error: error parsing STDIN"
		return
	}
	c.name = v.Metadata.Name
	path := "/api/v1/namespaces/" + c.namespace + "/secrets/" + c.name + "?fieldManager=skret&force=false"
	if _, ok := c.do(http.MethodPatch, path, stdin); ok {
		c.out = []byte("secret/" + c.name + "\n")
	}
}
