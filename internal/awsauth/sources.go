package awsauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// processTime bounds a credential_process.
const processTime = time.Minute

// program is the credential_process of a profile.
type program struct {
	o       Options
	command string
}

// processError says why a credential_process gave nothing. It shows nothing of what
// the program printed.
type processError string

func (e processError) Error() string { return string(e) }

// Retrieve runs the program.
func (p program) Retrieve(ctx context.Context) (aws.Credentials, error) {
	limited, cancel := context.WithTimeout(ctx, processTime)
	defer cancel()
	out, err := p.o.shell(limited, p.command, "credential_process").Output()
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return aws.Credentials{}, ctx.Err()
	case limited.Err() != nil:
		return aws.Credentials{}, processError("did not end within a minute")
	case failed:
		return aws.Credentials{}, processError("failed: " + exit.Error())
	}
	if runtime.GOOS == "windows" {
		out = bytes.ReplaceAll(out, []byte(`\"`), []byte(`"`)) // cmd.exe adds them
	}
	var doc struct {
		Version int
		issued
		SessionToken string
	}
	if err != nil || json.Unmarshal(out, &doc) != nil || doc.Version != 1 || doc.AccessKeyID == "" || doc.SecretAccessKey == "" {
		return aws.Credentials{}, processError("printed no credentials in the form that AWS wants")
	}
	doc.Token = doc.SessionToken
	return doc.credentials("ProcessProvider"), nil
}

// issued is credentials as platforms and programs print them.
type issued struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	AccountID       string `json:"AccountId"`
	Expiration      *time.Time
}

func (i issued) credentials(source string) aws.Credentials {
	c := aws.Credentials{AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey, SessionToken: i.Token, AccountID: i.AccountID, Source: source}
	if i.Expiration != nil {
		c.CanExpire, c.Expires = true, *i.Expiration
	}
	return c
}

// shell makes the shell's run of a command of the user's, by the setting that it
// is in. It has no standard input, which may hold a secret that is being piped in
// or belong to the command that is started next; what it writes to stderr is
// shown line by line.
func (o Options) shell(ctx context.Context, command, setting string) *exec.Cmd {
	shell := []string{"sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd.exe", "/C"}
	}
	c := exec.CommandContext(ctx, shell[0], append(shell[1:], command)...)
	c.Stderr = &lines{each: func(line string) { o.Notice(setting + ": " + line) }}
	c.WaitDelay = time.Second
	return c
}

// lines calls each for every line that is written.
type lines struct {
	each func(string)
	part []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		l.each(string(bytes.TrimRight(line, "\r")))
		l.part = rest
	}
	if len(l.part) > 4096 {
		l.each(string(l.part))
		l.part = nil
	}
	return len(p), nil
}
