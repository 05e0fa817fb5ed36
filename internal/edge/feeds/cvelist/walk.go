package cvelist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Walk reads the source at path — zip, zip in zip, gzip, directory, git checkout, one record, JSON lines — and calls
// emit once for every file that is or claims to be a record, refused ones included, in the source's own order
// (a zip's directory order, a directory's lexical order). Reading, unpacking and Inspect run side by side; emit is
// called from Walk's goroutine only and owns the file it is given.
//
// The error is that of emit, of ctx, or of a source that could not be opened at all. A damaged source is no error: it
// is emitted as a refused file, and what can still be read of it is.
func Walk(ctx context.Context, path string, l Limits, emit func(*File) error) (Stats, error) {
	w := newWalk(l)
	return w.run(ctx, func() error { return w.path(path) }, emit)
}

// WalkReader is Walk over a stream; name stands for it in the files' paths. Archives are spooled to Limits.TempDir,
// for a zip's directory stands at its end.
func WalkReader(ctx context.Context, name string, r io.Reader, l Limits, emit func(*File) error) (Stats, error) {
	w := newWalk(l)
	return w.run(ctx, func() error { return w.stream(name, r, 1) }, emit)
}

// walk is one reading of one source: a dispatcher that lists files, workers that read and check them, and the caller's
// goroutine that hands them on in the dispatcher's order.
type walk struct {
	l      Limits
	work   func(*File)              // the last step of the workers: Inspect, or the importer's preparation
	totals func(files, bytes int64) // called by the dispatcher as it learns how much is to come
	ctx    context.Context          // of this run; the dispatcher and the workers stop with it

	tasks chan *task // to the workers
	order chan *task // to the caller, in order
	room  *semaphore.Weighted

	// The dispatcher's own.
	unpacked int64 // bytes promised so far, against Limits.Total
	ignored  int64
	cleanup  []func()
}

// task is one file on its way.
type task struct {
	file    File
	role    role
	read    func(*scratch) ([]byte, *Refusal) // nil when the content is there already
	weight  int64
	ignored bool // a worker found that it is no record and does not mean to be one
	done    chan struct{}
}

func newWalk(l Limits) *walk {
	l = l.withDefaults()
	return &walk{
		l:      l,
		work:   func(f *File) { f.Refused = Inspect(f.Raw, f.Name) },
		totals: func(int64, int64) {},
		tasks:  make(chan *task, 4*l.Workers),
		// Deep enough that the workers run on while the caller is busy with a batch; the bytes are bounded by room.
		order: make(chan *task, 4096),
		room:  semaphore.NewWeighted(l.InFlight),
	}
}

func (w *walk) run(ctx context.Context, dispatch func() error, emit func(*File) error) (Stats, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.ctx = ctx
	var workers sync.WaitGroup
	for range w.l.Workers {
		workers.Go(func() {
			s := new(scratch)
			for t := range w.tasks {
				if ctx.Err() == nil {
					w.process(t, s)
				}
				close(t.done)
			}
		})
	}
	var failed error
	go func() {
		failed = dispatch()
		close(w.tasks)
		workers.Wait() // before cleanup: they read from what it closes
		for _, f := range w.cleanup {
			f()
		}
		close(w.order)
	}()
	var stats Stats
	for t := range w.order {
		<-t.done
		// After a failure the queue is only drained, so that every goroutine ends before run returns.
		if ctx.Err() == nil && !t.ignored {
			stats.Files++
			stats.Bytes += int64(len(t.file.Raw))
			if t.file.Refused != nil {
				stats.Refused++
			}
			if err := emit(&t.file); err != nil {
				cancel(err)
			}
		} else if t.ignored {
			stats.Ignored++
		}
		w.room.Release(t.weight)
	}
	stats.Ignored += w.ignored
	if err := context.Cause(ctx); err != nil {
		return stats, err
	}
	return stats, failed
}

// put queues a file. It waits for room, and fails only when the run is over.
func (w *walk) put(t *task) error {
	t.file.Path = printable(t.file.Path)
	t.weight = min(max(t.file.Size, 4096), w.l.InFlight)
	t.done = make(chan struct{})
	if t.file.Refused == nil {
		if t.file.Size > w.l.Record {
			t.file.Refused = refuse(CodeTooLarge, "the file has %d bytes, at most %d are read", t.file.Size, w.l.Record)
		} else if w.unpacked += t.file.Size; w.unpacked > w.l.Total {
			t.file.Refused = refuse(CodeBomb, "the source unpacks to more than %d bytes", w.l.Total)
		}
	}
	if t.file.Refused != nil && t.read != nil {
		t.weight, t.read = 4096, nil
	}
	if err := w.room.Acquire(w.ctx, t.weight); err != nil {
		return err
	}
	select {
	case w.order <- t:
	case <-w.ctx.Done():
		w.room.Release(t.weight)
		return w.ctx.Err()
	}
	select {
	case w.tasks <- t:
	case <-w.ctx.Done():
		close(t.done)
		return w.ctx.Err()
	}
	return nil
}

// refuse queues a refusal of something that is not read: a damaged archive, a folder that cannot be listed.
func (w *walk) refuse(archive, path string, r *Refusal) error {
	_, name := roleOf(path)
	return w.put(&task{file: File{Archive: printable(archive), Path: path, Name: name, Refused: r}})
}

// process is a worker's share of one file.
func (w *walk) process(t *task, s *scratch) {
	f := &t.file
	if f.Refused != nil {
		return
	}
	if t.read != nil {
		f.Raw, f.Refused = t.read(s)
		t.read = nil
		if f.Refused == skipped {
			t.ignored, f.Refused = true, nil
			return
		}
	}
	if t.role == roleOdd && (f.Refused == nil && !looksLikeRecord(f.Raw)) {
		t.ignored, f.Raw = true, nil
		return
	}
	if f.Raw == nil {
		if f.Refused == nil {
			f.Refused = checkText(nil)
		}
		return
	}
	f.Size = int64(len(f.Raw))
	f.SHA256 = sha256.Sum256(f.Raw)
	if f.Refused == nil && f.Size > w.l.Body {
		f.Refused = refuse(CodeBodyTooLarge, "the record has %d bytes, the log holds at most %d", f.Size, w.l.Body)
	}
	if f.Refused == nil {
		f.Refused = checkText(f.Raw)
	}
	if f.Refused == nil {
		w.work(f)
	}
}

// path opens a source by name.
func (w *walk) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return w.directory(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	w.cleanup = append(w.cleanup, func() { file.Close() }) //nolint:errcheck // only read from
	name := baseName(path)
	if !info.Mode().IsRegular() {
		return w.stream(name, file, 1)
	}
	var magic [4]byte
	n, err := file.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if r, _ := roleOf(name); isZip(magic[:n]) || r == roleArchive {
		return w.zip("", name, file, info.Size(), 1)
	}
	if !isGzip(magic[:n]) && !isLines(name) && info.Size() > w.l.Record {
		return w.refuse("", name, refuse(CodeTooLarge, "the file has %d bytes, at most %d are read", info.Size(), w.l.Record))
	}
	return w.stream(name, file, 1)
}

// temp makes a file for an archive to be unpacked into. It is gone when the run is over.
func (w *walk) temp() (*os.File, error) {
	f, err := os.CreateTemp(w.l.TempDir, "tasuki-*.zip")
	if err != nil {
		return nil, err
	}
	w.cleanup = append(w.cleanup, func() {
		f.Close()           //nolint:errcheck // thrown away
		os.Remove(f.Name()) //nolint:errcheck // a leftover in the temporary folder hurts nobody
	})
	return f, nil
}

// fill copies an archive into its temporary file. A source that cannot be read (bad) is the source's fault and refused;
// a full disk or a cancelled run (err) is not.
func (w *walk) fill(to *os.File, from io.Reader) (n int64, bad, err error) {
	buf := make([]byte, 256<<10)
	for {
		if err := w.ctx.Err(); err != nil {
			return n, nil, err
		}
		got, readErr := from.Read(buf)
		if _, err := to.Write(buf[:got]); err != nil {
			return n, nil, fmt.Errorf("unpack an archive for reading: %w", err)
		}
		n += int64(got)
		switch {
		case errors.Is(readErr, io.EOF):
			return n, nil, nil
		case readErr != nil:
			return n, readErr, nil
		}
	}
}
