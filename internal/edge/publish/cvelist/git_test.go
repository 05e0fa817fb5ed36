package cvelist

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func needGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
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

func TestGitFollowsTheLog(t *testing.T) {
	needGit(t)
	w := newWorld(1)
	g := newGit(t, w)
	for range 30 {
		w.step()
	}
	t.Log(publishGit(t, g))
	for range 6 {
		for range 5 {
			w.step()
		}
		t.Log(publishGit(t, g))
		size := int64(len(w.times))
		if d := differs(tree(t, g.Dir, Branch), w.state(t, size)); d != "" {
			t.Fatalf("at size %d: %s", size, d)
		}
	}
	fsck(t, g.Dir)
	out, _ := exec.Command("git", "-C", g.Dir, "log", "--stat", "-3").CombinedOutput()
	t.Logf("%s", out)
}
