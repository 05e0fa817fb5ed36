package cvelist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// needsGit skips where there is no git; in CI there must be one.
func needsGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("git is required in CI: %v", err)
		}
		t.Skip("git is not installed")
	}
}

// commit is one of a repository in the making: files by path, nil to delete one.
type commit struct {
	at    time.Time
	files map[string][]byte
	merge string // a branch whose files this commit says it merged
	mode  string // of its files; "" is 100644
}

// commits adds to a branch of the repository at dir, which is made where it is not there yet.
func commits(t testing.TB, dir, branch string, list ...commit) {
	t.Helper()
	git := func(in []byte, args ...string) string {
		c := exec.Command("git", append([]string{"-C", dir}, args...)...)
		c.Stdin = bytes.NewReader(in)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		git(nil, "init", "-q", "-b", "main")
	}
	var in bytes.Buffer
	for i, c := range list {
		fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter A <a@example.org> %d +0900\ndata 5\nwords\n", branch, c.at.Unix())
		if tip := exec.Command("git", "-C", dir, "rev-parse", "-q", "--verify", "refs/heads/"+branch); i == 0 && tip.Run() == nil {
			fmt.Fprintf(&in, "from refs/heads/%s^0\n", branch)
		}
		if c.merge != "" {
			fmt.Fprintf(&in, "merge refs/heads/%s^0\n", c.merge)
		}
		for _, path := range slices.Sorted(maps.Keys(c.files)) {
			mode := c.mode
			if mode == "" {
				mode = "100644"
			}
			if raw := c.files[path]; raw == nil {
				fmt.Fprintf(&in, "D %s\n", path)
			} else {
				fmt.Fprintf(&in, "M %s inline %s\ndata %d\n%s\n", mode, path, len(raw), raw)
			}
		}
	}
	git(in.Bytes(), "fast-import", "--quiet", "--force")
}

// dated is a list that remembers what came in, in its order: "<time> <id> <dateUpdated> <verdict>".
type dated struct {
	*list
	came []string
}

type datedDoc struct {
	doc
	at time.Time
}

func (l *dated) Prepare(raw []byte, m Meta) (Prepared, error) {
	p, err := l.list.Prepare(raw, m)
	if err != nil {
		return nil, err
	}
	return datedDoc{p.(doc), m.Time}, nil
}

func (l *dated) Import(ctx context.Context, batch []Prepared) ([]Outcome, error) {
	plain := make([]Prepared, len(batch))
	for i, p := range batch {
		plain[i] = p.(datedDoc).doc
	}
	out, err := l.list.Import(ctx, plain)
	for i, o := range out {
		d := batch[i].(datedDoc)
		l.came = append(l.came, fmt.Sprintf("%s %s %s %s", d.at.Format(time.RFC3339), d.id, d.updated, o.Verdict))
	}
	return out, err
}

// cursors are kept in memory.
type cursors map[string][]byte

func (c cursors) Load(_ context.Context, name string) ([]byte, error) { return c[name], nil }

func (c cursors) Save(_ context.Context, name string, value []byte) error {
	c[name] = bytes.Clone(value)
	return nil
}

func datedImporter(t *testing.T) (*Importer, *dated) {
	t.Helper()
	im, l := fixture(t, nil)
	d := &dated{list: l}
	im.Intake = d
	return im, d
}

var day = time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC)

// Every version comes in with its commit's time, oldest first, merges once and by the main line; what is no record, no file or
// deleted brings nothing; and a second run goes on behind the first.
func TestHistory(t *testing.T) {
	needsGit(t)
	dir := filepath.Join(t.TempDir(), "cvelistV5")
	a, b := "cves/2024/0xxx/CVE-2024-0001.json", "cves/2024/0xxx/CVE-2024-0002.json"
	at := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	first, second, third := record("CVE-2024-0001", "2024-01-01"), record("CVE-2024-0001", "2024-01-02"), record("CVE-2024-0001", "2024-01-03")
	other := record("CVE-2024-0002", "2024-01-01")
	commits(t, dir, "main", commit{at: at(0), files: map[string][]byte{a: first, "README.md": []byte("x"), "cves/delta.json": []byte("{}")}},
		commit{at: at(1), files: map[string][]byte{a: second, b: other}},
		commit{at: at(2), files: map[string][]byte{"README.md": []byte("y")}},
		commit{at: at(3), files: map[string][]byte{a: nil, b: []byte("{")}})
	commits(t, dir, "side", commit{at: at(4), files: map[string][]byte{a: third}})
	commits(t, dir, "main", commit{at: at(5), merge: "side", files: map[string][]byte{a: third}},
		commit{at: at(6), files: map[string][]byte{a: first}},
		commit{at: at(7), mode: "120000", files: map[string][]byte{b: []byte("elsewhere")}})
	im, l := datedImporter(t)
	state := cursors{}
	sum, err := im.History(t.Context(), state, dir)
	if err != nil {
		t.Fatal(err)
	}
	counts(t, sum, `{"added":2,"refused":2,"stale":1,"updated":2}`)
	want := []string{
		"2024-03-05T10:00:00Z CVE-2024-0001 2024-01-01 added",
		"2024-03-05T11:00:00Z CVE-2024-0001 2024-01-02 updated",
		"2024-03-05T11:00:00Z CVE-2024-0002 2024-01-01 added",
		"2024-03-05T15:00:00Z CVE-2024-0001 2024-01-03 updated",
		"2024-03-05T16:00:00Z CVE-2024-0001 2024-01-01 stale",
	}
	if !slices.Equal(l.came, want) {
		t.Errorf("came in:\n%s", strings.Join(l.came, "\n"))
	}
	if len(l.noted) != 1 || l.noted[0].Source != "cvelistV5" {
		t.Errorf("noted %+v", l.noted)
	}
	if sum, err := im.History(t.Context(), state, dir); err != nil || sum.Files != 0 || len(l.noted) != 1 {
		t.Errorf("again: %+v %v", sum, err)
	}
	commits(t, dir, "main", commit{at: at(8), files: map[string][]byte{b: record("CVE-2024-0002", "2024-02-01")}})
	if sum, err := im.History(t.Context(), state, dir); err != nil || sum.Updated != 1 || sum.Files != 1 {
		t.Errorf("one more commit: %+v %v", sum, err)
	}
	// Another line of history: HEAD no longer descends from what was taken in.
	commits(t, dir, "other", commit{at: at(9), files: map[string][]byte{b: record("CVE-2024-0002", "2024-03-01")}})
	for key := range state {
		state[key] = []byte(strings.Repeat("0", 40))
	}
	if sum, err := im.History(t.Context(), state, dir); err != nil || sum.Files != 8 {
		t.Errorf("anew: %+v %v", sum, err)
	}
}

// Two versions that swap places again and again end as the last commit has them, however they are batched.
func TestHistoryOfAReversion(t *testing.T) {
	needsGit(t)
	dir := t.TempDir()
	path := "cves/2024/0xxx/CVE-2024-0001.json"
	x, y := record("CVE-2024-0001", "2024-01-01"), append(record("CVE-2024-0001", "2024-01-01"), '\n')
	var list []commit
	for n := range 101 {
		list = append(list, commit{at: day.Add(time.Duration(n) * time.Minute), files: map[string][]byte{path: [][]byte{x, y}[n%2]}})
	}
	commits(t, dir, "main", list...)
	im, l := datedImporter(t)
	if sum, err := im.History(t.Context(), cursors{}, dir); err != nil || sum.Updated != 100 || !bytes.Equal(l.docs["CVE-2024-0001"], x) {
		t.Errorf("%+v %v", sum, err)
	}
}

// Stopped in the middle, it goes on where it was; nothing is left out and hardly anything read twice.
func TestHistoryGoesOn(t *testing.T) {
	needsGit(t)
	dir := t.TempDir()
	const n = 400
	var list []commit
	for i := range n {
		id := fmt.Sprintf("CVE-2024-%04d", i%50)
		list = append(list, commit{at: day.Add(time.Duration(i) * time.Minute), files: map[string][]byte{"cves/2024/0xxx/" + id + ".json": record(id, fmt.Sprintf("2024-01-01T%05d", i))}})
	}
	commits(t, dir, "main", list...)
	im, l := datedImporter(t)
	im.Target = time.Nanosecond // the least batches
	now := time.Unix(0, 0)
	im.Now = func() time.Time { now = now.Add(100 * time.Millisecond); return now }
	ctx, cancel := context.WithCancel(t.Context())
	im.Progress = func(p Progress) {
		if p.Files > n/2 {
			cancel()
		}
	}
	state := cursors{}
	sum, err := im.History(ctx, state, dir)
	if !errors.Is(err, context.Canceled) || !sum.Interrupted || len(state) != 1 {
		t.Fatalf("%+v %v, %d cursors", sum, err, len(state))
	}
	im.Progress = nil
	rest, err := im.History(t.Context(), state, dir)
	if err != nil || rest.Files < n-sum.Files || rest.Files > n-n/4 {
		t.Fatalf("%d files, then %+v %v", sum.Files, rest, err)
	}
	var times []string
	for _, c := range l.came {
		if !strings.HasSuffix(c, string(Unchanged)) && !strings.HasSuffix(c, string(Stale)) {
			times = append(times, c[:len("2024-03-05T10:00:00Z")])
		}
	}
	if len(times) != n || !slices.IsSorted(times) {
		t.Errorf("%d versions of %d, in order: %v", len(times), n, slices.IsSorted(times))
	}
}

func TestNoHistory(t *testing.T) {
	needsGit(t)
	empty := t.TempDir()
	commits(t, empty, "elsewhere", commit{at: day})
	for name, dir := range map[string]string{"no repository": t.TempDir(), "no commit": empty} {
		im, _ := datedImporter(t)
		if _, err := im.History(t.Context(), cursors{}, dir); !errors.Is(err, ErrHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	im, _ := datedImporter(t)
	if _, err := im.History(t.Context(), cursors{}, filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// writeRevisions writes a list of changes as git does.
func writeRevisions(list []revision) []byte {
	var b bytes.Buffer
	last := ""
	for _, r := range list {
		if head := fmt.Sprintf("commit %s %d\x00\n", r.commit, r.time.Unix()); head != last {
			b.WriteString(head)
			last = head
		}
		fmt.Fprintf(&b, ":000000 %s %s %s A\x00%s\x00", r.mode, strings.Repeat("0", 40), r.blob, r.path)
	}
	return b.Bytes()
}

// FuzzRevisions: whatever is read as a list of changes reads the same when it is written as git writes one.
func FuzzRevisions(f *testing.F) {
	hash := strings.Repeat("ab", 20)
	f.Add(writeRevisions([]revision{{hash, day, "100644", hash, "cves/a b\nc.json"}, {hash, day, "120000", hash, "x"}}))
	f.Add([]byte("commit " + hash + " 5\x00commit " + hash + " 6\x00\n:1 2 3 " + hash + " M\x00commit " + hash + " 7\x00"))
	f.Add([]byte("commit " + hash + " 5"))
	f.Add([]byte(":1 2 3 4 M\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		read := func(raw []byte) (list []revision, err error) {
			err = parseRevisions(bytes.NewReader(raw), func(r revision) error { list = append(list, r); return nil })
			return list, err
		}
		list, err := read(raw)
		if err != nil && !errors.Is(err, ErrHistory) {
			t.Fatal(err)
		}
		again, err := read(writeRevisions(list))
		if err != nil || !slices.Equal(again, list) {
			t.Fatalf("%v\n%+v\n%+v", err, list, again)
		}
	})
}

// Any list of changes is read back as it was written.
func TestRevisionsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.StringMatching(`[0-9a-f]{40}|[0-9a-f]{64}`)
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) revision {
			return revision{hash.Draw(t, "commit"), time.Unix(rapid.Int64Range(0, maxCommit).Draw(t, "time"), 0).UTC(), rapid.SampledFrom([]string{"100644", "160000"}).Draw(t, "mode"),
				hash.Draw(t, "blob"), rapid.StringMatching(`[^\x00]{0,40}`).Draw(t, "path")}
		})).Draw(t, "changes")
		var got []revision
		if err := parseRevisions(bytes.NewReader(writeRevisions(want)), func(r revision) error { got = append(got, r); return nil }); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
		}
	})
}
