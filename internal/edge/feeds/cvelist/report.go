package cvelist

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/go-json-experiment/json"
)

// Summary counts what became of the files of one or several sources.
type Summary struct {
	Sources     int           `json:"sources"`
	Files       int64         `json:"files"`
	Bytes       int64         `json:"bytes"`
	Added       int64         `json:"added"`
	Updated     int64         `json:"updated"`
	Unchanged   int64         `json:"unchanged"`
	Stale       int64         `json:"stale"`
	Divergent   int64         `json:"divergent"`
	Refused     int64         `json:"refused"`
	Ready       int64         `json:"ready"` // of a dry run
	Ignored     int64         `json:"ignored"`
	Elapsed     time.Duration `json:"elapsed,format:sec"`
	Interrupted bool          `json:"interrupted"`
}

// Changed reports whether the list is another than before.
func (s Summary) Changed() bool { return s.Added > 0 || s.Updated > 0 }

// Counts are the verdicts that occurred.
func (s Summary) Counts() map[string]int64 {
	all := map[string]int64{}
	for v, n := range map[Verdict]int64{Added: s.Added, Updated: s.Updated, Unchanged: s.Unchanged, Stale: s.Stale,
		Divergent: s.Divergent, Refused: s.Refused, Ready: s.Ready} {
		if n > 0 {
			all[string(v)] = n
		}
	}
	return all
}

func (s *Summary) count(f *File, o Outcome) {
	s.Files++
	s.Bytes += int64(len(f.Raw))
	switch o.Verdict {
	case Added:
		s.Added++
	case Updated:
		s.Updated++
	case Unchanged:
		s.Unchanged++
	case Stale:
		s.Stale++
	case Divergent:
		s.Divergent++
	case Ready:
		s.Ready++
	default:
		s.Refused++
	}
}

func (s *Summary) add(o Summary) {
	s.Sources += o.Sources
	s.Files += o.Files
	s.Bytes += o.Bytes
	s.Added += o.Added
	s.Updated += o.Updated
	s.Unchanged += o.Unchanged
	s.Stale += o.Stale
	s.Divergent += o.Divergent
	s.Refused += o.Refused
	s.Ready += o.Ready
	s.Ignored += o.Ignored
	s.Elapsed += o.Elapsed
	s.Interrupted = s.Interrupted || o.Interrupted
}

// Line is one file's line in a report (--report FILE, JSON lines).
type Line struct {
	Source  string  `json:"source"`
	Path    string  `json:"path"`
	ID      string  `json:"id,omitempty"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256,omitempty"` // absent when the file was never read
	Outcome Verdict `json:"outcome"`
	Index   *int64  `json:"index,omitempty"` // of the leaf
	Code    Code    `json:"code,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	Pointer string  `json:"pointer,omitempty"`
	Offset  int64   `json:"offset,omitzero"`
}

// reporter writes lines; nil and one without a writer write none. The first error stays and is told at the end, for a
// report that cannot be written must not stop an import.
type reporter struct {
	out *bufio.Writer
	err error
}

func newReporter(w io.Writer) *reporter {
	if w == nil {
		return &reporter{}
	}
	return &reporter{out: bufio.NewWriterSize(w, 64<<10)}
}

func lineOf(source string, f *File, id string, o Outcome) Line {
	l := Line{Source: source, Path: f.Where(), ID: id, Size: f.Size, Outcome: o.Verdict}
	if f.SHA256 != (Digest{}) {
		l.SHA256 = hex.EncodeToString(f.SHA256[:])
	}
	if o.Index >= 0 && (o.Verdict == Added || o.Verdict == Updated) {
		l.Index = &o.Index
	}
	if o.Reason != nil {
		l.Code, l.Reason, l.Pointer, l.Offset = o.Reason.Code, o.Reason.Text, o.Reason.Pointer, o.Reason.Offset
	}
	return l
}

func (r *reporter) line(l Line) {
	if r.out == nil || r.err != nil {
		return
	}
	raw, err := json.Marshal(l)
	if err == nil {
		_, err = r.out.Write(append(raw, '\n'))
	}
	r.err = err
}

func (r *reporter) flush() error {
	if r.out == nil {
		return nil
	}
	if r.err == nil {
		r.err = r.out.Flush()
	}
	if r.err != nil {
		return fmt.Errorf("write the report: %w", r.err)
	}
	return nil
}

// snapshot is Noted.Digest in the making.
type snapshot struct{ h hash.Hash }

func newSnapshot() snapshot { return snapshot{sha256.New()} }

func (s snapshot) add(f *File) {
	line := make([]byte, 0, 128)
	line = hex.AppendEncode(line, f.SHA256[:])
	line = append(line, "  "...)
	line = append(line, f.Path...)
	s.h.Write(append(line, '\n'))
}

func (s snapshot) sum() (d Digest) {
	s.h.Sum(d[:0])
	return d
}
