package cvelist

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrHistory means that no history can be read: no git repository, no git on this machine, or a repository that git refuses.
var ErrHistory = errors.New("cvelist: no history can be read")

// repository is a git repository on this machine, read with the system's git: nothing else reads every form of repository that
// there is. It is only read, and nothing that it configures is run.
type repository struct{ dir string }

func (g repository) command(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{"-C", g.dir, "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull,
		"-c", "log.showSignature=false", "-c", "log.showRoot=true", "-c", "protocol.allow=never"}
	c := exec.CommandContext(ctx, "git", append(fixed, args...)...) //nolint:gosec // the arguments are ours, the folder is the operator's
	// GIT_DIR and its like would lead elsewhere.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	c.Env = append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0")
	c.WaitDelay = time.Second
	return c
}

// ask runs a command whose answer is short.
func (g repository) ask(ctx context.Context, args ...string) (string, error) {
	c := g.command(ctx, args...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	return strings.TrimSpace(string(out)), gitError(ctx, err, said.Bytes())
}

// gitError words why git failed: with its own first line where it said one.
func gitError(ctx context.Context, err error, said []byte) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if line, _, _ := bytes.Cut(bytes.TrimSpace(said), []byte("\n")); len(line) > 0 {
		return fmt.Errorf("%w: git: %s", ErrHistory, short(string(line)))
	}
	return fmt.Errorf("%w: %w", ErrHistory, err)
}

// head is the commit to read up to, and root the first of its line: that tells one list from another wherever it lies.
func (g repository) head(ctx context.Context) (head, root string, err error) {
	if _, err := os.Stat(g.dir); err != nil {
		return "", "", err
	}
	if head, err = g.ask(ctx, "rev-parse", "--verify", "HEAD^{commit}"); err != nil {
		return "", "", err
	}
	roots, err := g.ask(ctx, "rev-list", "--first-parent", "--max-parents=0", head)
	if err != nil {
		return "", "", err
	}
	root, _, _ = strings.Cut(roots, "\n")
	return head, root, nil
}

// holds says whether commit is part of the history of head.
func (g repository) holds(ctx context.Context, commit, head string) bool {
	_, err := g.ask(ctx, "merge-base", "--is-ancestor", commit, head)
	return err == nil
}

// revision is a file as one commit leaves it.
type revision struct {
	commit string
	time   time.Time // the committer's
	mode   string
	blob   string
	path   string
}

// revisions gives each every file that a commit after since (or any, when it is "") up to head adds or changes, along the first
// parents, oldest commit first.
func (g repository) revisions(ctx context.Context, since, head string, each func(revision) error) error {
	span := head
	if since != "" {
		span = since + ".." + head
	}
	c := g.command(ctx, "log", "--reverse", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--no-renames", "--no-abbrev",
		"--no-ext-diff", "--no-textconv", "--no-color", "--diff-filter=d", "--format=tformat:commit %H %ct", span, "--")
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return gitError(ctx, err, nil)
	}
	failed := parseRevisions(out, each)
	if failed != nil {
		_ = c.Process.Kill() // it would wait for its reader for ever
	}
	err = c.Wait()
	if failed != nil {
		return failed
	}
	return gitError(ctx, err, said.Bytes())
}

// parseRevisions reads what `git log --raw -z` writes with the format "commit <hash> <seconds>": tokens that end in NUL, a
// commit's own, then for each of its files ":<mode> <mode> <blob> <blob> <status>" and the path. Git puts a line feed before the
// first file.
func parseRevisions(r io.Reader, each func(revision) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	token := func() (string, error) {
		var b []byte
		for {
			part, err := in.ReadSlice(0)
			b = append(b, part...)
			switch {
			case err == nil:
				return string(b[:len(b)-1]), nil
			case errors.Is(err, bufio.ErrBufferFull) && len(b) < 1<<20:
			case errors.Is(err, io.EOF) && len(b) == 0:
				return "", io.EOF
			default:
				return "", fmt.Errorf("%w: git's list of changes ends in the middle", ErrHistory)
			}
		}
	}
	var at revision
	for {
		t, err := token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t = strings.TrimPrefix(t, "\n")
		if rest, ok := strings.CutPrefix(t, "commit "); ok {
			hash, seconds, _ := strings.Cut(rest, " ")
			s, err := strconv.ParseInt(seconds, 10, 64)
			if err != nil || !isObject(hash) || s < 0 || s > maxCommit {
				return fmt.Errorf("%w: a commit is given as %s", ErrHistory, short(t))
			}
			at = revision{commit: hash, time: time.Unix(s, 0).UTC()}
			continue
		}
		f := strings.Split(t, " ")
		if at.commit == "" || len(f) != 5 || !strings.HasPrefix(t, ":") || !isObject(f[3]) {
			return fmt.Errorf("%w: a change is given as %s", ErrHistory, short(t))
		}
		at.mode, at.blob = f[1], f[3]
		if at.path, err = token(); err != nil {
			return fmt.Errorf("%w: a change without a path", ErrHistory)
		}
		if err := each(at); err != nil {
			return err
		}
	}
}

// maxCommit is the last second whose year has four digits.
const maxCommit = 253402300799

// isObject says whether s is the name of a git object, of either hash.
func isObject(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// blobs reads contents one after the other.
type blobs struct {
	ctx  context.Context
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said bytes.Buffer // to be read when git has ended
	over bool
}

func (g repository) blobs(ctx context.Context) (*blobs, error) {
	b := &blobs{ctx: ctx, cmd: g.command(ctx, "cat-file", "--batch")}
	b.cmd.Stderr = &b.said
	out, err := b.cmd.StdoutPipe()
	if err == nil {
		b.in, err = b.cmd.StdinPipe()
	}
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		return nil, gitError(ctx, err, nil)
	}
	b.out = bufio.NewReaderSize(out, 64<<10)
	return b, nil
}

func (b *blobs) close() {
	if b.over {
		return
	}
	b.over = true
	_ = b.cmd.Process.Kill() // all that was wanted of it is here
	_ = b.cmd.Wait()
}

// fail is err with what git said before it ended.
func (b *blobs) fail(err error) error {
	b.close()
	return gitError(b.ctx, err, b.said.Bytes())
}

// read returns a blob's content, or why the file is refused; the error is git's, and ends the import.
func (b *blobs) read(blob string, limit int64) ([]byte, *Refusal, error) {
	if _, err := io.WriteString(b.in, blob+"\n"); err != nil {
		return nil, nil, b.fail(err)
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return nil, nil, b.fail(err)
	}
	f := strings.Fields(line) // "<hash> blob <size>", or "<hash> missing"
	if len(f) != 3 || f[1] != "blob" {
		return nil, refuse(CodeRead, "git says of its content %q: the repository is not complete", strings.TrimSpace(strings.TrimPrefix(line, blob))), nil
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: git: %s", ErrHistory, short(line))
	}
	if size > limit {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return nil, nil, b.fail(err)
		}
		return nil, refuse(CodeTooLarge, "the file has %d bytes, at most %d are read", size, limit), nil
	}
	raw := make([]byte, size+1)
	if _, err := io.ReadFull(b.out, raw); err != nil {
		return nil, nil, b.fail(err)
	}
	return raw[:size:size], nil, nil
}
