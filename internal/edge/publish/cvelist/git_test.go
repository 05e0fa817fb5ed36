package cvelist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tasuki/internal/catalogue"
)

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has to have git")
		}
		t.Skip("no git on this machine")
	}
}

var testLinks = Links{Record: "https://cve.test/CVERecord?id=", File: "https://cve.test/cvelist/"}

func newGit(t testing.TB, w Source) *Git {
	t.Helper()
	return &Git{Source: w, Dir: filepath.Join(t.TempDir(), "list.git"), Links: testLinks}
}

// tree reads a commit's records with git itself.
func tree(t testing.TB, dir, rev string) map[string]string {
	t.Helper()
	r := repository{dir}
	list, err := r.ask(t.Context(), "ls-tree", "-r", "--name-only", rev)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path := range strings.Lines(list) {
		path = strings.TrimSuffix(path, "\n")
		if !strings.HasPrefix(path, "cves/2") {
			continue
		}
		raw, err := r.file(t.Context(), rev, path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(raw)
	}
	return out
}

func fsck(t testing.TB, dir string) {
	t.Helper()
	if said, err := (repository{dir}).ask(t.Context(), "fsck", "--strict", "--no-dangling"); err != nil || said != "" {
		t.Fatalf("git fsck: %v %s", err, said)
	}
}

func publishGit(t testing.TB, g *Git) GitResult {
	t.Helper()
	got, err := g.Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The repository is the list, as git itself reads it.
func TestGitFollowsTheLog(t *testing.T) {
	needGit(t)
	w := newWorld(1)
	g := newGit(t, w)
	for range 30 {
		w.step()
	}
	publishGit(t, g)
	for range 6 {
		for range 5 {
			w.step()
		}
		publishGit(t, g)
		size := int64(len(w.times))
		if d := differs(tree(t, g.Dir, Branch), w.state(t, size)); d != "" {
			t.Fatalf("at size %d: %s", size, d)
		}
	}
	fsck(t, g.Dir)
}

// The same log published at the same sizes gives the same commits, whoever publishes it and wherever it was interrupted.
func TestTheSameLogGivesTheSameCommits(t *testing.T) {
	needGit(t)
	w := newWorld(7)
	var sizes []int64
	first := newGit(t, w)
	var want []string
	for range 5 {
		for range 7 {
			w.put(fmt.Sprintf("CVE-2026-%04d", w.rng.IntN(40)), true)
		}
		sizes = append(sizes, int64(len(w.times)))
		want = append(want, publishGit(t, first).Commit)
	}
	// Another publisher, made anew for every commit: nothing but the repository says how far it is.
	dir := filepath.Join(t.TempDir(), "again.git")
	for i, size := range sizes {
		w.behind = int64(len(w.times)) - size
		again := &Git{Source: w, Dir: dir, Links: testLinks}
		if got := publishGit(t, again); got.Commit != want[i] {
			t.Errorf("size %d: %s, want %s", size, got.Commit, want[i])
		}
		if got := publishGit(t, again); got.Commit != "" {
			t.Errorf("size %d was published twice", size)
		}
	}
	w.behind = 0
	// A private fact changes nothing that is published.
	w.leaf()
	if got := publishGit(t, first); got.Commit != "" {
		t.Errorf("a commit about nothing: %+v", got)
	}
}

// A publication that dies in the middle leaves the branch as it was, and the next one goes on.
func TestInterrupted(t *testing.T) {
	needGit(t)
	w := newWorld(8)
	for range 40 {
		w.step()
	}
	g := newGit(t, w)
	before := publishGit(t, g).Commit
	for range 10 {
		w.put(fmt.Sprintf("CVE-2026-%04d", w.rng.IntN(4000)), false)
	}
	failing := &Git{Source: failsAfter{w, 4}, Dir: g.Dir, Links: testLinks}
	if _, err := failing.Publish(t.Context()); !errors.Is(err, errBroken) {
		t.Fatalf("%v", err)
	}
	if tip, err := (repository{g.Dir}).tip(t.Context()); err != nil || tip != before {
		t.Errorf("the branch is at %s (%v), want %s", tip, err, before)
	}
	if left, err := filepath.Glob(filepath.Join(g.Dir, "fast_import_crash_*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	publishGit(t, g)
	if d := differs(tree(t, g.Dir, Branch), w.state(t, int64(len(w.times)))); d != "" {
		t.Error(d)
	}
	fsck(t, g.Dir)
}

var errBroken = errors.New("broken off")

// failsAfter is a list whose records cannot be read any more after some.
type failsAfter struct {
	*world
	n int
}

func (f failsAfter) Originals(ctx context.Context, refs []catalogue.Ref, fn func(i int, raw []byte, made bool) error) error {
	return f.world.Originals(ctx, refs, func(i int, raw []byte, made bool) error {
		if i == f.n {
			return errBroken
		}
		return fn(i, raw, made)
	})
}

// A folder that is something else is left alone.
func TestForeignFolders(t *testing.T) {
	needGit(t)
	w := newWorld(9)
	for range 20 {
		w.step()
	}
	g := newGit(t, w)
	refused := func(want error) {
		t.Helper()
		if _, err := g.Publish(t.Context()); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	g.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(g.Dir, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(ErrForeign)
	work := t.TempDir() // somebody's work tree, whose repository is in .git
	mustGit(t, work, "init", "--quiet", "--initial-branch=main")
	g.Dir = work
	refused(ErrForeign)
	mustGit(t, work, "-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "--quiet", "--allow-empty", "-m", "mine")
	bare := filepath.Join(t.TempDir(), "bare.git")
	mustGit(t, work, "clone", "--quiet", "--bare", work, bare)
	g.Dir = bare
	refused(ErrForeign)
	g.Dir = filepath.Join(t.TempDir(), "other.git")
	if _, err := (&Git{Source: otherList{w}, Dir: g.Dir}).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(ErrForeign)
	// Another history of the same list: as long, and shorter.
	g.Dir = filepath.Join(t.TempDir(), "fork.git")
	if _, err := (&Git{Source: otherRoots{w}, Dir: g.Dir}).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(ErrFork)
	g = newGit(t, w)
	publishGit(t, g)
	w.behind = 3
	refused(ErrFork)
	w.times = w.times[:len(w.times)-3]
	w.behind = 0
	g.at = commit{}
	refused(ErrFork)
}

type otherList struct{ *world }

func (otherList) ID() string { return strings.Repeat("b", 64) }

type otherRoots struct{ *world }

func (o otherRoots) At(ctx context.Context, size int64) (Moment, error) {
	m, err := o.world.At(ctx, size)
	m.Root[0]++
	return m, err
}

// Remotes follow, also where the history is written anew; one that was moved by somebody else is not overwritten.
func TestPush(t *testing.T) {
	needGit(t)
	w := newWorld(10)
	for range 30 {
		w.step()
	}
	w.put("CVE-2026-2500", false)
	remote := filepath.Join(t.TempDir(), "remote.git")
	mustGit(t, t.TempDir(), "init", "--quiet", "--bare", "--initial-branch=main", remote)
	g := newGit(t, w)
	g.Push = []string{remote}
	at := func() string { return mustGit(t, remote, "rev-parse", "main") }
	if got := publishGit(t, g); at() != got.Commit {
		t.Errorf("the remote is at %s, want %s", at(), got.Commit)
	}
	v := w.newest("CVE-2026-2500")
	v.erased, v.raw = w.leaf(), nil
	got := publishGit(t, g)
	if !got.Rewritten || at() != got.Commit {
		t.Errorf("%+v, the remote is at %s", got, at())
	}
	// Somebody else's commit.
	work := t.TempDir()
	mustGit(t, work, "clone", "--quiet", remote, "w")
	mustGit(t, filepath.Join(work, "w"), "-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "--quiet", "--allow-empty", "-m", "mine")
	mustGit(t, filepath.Join(work, "w"), "push", "--quiet", "origin", "main")
	theirs := at()
	w.put("CVE-2026-2001", false)
	if got, err := g.Publish(t.Context()); !errors.Is(err, ErrGit) || got.Commit == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if at() != theirs {
		t.Error("somebody else's commit was overwritten")
	}
	// A password in an address, which is where none belongs, is not repeated: complaints are shown to everybody.
	g.Push = []string{"http://ann:hunter2@127.0.0.1:1/list.git"}
	if _, err := g.Publish(t.Context()); !errors.Is(err, ErrGit) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ann:") {
		t.Errorf("%v", err)
	}
	// One that cannot be reached keeps none of the others waiting.
	second := filepath.Join(t.TempDir(), "second.git")
	mustGit(t, t.TempDir(), "init", "--quiet", "--bare", "--initial-branch=main", second)
	g.Push = []string{filepath.Join(t.TempDir(), "nowhere.git"), second}
	w.put("CVE-2026-2002", false)
	got, err := g.Publish(t.Context())
	if err == nil || mustGit(t, second, "rev-parse", "main") != got.Commit {
		t.Errorf("%+v, %v", got, err)
	}
}
