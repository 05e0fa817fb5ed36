package cvelist

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

func isGzip(magic []byte) bool { return bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) }

func isLines(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson")
}

func baseName(p string) string { return filepath.Base(filepath.Clean(p)) }

// stopping ends a long copy when the run is over.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s *stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// sizedReaderAt is a stream that is in memory already, as an embedded sample is: its zip needs no spooling.
type sizedReaderAt interface {
	io.ReaderAt
	Size() int64
}

// stream reads what has no directory: a pipe, a gzip, a single record, JSON lines. What it is, its first bytes tell.
func (w *walk) stream(name string, r io.Reader, depth int) error {
	if at, ok := r.(sizedReaderAt); ok {
		var magic [4]byte
		if n, _ := at.ReadAt(magic[:], 0); isZip(magic[:n]) {
			return w.zip("", name, at, at.Size(), depth)
		}
	}
	in := bufio.NewReaderSize(&stopping{w.ctx, r}, 64<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.broken(name, err, depth)
	}
	switch {
	case (isZip(magic) || isGzip(magic)) && depth > maxDepth:
		return w.refuse("", name, refuse(CodeNested, "an archive inside %d others", depth-1))
	case isZip(magic):
		return w.spool(name, in, depth)
	case isGzip(magic):
		zr, err := gzip.NewReader(in)
		if err != nil {
			return w.refuse("", name, refuse(CodeArchive, "the gzip header cannot be read: %v", err))
		}
		return w.stream(strings.TrimSuffix(name, ".gz"), zr, depth+1)
	}
	return w.text(name, in, depth)
}

// broken is a stream that stops with an error: inside a gzip that is a damaged file, outside the system's refusal.
func (w *walk) broken(name string, err error, depth int) error {
	if ctx := w.ctx.Err(); ctx != nil {
		return ctx
	}
	if depth == 1 {
		return err
	}
	return w.refuse("", name, refuse(CodeArchive, "the gzip is damaged or cut off: %v", err))
}

// spool writes a zip from a stream to a temporary file: its directory stands at its end.
func (w *walk) spool(name string, in io.Reader, depth int) error {
	file, err := w.temp()
	if err != nil {
		return err
	}
	n, bad, err := w.fill(file, io.LimitReader(in, w.l.Archive+1))
	switch {
	case err != nil:
		return err
	case bad != nil:
		return w.broken(name, bad, depth)
	case n > w.l.Archive:
		return w.refuse("", name, refuse(CodeBomb, "the archive has more than %d bytes", w.l.Archive))
	}
	return w.zip("", name, file, n, depth)
}

// text reads one record, or one record a line. A second line that begins with "{" can never continue a document whose
// first line begins with "{" (a name has to come first), so it tells JSON lines from one document printed over many.
func (w *walk) text(name string, in *bufio.Reader, depth int) error {
	first, long, err := w.line(in)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.broken(name, err, depth)
	}
	ended := errors.Is(err, io.EOF)
	if long && ended {
		return w.refuse("", name, refuse(CodeTooLarge, "the document has more than %d bytes", w.l.Record))
	}
	lines := isLines(name) || long
	if !lines && !ended {
		next, _ := in.Peek(1)
		opens := bytes.HasPrefix(bytes.TrimLeft(first, " \t\xef\xbb\xbf"), []byte("{"))
		lines = opens && len(next) > 0 && next[0] == '{'
	}
	if lines {
		return w.lines(name, in, first, long, ended, depth)
	}
	rest, err := io.ReadAll(io.LimitReader(in, w.l.Record+1-int64(len(first))))
	if err != nil {
		return w.broken(name, err, depth)
	}
	raw := append(first, rest...)
	if int64(len(raw)) > w.l.Record {
		return w.refuse("", name, refuse(CodeTooLarge, "the document has more than %d bytes", w.l.Record))
	}
	_, claims := roleOf(name)
	w.totals(1, int64(len(raw)))
	return w.put(&task{role: roleGiven, file: File{Path: name, Name: claims, Size: int64(len(raw)), Raw: raw}})
}

// lines queues each line as a record; paths are "name:line".
func (w *walk) lines(name string, in *bufio.Reader, first []byte, long, ended bool, depth int) error {
	for n := int64(1); ; n++ {
		where := name + ":" + itoa(n)
		raw := bytes.TrimRight(first, "\r\n")
		var err error
		if long {
			err = w.refuse("", where, refuse(CodeTooLarge, "the line has more than %d bytes", w.l.Record))
		} else if len(bytes.TrimSpace(raw)) > 0 {
			err = w.put(&task{role: roleGiven, file: File{Path: where, Size: int64(len(raw)), Raw: raw}})
		}
		if err != nil || ended {
			return err
		}
		first, long, err = w.line(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return w.broken(where, err, depth)
		}
		ended = errors.Is(err, io.EOF)
	}
}

// line reads up to and including the next newline into memory of its own. A line beyond Limits.Record is skipped to
// its end (long), counting against Limits.Total so that an endless one ends.
func (w *walk) line(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long {
			if w.unpacked += int64(len(part)); w.unpacked > w.l.Total {
				return nil, true, io.EOF
			}
		} else if line = append(line, part...); int64(len(line)) > w.l.Record {
			line, long = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}
