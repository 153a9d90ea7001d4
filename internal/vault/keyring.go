package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/skret/skret/internal/errs"
)

// ringService is the service of our items in the keyring. The user of an item is
// the key's id, so that two folders never share one.
const ringService = "skret"

// How long the keyring may take: to show that it works, and to hand out a key,
// since its user may have to unlock it.
const (
	ringTrial = 3 * time.Second
	ringWait  = 30 * time.Second
)

var (
	errNoBus    = errors.New("there is no session bus to reach it by")
	errNoAnswer = errors.New("it gave no answer in time, and is perhaps locked")
	errNonsense = errors.New("it answered what makes no sense")
)

// reachable tells whether there can be a keyring, without asking it. Its client
// for Linux starts dbus-launch where it finds no bus; so we look first, where it
// would. When it finds the bus by its socket, it sets DBUS_SESSION_BUS_ADDRESS in
// this process.
func (v *Vault) reachable() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return true
	}
	switch address := v.o.Getenv("DBUS_SESSION_BUS_ADDRESS"); {
	case strings.HasPrefix(address, "disabled:"):
		return false
	case address != "" && address != "autolaunch:":
		return true
	}
	me, err := user.Current()
	if err != nil {
		return false
	}
	info, err := os.Stat(filepath.Join("/run/user", me.Uid, "bus"))
	return err == nil && info.Mode()&fs.ModeSocket != 0
}

// probe tells whether the keyring keeps what it is given. It is asked once.
func (v *Vault) probe(done <-chan struct{}) bool {
	v.keyMu.Lock()
	defer v.keyMu.Unlock()
	if v.probed == nil {
		err := v.try(done, "probe-"+rand.Text(), rand.Text(), true)
		if err != nil {
			v.o.Log.Debug("there is no OS keyring to use", "error", err)
		}
		v.probed = new(err == nil)
	}
	return *v.probed
}

// try puts a text into the keyring, reads it back, and removes it again if probe
// is set.
func (v *Vault) try(done <-chan struct{}, id, text string, probe bool) error {
	if !v.reachable() {
		return errNoBus
	}
	back, err := bounded(done, ringTrial, func() (string, error) {
		if err := keyring.Set(ringService, id, text); err != nil {
			return "", err
		}
		back, err := keyring.Get(ringService, id)
		if probe {
			err = cmp.Or(err, keyring.Delete(ringService, id))
		}
		return back, err
	})
	if err == nil && back != text {
		return errNonsense
	}
	return err
}

// ringPut puts the key into the keyring.
func (v *Vault) ringPut(ctx context.Context, id string, raw []byte) error {
	if err := v.try(ctx.Done(), id, coding.EncodeToString(raw), false); err != nil {
		return errs.New(errs.Auth, "the OS keyring does not take a key: %w", plain(ctx, err)).
			WithHint("unlock it, or keep the key elsewhere: --store keyfile or --store passphrase")
	}
	return nil
}

// ringGet gets the key from the keyring.
func (v *Vault) ringGet(ctx context.Context, id string) ([]byte, error) {
	if !v.reachable() {
		return nil, errs.New(errs.Auth, "open the sign-ins: their key is in the OS keyring, and %w", errNoBus).
			WithHint("run this within your desktop session; for a machine without one, sign in with --store keyfile, or let SKRET_KEY_FILE name a key")
	}
	text, err := bounded(ctx.Done(), ringWait, func() (string, error) { return keyring.Get(ringService, id) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil, lost("the OS keyring does not have their key")
	}
	if err != nil {
		return nil, errs.New(errs.Auth, "open the sign-ins: the OS keyring does not give their key: %w", plain(ctx, err)).
			WithHint("unlock the keyring and try again")
	}
	raw, err := coding.DecodeString(text)
	if err != nil || len(raw) != keySize {
		return nil, lost("what the OS keyring has in the place of their key is none")
	}
	return raw, nil
}

// ringDelete removes the key from the keyring.
func (v *Vault) ringDelete(ctx context.Context, id string) error {
	if !v.reachable() {
		return errNoBus
	}
	_, err := bounded(ctx.Done(), ringTrial, func() (string, error) { return "", keyring.Delete(ringService, id) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// bounded waits for call until done, and for limit at most. A call that does not
// return is left to itself: the keyring's client cannot be interrupted. It can
// panic, too, when the keyring answers something of another type.
func bounded(done <-chan struct{}, limit time.Duration, call func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		a := answer{err: errNonsense}
		defer func() {
			_ = recover()
			got <- a
		}()
		a.text, a.err = call()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-got:
		return a.text, a.err
	case <-done:
	case <-timer.C:
	}
	return "", errNoAnswer
}

// plain is the cause of a failure with the keyring: the end of ctx, or an error
// whose text, since it comes from another process, is cut and made printable.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, err.Error())
	return errors.New(strings.TrimSpace(text[:min(len(text), 120)]))
}
