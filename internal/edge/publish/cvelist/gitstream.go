package cvelist

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// stream writes what `git fast-import` reads (git-fast-import(1)). One that does not reach done leaves the repository's branches as
// they were.
type stream struct {
	w   *bufio.Writer
	err error
}

func newStream(w io.Writer) *stream {
	s := &stream{w: bufio.NewWriterSize(w, 1<<20)}
	s.text("feature done\n")
	return s
}

func (s *stream) text(parts ...string) {
	for _, p := range parts {
		if s.err == nil {
			_, s.err = s.w.WriteString(p)
		}
	}
}

func (s *stream) data(b []byte) {
	s.text("data ", strconv.Itoa(len(b)), "\n")
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
	s.text("\n")
}

// commit begins a commit on the branch over a parent, "" for none.
func (s *stream) commit(parent, list string, at time.Time, message string) {
	s.text("commit ", branchRef, "\nmark :1\n")
	who := " CVE List " + list[:8] + " <list@tasuki.invalid> " + strconv.FormatInt(at.Unix(), 10) + " +0000\n"
	s.text("author", who, "committer", who)
	s.data([]byte(message))
	if parent != "" {
		s.text("from ", parent, "\n")
	}
}

// modify puts a file into the commit. Our paths need no quoting.
func (s *stream) modify(path string, content []byte) {
	s.text("M 100644 inline ", path, "\n")
	s.data(content)
}

// remove takes a file out of the commit; one that is not there is no error.
func (s *stream) remove(path string) { s.text("D ", path, "\n") }

// done ends the stream and asks for the commit's name.
func (s *stream) done() error {
	s.text("\nget-mark :1\ndone\n")
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// fastImport runs `git fast-import` over what write streams and returns the commit that it made.
func (r repository) fastImport(ctx context.Context, force bool, write func(*stream) error) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := []string{"fast-import", "--quiet", "--date-format=raw", "--depth=50"}
	if force {
		args = append(args, "--force")
	}
	c := r.command(ctx, args...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return "", gitError(ctx, err, nil)
	}
	s := newStream(in)
	failed := write(s)
	if failed == nil {
		failed = s.done()
	}
	_ = in.Close() // fast-import says what it thinks of a stream that is cut
	err = gitError(ctx, c.Wait(), said.Bytes())
	switch {
	case failed != nil && s.err == nil:
		return "", failed // ours, not the pipe's
	case err != nil:
		return "", err
	case failed != nil:
		return "", failed
	}
	hash := strings.TrimSpace(out.String())
	if len(hash) < 40 {
		return "", fmt.Errorf("%w: fast-import named no commit", ErrGit)
	}
	return hash, nil
}
