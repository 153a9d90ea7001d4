package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/remote"
	"github.com/skret/skret/internal/vault"
)

// serviceNames are the services that can be signed in to.
func serviceNames() []string {
	names := []string{awsauth.Service}
	for _, s := range remote.Services() {
		names = append(names, s.Name)
	}
	return names
}

// loginService signs in to another service than AWS.
func (a *app) loginService(ctx context.Context, eo engine.Options, o loginOptions, service string, opts, given map[string]string) error {
	s, err := remote.Lookup(service)
	if err != nil {
		return err
	}
	m, err := s.Method(o.method)
	if err != nil {
		return err
	}
	if err := checkFields(m, opts); err != nil {
		return err
	}
	var t remote.Token
	if m.Name == remote.MethodDevice {
		t, err = s.Device(ctx, engine.Remote(eo), remote.DeviceOptions{
			BaseURL: opts["base_url"], ClientID: opts["client_id"],
			Show: func(address, code string) error {
				a.streams.Tell(fmt.Sprintf("\nOpen %s and enter or compare the code\n\n    %s\n\nonly if you have just started this here.\n", address, code))
				return nil
			},
		})
	} else {
		var answers map[string]string
		if answers, err = a.answers(ctx, m, opts, given); err != nil {
			return err
		}
		t, err = s.Token(m.Name, opts["base_url"], answers)
	}
	if err != nil {
		return err
	}
	var who remote.Identity
	if !o.noVerify {
		if who, err = s.Verify(ctx, engine.Remote(eo), t); err != nil {
			return fmt.Errorf("the sign-in is not kept: %w", err)
		}
	}
	c, err := engine.KeepToken(ctx, eo, s, cmp.Or(o.name, awsauth.DefaultName), t, who)
	if err != nil {
		return err
	}
	return a.printServiceLogin(eo, c, t, who)
}

// checkFields refuses settings that the method does not have.
func checkFields(m remote.Method, opts map[string]string) error {
	known := []string{"base_url", "client_id"}
	for _, f := range m.Fields {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		if !slices.Contains(known, name) {
			return errs.New(errs.Invalid, "--opt: %s is not a setting of the method %s", name, m.Name).
				WithHint("they are %s; what is secret is asked for, or comes by --from-stdin or --from-env", strings.Join(known, ", "))
		}
	}
	return nil
}

// answers are the fields of a method: given, or asked for.
func (a *app) answers(ctx context.Context, m remote.Method, opts, given map[string]string) (map[string]string, error) {
	answers := map[string]string{}
	for _, f := range m.Fields {
		v := cmp.Or(given[f.Name], opts[f.Name])
		switch {
		case v != "" || f.Optional:
		case given != nil:
			return nil, errs.New(errs.Invalid, "the %s is missing in what was given", f.Label).WithHint("%s", f.Help)
		default:
			if f.Help != "" && a.interactive() {
				a.streams.Notice("%s", f.Help)
			}
			q := awsauth.Question{Text: f.Label, Hidden: f.Hidden}
			if !f.Hidden {
				q.Option = f.Name
			}
			var err error
			if v, err = a.ask(ctx, q); err != nil {
				return nil, err
			}
		}
		if v != "" {
			answers[f.Name] = v
		}
	}
	return answers, nil
}

// givenFields reads the fields of a service's method from the environment, or from
// text: in lines of their own, in the order in which they would be asked for.
func givenFields(o loginOptions, service, text string) (map[string]string, error) {
	s, err := remote.Lookup(service)
	if err != nil {
		return nil, err
	}
	m, err := s.Method(o.method)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	given := map[string]string{}
	for i, f := range m.Fields {
		switch {
		case o.fromStdin && i < len(lines):
			given[f.Name] = strings.TrimSpace(lines[i])
		case o.fromEnv:
			for _, name := range f.Variables {
				given[f.Name] = cmp.Or(given[f.Name], getenv(name))
			}
		}
	}
	return given, nil
}

func (a *app) printServiceLogin(eo engine.Options, c vault.Credential, t remote.Token, who remote.Identity) error {
	_, where, err := engine.Vault(eo).Backend()
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{
			"service": c.Service, "name": c.Name, "method": c.Method, "origin": t.Origin, "who": who.Who, "workspace": who.Workspace,
			"scopes": append([]string{}, who.Scopes...), "expires": rfc(who.Expires), "default": c.Default, "sealed_by": where,
		})
	}
	as := "kept, and not verified"
	if who.Who != "" {
		as = "signed in as " + who.Who
		if who.Workspace != "" {
			as += " (" + who.Workspace + ")"
		}
	}
	a.streams.Notice("%s: %s, %s at %s; sealed by %s", c.Service, as, t.Kind, t.Origin, where)
	return nil
}

// logoutService forgets a sign-in. Its token is ended at the service when skret
// made it, or when that is asked for: others may use a token that was pasted.
func (a *app) logoutService(ctx context.Context, eo engine.Options, c vault.Credential, revoke bool) (logoutJSON, error) {
	doc := logoutJSON{Service: c.Service, Name: c.Name}
	s, err := remote.Lookup(c.Service)
	if err != nil {
		return doc, err
	}
	t, err := engine.StoredToken(ctx, eo, s, c)
	switch {
	case err != nil:
		doc.Why = err.Error()
	case t.Made() || revoke:
		if doc.Stays, err = s.Revoke(ctx, engine.Remote(eo), t); err != nil {
			doc.Why = err.Error()
		}
		doc.Ended = err == nil && doc.Stays == ""
	default:
		doc.Stays = "the token, until you delete it at " + s.Manage + "; --revoke ends it where that can be done"
	}
	if err := engine.Vault(eo).Delete(ctx, c.Service, c.Name); err != nil {
		return doc, err
	}
	a.sayLogout(doc)
	return doc, nil
}

// serviceStatuses are those of the services of which there is a token or a
// sign-in; only limits them to one service.
func (a *app) serviceStatuses(ctx context.Context, eo engine.Options, only string, offline bool) ([]identityStatus, error) {
	var kept []vault.Credential
	if eo.Project.Home != "" {
		var err error
		if kept, err = engine.Vault(eo).List(); err != nil {
			return nil, err
		}
	}
	var all []identityStatus
	for _, s := range remote.Services() {
		if only != "" && only != s.Name {
			continue
		}
		inEnv := false
		for _, m := range s.Methods {
			for _, f := range m.Fields {
				inEnv = inEnv || slices.ContainsFunc(f.Variables, func(v string) bool { return getenv(v) != "" })
			}
		}
		if inEnv || only == s.Name && !slices.ContainsFunc(kept, func(c vault.Credential) bool { return c.Service == s.Name }) {
			t, err := engine.Token(ctx, eo, s, "", "")
			st := a.serviceStatus(ctx, eo, s, t, err, offline)
			st.Used, st.Method = true, "environment"
			all = append(all, st)
		}
		for _, c := range kept {
			if c.Service == s.Name {
				all = append(all, a.keptStatus(ctx, eo, s, c, inEnv, offline))
			}
		}
	}
	return all, nil
}

func (a *app) keptStatus(ctx context.Context, eo engine.Options, s *remote.Service, c vault.Credential, shadowed, offline bool) identityStatus {
	var st identityStatus
	if offline {
		st = identityStatus{Service: s.Name, State: string(awsauth.Unknown), Identity: c.Meta["who"], Source: c.Meta["origin"]}
		st.until, _ = time.Parse(time.RFC3339, c.Meta["expires"])
		st.RenewableUntil = rfc(st.until)
	} else {
		t, err := engine.StoredToken(ctx, eo, s, c)
		st = a.serviceStatus(ctx, eo, s, t, err, false)
	}
	st.Name, st.Method, st.Used = c.Name, c.Method, c.Default && !shadowed
	return st
}

// serviceStatus asks a service who a token is.
func (a *app) serviceStatus(ctx context.Context, eo engine.Options, s *remote.Service, t remote.Token, err error, offline bool) identityStatus {
	st := identityStatus{Service: s.Name, State: string(awsauth.Unknown), Source: t.From}
	if t.Origin != "" {
		st.Source = strings.TrimSpace(t.From + " for " + t.Origin)
	}
	if err == nil && !offline {
		var who remote.Identity
		if who, err = s.Verify(ctx, engine.Remote(eo), t); err == nil {
			st.State, st.Identity, st.Account = string(awsauth.Valid), who.Who, who.Workspace
			st.until, st.RenewableUntil = who.Expires, rfc(who.Expires)
		}
	}
	if err != nil {
		st.State, st.Error, st.Hint = string(awsauth.Failed), err.Error(), errs.HintOf(err)
		if t.Origin == "" {
			st.State = string(awsauth.None)
		}
	}
	return st
}
