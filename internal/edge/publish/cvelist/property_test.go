package cvelist

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// imported reads a stream as `git fast-import` does, as far as ours go: what it makes of a commit's tree, and of which commit.
type imported struct {
	parent, message string
	files           map[string]string
}

func readStream(t testing.TB, stream []byte, trees map[string]map[string]string) imported {
	t.Helper()
	in := bytes.NewBuffer(stream)
	line := func() string {
		l, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ends in the middle: %v", err)
		}
		return strings.TrimSuffix(l, "\n")
	}
	data := func() string {
		n, err := strconv.Atoi(strings.TrimPrefix(line(), "data "))
		if err != nil {
			t.Fatal(err)
		}
		b := string(in.Next(n))
		if line() != "" {
			t.Fatal("data of another length")
		}
		return b
	}
	blobs, out := map[string]string{}, imported{files: map[string]string{}}
	if line() != "feature done" {
		t.Fatal("a stream that is cut would be taken")
	}
	for {
		switch l := line(); {
		case l == "blob":
			mark := strings.TrimPrefix(line(), "mark ")
			blobs[mark] = data()
		case strings.HasPrefix(l, "commit "):
			for _, want := range []string{"mark :1", "author CVE List", "committer CVE List"} {
				if got := line(); !strings.HasPrefix(got, want) {
					t.Fatalf("%q, want %q", got, want)
				}
			}
			out.message = data()
		case strings.HasPrefix(l, "from "):
			out.parent = strings.TrimPrefix(l, "from ")
			maps.Copy(out.files, trees[out.parent])
		case strings.HasPrefix(l, "M 100644 inline "):
			out.files[strings.TrimPrefix(l, "M 100644 inline ")] = data()
		case strings.HasPrefix(l, "M 100644 :"):
			mark, path, _ := strings.Cut(strings.TrimPrefix(l, "M 100644 "), " ")
			raw, ok := blobs[mark]
			if !ok {
				t.Fatalf("no blob %s", mark)
			}
			out.files[path] = raw
		case strings.HasPrefix(l, "D "):
			delete(out.files, strings.TrimPrefix(l, "D "))
		case l == "" || l == "get-mark :1":
		case l == "done":
			return out
		default:
			t.Fatalf("what is %q?", l)
		}
	}
}

// onlyRecords are a tree's records.
func onlyRecords(files map[string]string) map[string]string {
	out := map[string]string{}
	for path, raw := range files {
		if strings.HasPrefix(path, "cves/2") {
			out[path] = raw
		}
	}
	return out
}

// replica follows nothing but delta.json: it holds the records that the newest commits named.
func (r replica) apply(t testing.TB, files map[string]string, lost func(id string) bool) {
	t.Helper()
	var d Delta
	if err := json.Unmarshal([]byte(files[deltaPath]), &d, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if d.Count != len(d.New)+len(d.Updated) {
		t.Fatalf("%d changes, %d new, %d updated", d.Count, len(d.New), len(d.Updated))
	}
	path := func(i Item) string { return strings.TrimPrefix(i.File, testLinks.File) }
	for _, i := range d.New {
		if _, there := r[path(i)]; there {
			t.Fatalf("%s is called new and was there", i.ID)
		}
		r[path(i)] = files[path(i)]
	}
	for _, i := range d.Updated {
		// A body that was erased behind the checkpoint is missing from the tree before the log says so at the published size.
		if _, there := r[path(i)]; !there && !lost(i.ID) {
			t.Fatalf("%s is called updated and was not there", i.ID)
		}
		r[path(i)] = files[path(i)]
	}
	for _, i := range d.Deleted {
		delete(r, path(i))
	}
}

type replica map[string]string

// histories is how many random ones the properties go through.
func histories(full int) int {
	if testing.Short() {
		return min(full, 100)
	}
	return full
}

// Whatever happens, and whenever it is published: the tree is the list at the published size, the commit before with its delta is the
// next commit, and nothing that was erased stands anywhere in the history.
func TestRandomHistoriesAsGit(t *testing.T) {
	rewritten, deleted, updated := 0, 0, 0
	for seed := range histories(1000) {
		w := newWorld(uint64(seed))
		g := &Git{Source: w, Links: testLinks}
		trees := map[string]map[string]string{}
		var branch []commit // newest first
		reader := replica{}
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d, size %d: %s", seed, len(w.times), fmt.Sprintf(format, args...))
		}
		for round := range 2 + w.rng.IntN(8) {
			for range w.rng.IntN(12) {
				w.step()
			}
			w.behind = w.rng.Int64N(3)
			cp, err := w.Published(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var last commit
			if len(branch) > 0 {
				last = branch[0]
			}
			if cp.Size <= last.size {
				continue
			}
			p := &plan{parent: last, last: last}
			if last.hash != "" {
				list, err := w.Erasures(t.Context(), last.size, cp.Size)
				if err != nil {
					t.Fatal(err)
				}
				if stays := clean(branch, list); stays > 0 {
					p.rewrite, branch = true, branch[stays:]
					p.parent = commit{}
					if len(branch) > 0 {
						p.parent = branch[0]
					}
				}
			}
			if err := g.fill(t.Context(), p, cp.Size); err != nil {
				t.Fatal(err)
			}
			if len(p.tree.entries) == 0 && !p.rewrite && last.hash != "" {
				continue
			}
			var b bytes.Buffer
			s := newStream(&b)
			got, log, err := g.write(t.Context(), s, p)
			if err == nil {
				err = s.done()
			}
			if err != nil {
				fail("%v", err)
			}
			made := readStream(t, b.Bytes(), trees)
			hash := fmt.Sprint("c", seed, "-", round)
			trees[hash], g.log = made.files, log
			branch = append([]commit{{hash, cp.Size, p.moment.root(), worldList}}, branch...)
			if made.parent != p.parent.hash {
				fail("parent %q, want %q", made.parent, p.parent.hash)
			}
			have, want := onlyRecords(made.files), w.state(t, cp.Size)
			for _, v := range w.past {
				if v.erased >= cp.Size { // it may stand in the tree until a checkpoint covers its erasure
					path, err := cve.ParseID(v.id)
					if err != nil {
						t.Fatal(err)
					}
					delete(have, path.Path())
					delete(want, path.Path())
				}
			}
			if d := differs(have, want); d != "" {
				fail("the tree: %s", d)
			}
			reader.apply(t, made.files, w.lost)
			if d := differs(reader, onlyRecords(made.files)); d != "" {
				fail("the commit before with its delta: %s", d)
			}
			// A body that is erased behind the checkpoint is gone from now on; the history loses it with the checkpoint that covers the
			// erasure.
			if w.behind == 0 {
				for _, c := range branch {
					for path, raw := range trees[c.hash] {
						if found := w.forgotten(raw); found != nil {
							fail("%s of the commit of size %d still has %v", path, c.size, found)
						}
					}
				}
			}
			if p.rewrite {
				rewritten++
			}
			deleted, updated = deleted+got.Deleted, updated+got.Updated
		}
	}
	t.Logf("%d histories: %d rewritten, %d deletions, %d updates", histories(1000), rewritten, deleted, updated)
	if rewritten == 0 || deleted == 0 || updated == 0 {
		t.Error("the histories have too little in them")
	}
}

// unzipped reads an archive with the standard library.
func unzipped(t testing.TB, name string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return unzippedBytes(t, raw)
}

func unzippedBytes(t testing.TB, raw []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == innerName {
			return unzippedBytes(t, b)
		}
		out[f.Name] = string(b)
	}
	return out
}

// Whatever happens, and however often it is published: each baseline with the deltas up to the next one is the next one, as Verify finds
// from the files alone; and no archive that lies there holds what was erased.
func TestRandomHistoriesAsZips(t *testing.T) {
	proofs, remade, dir := 0, 0, t.TempDir()
	for seed := range histories(1000) {
		w := newWorld(uint64(seed) + 1<<32)
		z := &Zips{Source: w, Dir: filepath.Join(dir, strconv.Itoa(seed)), volatile: true}
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d, size %d: %s", seed, len(w.times), fmt.Sprintf(format, args...))
		}
		var hours []time.Time
		for range 3 + w.rng.IntN(5) {
			for range w.rng.IntN(20) {
				w.step()
			}
			// The clock of whoever publishes is ahead of the newest leaf, by little or by hours.
			at := w.clock.Add(time.Duration(w.rng.Int64N(int64(30 * time.Hour))))
			if w.rng.IntN(2) == 0 {
				at = w.clock
			}
			w.clock = at // no leaf is older than what was published
			got, err := z.Publish(t.Context(), at)
			if err != nil {
				fail("%v", err)
			}
			remade += len(got.Remade)
			hours = append(hours, at.Truncate(time.Hour))
		}
		all, err := z.read(t.Context())
		if err != nil {
			fail("%v", err)
		}
		for tag, m := range all {
			for _, f := range m.Files {
				for path, raw := range unzipped(t, filepath.Join(z.Dir, tag, f.Name)) {
					if found := w.forgotten(raw); found != nil {
						fail("%s/%s: %s still has %v", tag, f.Name, path, found)
					}
				}
			}
		}
		for i, h := range hours {
			path := func(at time.Time, name string) string { return filepath.Join(z.Dir, hourTag(at), name) }
			today := h.Truncate(day)
			have := unzipped(t, path(h, baselineName(today)))
			if d := differs(have, w.state(t, all[hourTag(h)].Files[0].To)); d != "" {
				fail("the baseline of %s: %s", today, d)
			}
			v := Verification{Baseline: path(h, baselineName(today))}
			for _, next := range hours[i:] {
				if next.Truncate(day).Equal(today) {
					v.Deltas = append(v.Deltas, path(next, hourName(next)))
					continue
				}
				end := filepath.Join(z.Dir, endTag(next.Truncate(day).Add(-day)), endName(next.Truncate(day).Add(-day)))
				v.Deltas, v.Next = append(v.Deltas, end), path(next, baselineName(next.Truncate(day)))
				break
			}
			if v.Next == "" || all[endTag(today)] == nil || !strings.Contains(v.Deltas[len(v.Deltas)-1], today.Format(dayForm)) {
				continue // days between were not published
			}
			got, err := v.Run(t.Context())
			if err != nil {
				fail("%v", err)
			}
			if !got.Proved || len(got.Erased) > 0 {
				fail("%+v", got)
			}
			proofs++
		}
		if err := os.RemoveAll(z.Dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d histories: %d times a next baseline, %d releases remade", histories(1000), proofs, remade)
	if proofs == 0 || remade == 0 {
		t.Error("the histories have too little in them")
	}
}
