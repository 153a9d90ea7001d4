package leak

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.!@#$%&*"

// secretsOf returns n secrets as environments hold them: of 12 to 75 signs, and
// every tenth a URL.
func secretsOf(n int) []Secret {
	random := rand.New(rand.NewPCG(1, 2))
	some := make([]Secret, n)
	for i := range some {
		b := make([]byte, 12+random.IntN(64))
		for j := range b {
			b[j] = alphabet[random.IntN(len(alphabet))]
		}
		value := string(b)
		if i%10 == 0 {
			value = "postgres://app:" + value + "@db.internal:5432/app"
		}
		some[i] = Secret{fmt.Sprintf("KEY_%d", i), secret.NewValue(value)}
	}
	return some
}

// texts are what is searched: source text, base64 and hex.
func texts(size int) map[string][]byte {
	line := "\tif err := client.Get(ctx, \"postgres://localhost:5432/db\", &response); err != nil { // line %d of the file\n"
	var source strings.Builder
	for i := 0; source.Len() < size; i++ {
		fmt.Fprintf(&source, line, i)
	}
	random := rand.New(rand.NewPCG(3, 4))
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(random.Uint32())
	}
	return map[string][]byte{
		"source": []byte(source.String())[:size],
		"base64": []byte(base64.StdEncoding.EncodeToString(raw))[:size],
		"hex":    fmt.Appendf(nil, "%x", raw)[:size],
		"binary": raw,
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 1000} {
		some := secretsOf(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				New(some, Options{MinLength: MinScan})
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, least := range []int{MinMask, MinScan} {
		some := secretsOf(1000)
		if least == MinMask {
			some = append(some, Secret{"SHORT", secret.NewValue("hunt")})
		}
		m, _ := New(some, Options{MinLength: least})
		for name, text := range texts(8 << 20) {
			b.Run(fmt.Sprintf("%s/%d", name, least), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					m.Find(text, func(Match) bool { return true })
				}
			})
		}
	}
}

func BenchmarkMask(b *testing.B) {
	m, _ := New(secretsOf(1000), Options{MinLength: MinMask})
	text := texts(8 << 20)["source"]
	for _, chunk := range []int{100, 32 << 10} {
		b.Run(fmt.Sprint(chunk), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				w := m.Mask(io.Discard)
				for rest := text; len(rest) > 0; rest = rest[min(chunk, len(rest)):] {
					_, _ = w.Write(rest[:min(chunk, len(rest))])
				}
				_ = w.Close()
			}
		})
	}
}
