package cvelist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Branch is the branch that is published.
const Branch = "main"

const branchRef = "refs/heads/" + Branch

// repository is a bare git repository, kept with the system's git: nothing else writes a list as fast, or serves it to every client.
type repository struct{ dir string }

// command is git with nothing of the machine's own settings: what is published does not depend on who publishes it.
func (r repository) command(ctx context.Context, args ...string) *exec.Cmd {
	c := r.asked(ctx, args...)
	c.Env = append(c.Env, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	return c
}

// asked is git with the settings of whoever runs this program: pushing needs their keys and proxies.
func (r repository) asked(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{"-C", r.dir, "--git-dir=.", "--no-pager", "--literal-pathspecs", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false",
		"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "pack.threads=1", "-c", "core.logAllRefUpdates=false"}
	c := exec.CommandContext(ctx, "git", append(fixed, args...)...) //nolint:gosec // the arguments are ours, the folder and the remote the operator's
	// GIT_DIR and its like would lead elsewhere.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "GIT_SSH") })
	c.Env = append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0")
	c.WaitDelay = time.Second
	return c
}

// run runs a command and returns what it says on standard output, without the last line feed.
func run(ctx context.Context, c *exec.Cmd) (string, error) {
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	return strings.TrimSuffix(string(out), "\n"), gitError(ctx, err, said.Bytes())
}

func (r repository) ask(ctx context.Context, args ...string) (string, error) {
	return run(ctx, r.command(ctx, args...))
}

// gitError words why git failed: with its own last line where it said one.
func gitError(ctx context.Context, err error, said []byte) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	said = bytes.TrimSpace(said)
	if i := bytes.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	if len(said) > 0 {
		return fmt.Errorf("%w: %s", ErrGit, bytes.ToValidUTF8(said[:min(len(said), 300)], nil))
	}
	return fmt.Errorf("%w: %w", ErrGit, err)
}

// open makes the repository in an empty or absent folder, or takes the one that is there.
func (r repository) open(ctx context.Context) error {
	if _, err := exec.LookPath("git"); err != nil {
		return fmt.Errorf("%w: %w", ErrGit, err)
	}
	held, err := os.ReadDir(r.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(r.dir, 0o755); err != nil { //nolint:gosec // what is published is for everybody
			return err
		}
	case err != nil:
		return err
	}
	if len(held) > 0 {
		if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err != nil {
			return fmt.Errorf("%w: %s holds files and is no bare git repository", ErrForeign, r.dir)
		}
		bare, err := r.ask(ctx, "rev-parse", "--is-bare-repository")
		if err == nil && bare != "true" {
			err = fmt.Errorf("%w: %s is no bare git repository", ErrForeign, r.dir)
		}
		return err
	}
	init := r.command(ctx, "init", "--quiet", "--bare", "--template=", "--initial-branch="+Branch, ".")
	// Who is about to make a repository may not point at one.
	init.Args = slices.DeleteFunc(init.Args, func(a string) bool { return a == "--git-dir=." })
	_, err = run(ctx, init)
	return err
}

// A commit of the published branch, as its trailers tell.
type commit struct {
	hash string
	size int64
	root string
	list string
}

const (
	sizeTrailer = "Tasuki-Size"
	rootTrailer = "Tasuki-Root"
	listTrailer = "Tasuki-List"
)

// commits are the branch's, newest first, at most limit of them (0: all); none when there is no branch yet. A commit without our trailers is ErrForeign.
func (r repository) commits(ctx context.Context, limit int) ([]commit, error) {
	head, err := r.tip(ctx)
	if err != nil || head == "" {
		return nil, err
	}
	args := []string{"log", "--first-parent", "--format=%H %(trailers:key=" + sizeTrailer + ",valueonly,separator=%x20) %(trailers:key=" + rootTrailer +
		",valueonly,separator=%x20) %(trailers:key=" + listTrailer + ",valueonly,separator=%x20)"}
	if limit > 0 {
		args = append(args, "--max-count="+strconv.Itoa(limit))
	}
	text, err := r.ask(ctx, append(args, head, "--")...)
	if err != nil {
		return nil, err
	}
	var out []commit
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 4 {
			return nil, fmt.Errorf("%w: %s has a commit on %s that says nothing of a log", ErrForeign, r.dir, Branch)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("%w: %s has a commit of no size", ErrForeign, r.dir)
		}
		out = append(out, commit{f[0], size, f[2], f[3]})
	}
	return out, nil
}

// tip is the branch's newest commit, "" when there is none.
func (r repository) tip(ctx context.Context) (string, error) {
	return r.ask(ctx, "for-each-ref", "--format=%(objectname)", branchRef)
}

// file is a file of a commit's tree.
func (r repository) file(ctx context.Context, commit, path string) ([]byte, error) {
	c := r.command(ctx, "cat-file", "blob", commit+":"+path)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	return out, gitError(ctx, err, said.Bytes())
}

// tidy packs what was written loosely when there is much of it.
func (r repository) tidy(ctx context.Context, most int) error {
	text, err := r.ask(ctx, "count-objects", "-v")
	if err != nil {
		return err
	}
	held := map[string]int{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		held[name], _ = strconv.Atoi(value)
	}
	if held["count"] < most && held["packs"] < 50 {
		return nil
	}
	_, err = r.ask(ctx, "repack", "-d", "-q", "--geometric=2", "--window-memory=256m")
	return err
}

// forget drops everything that no branch holds any more, at once.
func (r repository) forget(ctx context.Context) error {
	_, err := r.ask(ctx, "repack", "-a", "-d", "-q", "--window-memory=256m")
	if err == nil {
		_, err = r.ask(ctx, "prune", "--expire=now")
	}
	return err
}

// A history that is written anew leaves behind what nothing holds any more. Until that is gone, and until the remotes have taken the new
// history, two settings of the repository say so: a process that dies in between leaves the work to the next.
const (
	forgetSetting   = "tasuki.forget"   // there is something to forget
	replacedSetting = "tasuki.replaced" // commits that the branch no longer descends from: remotes may be moved away from these, and no others
)

// setting is what the repository says, a line for each value; "" where it says nothing.
func (r repository) setting(ctx context.Context, name string) (string, error) {
	text, err := r.ask(ctx, "config", "--local", "--get-all", name)
	var code *exec.ExitError
	if errors.As(err, &code) && code.ExitCode() == 1 {
		return "", nil
	}
	return text, err
}

func (r repository) beginForgetting(ctx context.Context, tip string) error {
	_, err := r.ask(ctx, "config", "--local", "--add", replacedSetting, tip)
	if err == nil {
		_, err = r.ask(ctx, "config", "--local", forgetSetting, "true")
	}
	return err
}

func (r repository) finishForgetting(ctx context.Context) error {
	if due, err := r.setting(ctx, forgetSetting); err != nil || due == "" {
		return err
	}
	if err := r.forget(ctx); err != nil {
		return err
	}
	_, err := r.ask(ctx, "config", "--local", "--unset-all", forgetSetting)
	return err
}

// push brings a remote's branch to ours. Only from a commit that was replaced here may it be moved to one that does not descend from it.
func (r repository) push(ctx context.Context, remote string) error {
	args := []string{"push", "--porcelain", "--quiet"}
	replaced, err := r.setting(ctx, replacedSetting)
	if err != nil {
		return err
	}
	if replaced != "" {
		text, err := run(ctx, r.asked(ctx, "ls-remote", "--", remote, branchRef))
		if err != nil {
			return err
		}
		theirs, _, _ := strings.Cut(text, "\t")
		if theirs != "" && slices.Contains(strings.Fields(replaced), theirs) {
			args = append(args, "--force-with-lease="+branchRef+":"+theirs)
		}
	}
	_, err = run(ctx, r.asked(ctx, append(args, "--", remote, branchRef+":"+branchRef)...))
	return err
}
