package cvelist

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clone runs the system's git as a reader would.
func gitAs(t testing.TB, dir string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func mustGit(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := gitAs(t, dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestCloneAndPull(t *testing.T) {
	needGit(t)
	w := newWorld(3)
	for range 60 {
		w.step()
	}
	g := newGit(t, w)
	publishGit(t, g)
	s := httptest.NewServer(Handler(Served{Git: g.Dir, Log: slog.New(slog.DiscardHandler)}))
	defer s.Close()
	dir := t.TempDir()
	for _, version := range []string{"0", "2"} {
		into := "v" + version
		mustGit(t, dir, "-c", "protocol.version="+version, "clone", "--quiet", s.URL+"/cvelist.git", into)
		// What a person has in the work tree is the list, byte for byte.
		have := map[string]string{}
		err := filepath.WalkDir(filepath.Join(dir, into, "cves"), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "CVE-") {
				return err
			}
			raw, err := os.ReadFile(path)
			rel, rerr := filepath.Rel(filepath.Join(dir, into), path)
			have[filepath.ToSlash(rel)] = string(raw)
			if err == nil {
				err = rerr
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := differs(have, w.state(t, int64(len(w.times)))); d != "" {
			t.Fatalf("protocol %s: %s", version, d)
		}
	}
	old := mustGit(t, filepath.Join(dir, "v2"), "rev-parse", "HEAD")
	// A pull brings what came since, as long as nothing was erased.
	w.put("CVE-2026-2499", true)
	w.put("CVE-2026-2499", false)
	publishGit(t, g)
	mustGit(t, filepath.Join(dir, "v2"), "pull", "--quiet", "--ff-only")
	if got := mustGit(t, filepath.Join(dir, "v2"), "rev-parse", "HEAD^"); got != old {
		t.Errorf("the new commit's parent is %s, want %s", got, old)
	}
	// A shallow one, and one without contents.
	mustGit(t, dir, "clone", "--quiet", "--depth=1", s.URL+"/cvelist.git", "shallow")
	mustGit(t, dir, "clone", "--quiet", "--filter=blob:none", "--no-checkout", s.URL+"/cvelist.git", "partial")

	// Nobody writes.
	writer := filepath.Join(dir, "v2")
	mustGit(t, writer, "-c", "user.name=x", "-c", "user.email=x@x.test", "commit", "--quiet", "--allow-empty", "-m", "mine")
	before, _ := (repository{g.Dir}).tip(t.Context())
	if out, err := gitAs(t, writer, "push", "origin", "main"); err == nil {
		t.Errorf("a push went through: %s", out)
	}
	if after, _ := (repository{g.Dir}).tip(t.Context()); after != before {
		t.Error("a push moved the branch")
	}

	// What was erased cannot be fetched any more, not even by the names of its objects.
	v := w.newest("CVE-2026-2499")
	blob := mustGit(t, dir, "--git-dir="+g.Dir, "rev-parse", "main:cves/2026/2xxx/CVE-2026-2499.json")
	v.erased, v.raw = w.leaf(), nil
	if got := publishGit(t, g); !got.Rewritten || got.Deleted != 1 {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{blob, before} {
		mustGit(t, dir, "init", "--quiet", "curious-"+name[:8])
		if out, err := gitAs(t, filepath.Join(dir, "curious-"+name[:8]), "-c", "protocol.version=2", "fetch", "--quiet", s.URL+"/cvelist.git", name); err == nil {
			t.Errorf("%s is still handed out: %s", name, out)
		}
	}
	if found, err := exec.Command("grep", "-r", "-l", "-a", "x", filepath.Join(g.Dir, "objects", blob[:2], blob[2:])).Output(); err == nil {
		t.Errorf("the object is still there: %s", found)
	}
	fsck(t, g.Dir)
}

func TestServingRefuses(t *testing.T) {
	needGit(t)
	w := newWorld(4)
	for range 20 {
		w.step()
	}
	g := newGit(t, w)
	publishGit(t, g)
	zips := t.TempDir()
	if err := os.WriteFile(filepath.Join(zips, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := Handler(Served{Git: g.Dir, Zips: zips, Log: slog.New(slog.DiscardHandler)})
	bomb := func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(make([]byte, maxRequest+1))
		_ = z.Close()
		return b.Bytes()
	}()
	const pack = "application/x-git-upload-pack-request"
	for _, tc := range []struct {
		name, method, path string
		body               []byte
		header             map[string]string
		want               int
	}{
		{"dumb protocol", "GET", "/cvelist.git/info/refs", nil, nil, 403},
		{"push, first step", "GET", "/cvelist.git/info/refs?service=git-receive-pack", nil, nil, 403},
		{"push", "POST", "/cvelist.git/git-receive-pack", []byte("0000"), nil, 403},
		{"objects", "GET", "/cvelist.git/objects/info/packs", nil, nil, 404},
		{"configuration", "GET", "/cvelist.git/config", nil, nil, 404},
		{"other service", "GET", "/cvelist.git/info/refs?service=git-upload-archive", nil, nil, 403},
		{"no type", "POST", "/cvelist.git/git-upload-pack", []byte("0000"), nil, 415},
		{"unknown encoding", "POST", "/cvelist.git/git-upload-pack", []byte("0000"), map[string]string{"Content-Type": pack, "Content-Encoding": "br"}, 415},
		{"no gzip", "POST", "/cvelist.git/git-upload-pack", []byte("0000"), map[string]string{"Content-Type": pack, "Content-Encoding": "gzip"}, 400},
		{"a bomb", "POST", "/cvelist.git/git-upload-pack", bomb, map[string]string{"Content-Type": pack, "Content-Encoding": "gzip"}, 413},
		{"too large", "POST", "/cvelist.git/git-upload-pack", make([]byte, maxRequest+1), map[string]string{"Content-Type": pack}, 413},
		{"a file of the tree that is none of ours", "GET", "/cvelist/cves/../README.md", nil, nil, 404},
		{"a path that is spelt otherwise", "GET", "/cvelist/cves/2026/9xxx/CVE-2026-0001.json", nil, nil, 404},
		{"a record that is not there", "GET", "/cvelist/cves/2026/9xxx/CVE-2026-9999.json", nil, nil, 404},
		{"magic of pathspecs", "GET", "/cvelist/cves/:(glob)**", nil, nil, 404},
		{"a file beside the releases", "GET", "/cvelist/releases/secret", nil, nil, 404},
		{"a way out", "GET", "/cvelist/releases/cve_2026-11-21_0000Z/..%2Fsecret", nil, nil, 404},
		{"a tag of no form", "GET", "/cvelist/releases/../secret", nil, nil, 404},
		{"no releases yet", "GET", "/cvelist/baseline.json", nil, nil, 404},
		{"deltas", "GET", "/cvelist/cves/delta.json", nil, nil, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, "http://list.test"+tc.path, bytes.NewReader(tc.body))
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			status := got.Code
			if status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect { // the mux cleans paths; the door before it does not follow
				status = 404
			}
			if status != tc.want {
				t.Errorf("%d, want %d: %s", got.Code, tc.want, got.Body)
			}
		})
	}
}

// Before the first publication there is nothing, and that is no fault.
func TestServingBeforeTheBeginning(t *testing.T) {
	h := Handler(Served{Git: filepath.Join(t.TempDir(), "none.git"), Log: slog.New(slog.DiscardHandler)})
	for _, path := range []string{"/cvelist.git/info/refs?service=git-upload-pack", "/cvelist/cves/delta.json"} {
		got := httptest.NewRecorder()
		h.ServeHTTP(got, httptest.NewRequest("GET", "http://list.test"+path, nil))
		if got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

// A client that stops reading, or goes away, frees its place and leaves no process.
func TestClientsThatLeave(t *testing.T) {
	needGit(t)
	w := newWorld(5)
	for range 20 {
		w.step()
	}
	g := newGit(t, w)
	publishGit(t, g)
	h := &served{Served: Served{Git: g.Dir, Log: slog.New(slog.DiscardHandler)}, repo: repository{g.Dir}, places: make(chan struct{}, 1)}
	h.places <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := httptest.NewRequest("GET", "http://list.test/cvelist.git/info/refs?service=git-upload-pack", nil).WithContext(ctx)
	got := httptest.NewRecorder()
	h.refs(got, r)
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("without a place: %d %v", got.Code, got.Header())
	}
	<-h.places

	// The question never ends: the place is held for as long as the request lives, and no process.
	s := httptest.NewServer(http.HandlerFunc(h.uploadPack))
	defer s.Close()
	in, out := io.Pipe()
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", s.URL, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	if _, err := io.WriteString(out, "0011command=ls-refs"); err != nil {
		t.Fatal(err)
	}
	leave()
	// A client that has lost its connection may wait for its own question to end before it says so.
	out.CloseWithError(context.Canceled)
	<-done
	select {
	case h.places <- struct{}{}:
	case <-time.After(10 * time.Second):
		t.Error("the place is not free")
	}
}
