package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
)

func newAuthToken(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "token aws",
		Short: "Print short-lived AWS credentials, for other programs",
		Long: `Print the credentials of a sign-in, so that aws, terraform, boto3 and others use it.
They are secret: print them to programs, not to people.

As a profile in ~/.aws/config, renewed whenever that program needs it:

  [profile skret]
  credential_process = skret auth token aws

Without --auth and --profile it is the default sign-in of skret's, and never what
the AWS SDK finds: a profile that runs this command cannot run itself that way.`,
		Example: `  skret auth token aws
  skret auth token aws --auth deploy --format json
  eval "$(skret auth token aws --format env)"`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{awsauth.Service},
		RunE:      func(c *cobra.Command, args []string) error { return runAuthToken(c.Context(), a, args[0]) },
	}, "credential-process", "env", "json")
}

func runAuthToken(ctx context.Context, a *app, service string) error {
	if err := enum("service", service, awsauth.Service); err != nil {
		return err
	}
	eo, err := a.identityOptions()
	if err != nil {
		return err
	}
	a.signals.watch()
	k, err := awsauth.Keys(ctx, engine.AWS(eo))
	if err != nil {
		return err
	}
	expires := ""
	if !k.Expires.IsZero() {
		expires = k.Expires.UTC().Format(time.RFC3339)
	}
	switch a.global.format {
	case "json":
		return a.streams.JSON(map[string]any{
			"access_key_id": k.AccessKeyID, "secret_access_key": k.SecretAccessKey, "session_token": k.SessionToken,
			"expires": expires, "account": k.AccountID,
		})
	case "env":
		// These are letters, digits and / + = alone: AWS's keys need no quotes.
		fmt.Fprintf(a.streams.Out, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", k.AccessKeyID, k.SecretAccessKey)
		if k.SessionToken == "" {
			fmt.Fprintln(a.streams.Out, "unset AWS_SESSION_TOKEN")
		} else {
			fmt.Fprintf(a.streams.Out, "export AWS_SESSION_TOKEN=%s\n", k.SessionToken)
		}
		return nil
	}
	return a.streams.JSON(struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string `json:",omitempty"`
		AccountID       string `json:"AccountId,omitempty"`
	}{1, k.AccessKeyID, k.SecretAccessKey, k.SessionToken, expires, k.AccountID})
}
