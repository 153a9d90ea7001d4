package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/skret/skret/internal/leak"
)

// pass is one run over many files. Its methods may be called by several
// goroutines.
type pass struct {
	*Scanner
	ctx     context.Context
	work    chan func()
	pending sync.WaitGroup
	buffers sync.Pool

	mu     sync.Mutex
	result Result
}

// pass runs over what feed reads, and gives what was found, sorted.
func (s *Scanner) pass(ctx context.Context, feed func(*pass) error) (*Result, error) {
	p := &pass{Scanner: s, ctx: ctx, work: make(chan func())}
	p.buffers.New = func() any { b := make([]byte, p.stride()+2*p.margin); return &b }
	for range runtime.GOMAXPROCS(0) - 1 { // this goroutine is one more
		go func() {
			for f := range p.work {
				f()
				p.pending.Done()
			}
		}()
	}
	err := feed(p)
	p.pending.Wait()
	close(p.work)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	r := &p.result
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.order, b.order), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Env, b.Env), cmp.Compare(a.Form, b.Form))
	})
	r.Findings = slices.Compact(r.Findings) // a file may be named twice
	slices.SortFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	slices.Sort(r.Notes)
	return r, nil
}

// spread has f done by whoever has nothing to do, or else by the caller.
func (p *pass) spread(f func()) {
	p.pending.Add(1)
	select {
	case p.work <- f:
	default:
		f()
		p.pending.Done()
	}
}

// place is where a content is: in a file, and in the history also in which commit.
type place struct {
	file, commit string
	order        int
}

// piece is a part of a content. Matches that begin in data[from:to] are its own;
// what is around that is there to see them whole, and to see whether they are
// within another.
type piece struct {
	buffer       *[]byte
	data         []byte
	from, to     int
	offset       int64 // of data[from]
	line, column int   // of data[from]
	binary       bool
}

// minStride is the size of a piece where no value is longer, in bytes.
const minStride = 1 << 20

func (p *pass) stride() int { return max(minStride, p.margin) }

// read looks into the content that is at all these places.
func (p *pass) read(at []place, r io.Reader) {
	first := true
	size, err := p.split(r, func(q piece) {
		if first && q.to == len(q.data) {
			p.look(at, q) // a small one: whoever read it has it at hand
			return
		}
		first = false
		p.spread(func() { p.look(at, q) })
	})
	if err != nil {
		p.problem(at[0].file, why(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Files += len(at)
	p.result.Bytes += size
}

// split cuts what r gives into pieces.
func (p *pass) split(r io.Reader, emit func(piece)) (size int64, err error) {
	q := piece{buffer: p.buffers.Get().(*[]byte), line: 1, column: 1}
	n := 0
	for {
		got, err := io.ReadFull(r, (*q.buffer)[n:])
		n += got
		if size == 0 {
			q.binary = bytes.IndexByte((*q.buffer)[:min(n, 8000)], 0) >= 0 // as git tells
		}
		size += int64(got)
		last := err != nil
		q.data, q.to = (*q.buffer)[:n], n-p.margin
		if last {
			q.to = n
		}
		next := q
		if !last {
			next.buffer = p.buffers.Get().(*[]byte)
			n = copy(*next.buffer, q.data[max(q.to-p.margin, 0):])
			next.from = min(q.to, p.margin)
			next.offset += int64(q.to - q.from)
			if !q.binary {
				next.line, next.column = advance(q.data[q.from:q.to], q.line, q.column)
			}
		}
		emit(q)
		switch {
		case last && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return size, nil
		case last:
			return size, err
		case p.ctx.Err() != nil:
			p.buffers.Put(next.buffer)
			return size, context.Cause(p.ctx)
		}
		q = next
	}
}

// advance returns the line and the column behind b, which begins at these.
// Characters are counted by their first bytes: a piece may begin within one.
func advance(b []byte, line, column int) (int, int) {
	if n := bytes.Count(b, []byte("\n")); n > 0 {
		line, column = line+n, 1
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	for _, c := range b {
		if c&0xc0 != 0x80 {
			column++
		}
	}
	return line, column
}

// maxPerPiece bounds how many matches of a piece are listed.
const maxPerPiece = 1000

// look finds what is in a piece.
func (p *pass) look(at []place, q piece) {
	defer p.buffers.Put(q.buffer)
	f := Finding{Binary: q.binary, Line: q.line, Column: q.column}
	behind, count := q.from, 0
	p.matcher.Find(q.data, func(m leak.Match) bool {
		if m.Start < q.from || m.Start >= q.to {
			return m.Start < q.to
		}
		if q.binary {
			f.Line, f.Column = 0, 0
		} else {
			f.Line, f.Column = advance(q.data[behind:m.Start], f.Line, f.Column)
		}
		behind = m.Start
		f.Offset, f.Form = q.offset+int64(m.Start-q.from), m.Form
		count++
		for _, x := range at {
			f.File, f.Commit, f.order = x.file, x.commit, x.order
			p.found(f, m.Name, count <= maxPerPiece)
		}
		return true
	})
}

// found notes what was found, for each secret that has the value, unless it is
// allowed. Where it is not to be listed it is counted.
func (p *pass) found(f Finding, value string, list bool) {
	for _, o := range p.ownersOf(value) {
		f.Env, f.Key = o.Env, o.Key
		if p.allowed(f) {
			continue
		}
		p.mu.Lock()
		if list {
			p.result.Findings = append(p.result.Findings, f)
		} else {
			p.result.More++
		}
		p.mu.Unlock()
	}
}

// name looks into the name of a file, and returns the place as it may be shown.
func (p *pass) name(x place) place {
	var in []leak.Match
	p.matcher.Find([]byte(x.file), func(m leak.Match) bool { in = append(in, m); return true })
	if in == nil {
		return x
	}
	shown := []byte(x.file)
	for _, m := range slices.Backward(in) {
		shown = slices.Replace(shown, m.Start, min(m.End, len(shown)), '*', '*', '*')
	}
	x.file = string(shown)
	for _, m := range in {
		p.found(Finding{File: x.file, Name: true, Form: m.Form, Commit: x.commit, order: x.order}, m.Name, true)
	}
	return x
}

func (p *pass) problem(file, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Problems = append(p.result.Problems, Problem{file, why})
}

func (p *pass) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Notes = append(p.result.Notes, text)
}

// why says what the system says of a file, without its name.
func why(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}
