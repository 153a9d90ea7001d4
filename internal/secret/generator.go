package secret

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Generator is one way of making a new value, as `generate:` of a rule and the
// command line name it: NAME or NAME:SIZE. Package generate makes the values.
type Generator struct {
	Name, Doc          string
	usual, least, most int   // sizes; usual is 0 where there are none
	only               []int // of these alone
}

// Generators are all there are.
func Generators() []Generator {
	return []Generator{
		{Name: "password", Doc: "letters and digits; password:LENGTH, 32 without", usual: 32, least: 8, most: 1024},
		{Name: "hex", Doc: "random bytes in hexadecimal; hex:BYTES, 32 without", usual: 32, least: 8, most: 1024},
		{Name: "base64", Doc: "random bytes in base64; base64:BYTES, 32 without", usual: 32, least: 8, most: 1024},
		{Name: "uuid", Doc: "a random UUID, of version 4"},
		{Name: "ed25519", Doc: "a private key of Ed25519, as PEM (PKCS #8)"},
		{Name: "rsa", Doc: "a private key of RSA, as PEM (PKCS #8); rsa:BITS, 3072 without", usual: 3072, only: []int{2048, 3072, 4096}},
	}
}

// GeneratorNames are the names of [Generators].
func GeneratorNames() []string {
	var names []string
	for _, g := range Generators() {
		names = append(names, g.Name)
	}
	return names
}

// ParseGenerator returns what a spec asks for. Its errors, of kind Invalid, show
// nothing of the spec but a name that is known.
func ParseGenerator(spec string) (name string, size int, err error) {
	name, text, sized := strings.Cut(spec, ":")
	all := Generators()
	i := slices.IndexFunc(all, func(g Generator) bool { return g.Name == name })
	if i < 0 {
		return "", 0, errs.New(errs.Invalid, "there is no such kind of value").WithHint("use one of %s", strings.Join(GeneratorNames(), ", "))
	}
	g := all[i]
	if !sized {
		return name, g.usual, nil
	}
	size, err = strconv.Atoi(text)
	switch {
	case g.usual == 0:
		return "", 0, errs.New(errs.Invalid, "%s has no size", name).WithHint("leave it out")
	case err != nil || strconv.Itoa(size) != text || !g.has(size):
		return "", 0, errs.New(errs.Invalid, "%s has no such size", name).WithHint("use %s", g.sizes())
	}
	return name, size, nil
}

func (g Generator) has(size int) bool {
	if g.only != nil {
		return slices.Contains(g.only, size)
	}
	return g.least <= size && size <= g.most
}

// sizes says which there are.
func (g Generator) sizes() string {
	if g.only == nil {
		return fmt.Sprintf("%s:%d to %s:%d", g.Name, g.least, g.Name, g.most)
	}
	var all []string
	for _, n := range g.only {
		all = append(all, fmt.Sprintf("%s:%d", g.Name, n))
	}
	return strings.Join(all, " or ")
}
