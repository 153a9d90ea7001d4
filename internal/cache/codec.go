package cache

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/skret/skret/internal/secret"
)

// encode writes entries: texts behind their lengths, numbers as varints.
func encode(es []secret.Entry) []byte {
	size := 0
	for _, e := range es {
		size += len(e.Key) + e.Value.Len() + len(e.Type) + len(e.Description) + 32
	}
	b := make([]byte, 0, size)
	for _, e := range es {
		for _, text := range [...]string{string(e.Key), e.Value.Reveal(), e.Type, e.Description} {
			b = appendText(b, text)
		}
		b = binary.AppendVarint(b, e.Version)
		b = binary.AppendVarint(b, e.Modified.UnixMilli())
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode reads what encode wrote. The texts share the memory of s.
func decode(s string) ([]secret.Entry, error) {
	d := decoder{rest: s}
	var es []secret.Entry
	for d.rest != "" && !d.bad {
		var e secret.Entry
		e.Key = secret.Key(d.text())
		e.Value = secret.NewValue(d.text())
		e.Type, e.Description = d.text(), d.text()
		e.Version = d.number()
		e.Modified = time.UnixMilli(d.number()).UTC()
		es = append(es, e)
	}
	if d.bad {
		return nil, errors.New("not a list of entries")
	}
	return es, nil
}

type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) text() string {
	n, used := uvarint(d.rest)
	if used <= 0 || n > uint64(len(d.rest)-used) {
		d.bad, d.rest = true, ""
		return ""
	}
	end := used + int(n)
	s := d.rest[used:end]
	d.rest = d.rest[end:]
	return s
}

func (d *decoder) number() int64 {
	u, used := uvarint(d.rest)
	if used <= 0 {
		d.bad, d.rest = true, ""
		return 0
	}
	d.rest = d.rest[used:]
	return int64(u>>1) ^ -int64(u&1) // as binary.Varint has it
}

// uvarint is binary.Uvarint for a string.
func uvarint(s string) (uint64, int) {
	var head [binary.MaxVarintLen64]byte
	return binary.Uvarint(head[:copy(head[:], s)])
}
