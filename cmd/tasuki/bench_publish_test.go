package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	outward "tasuki/internal/edge/publish/cvelist"
)

// listStore is a data directory with the archive in it and nothing else.
func listStore(tb testing.TB) string {
	tb.Helper()
	list := theList(tb)
	return kept(tb, "store-list", func(dir string) error { return importInto(tb, dir, nil, list) })
}

// gitOf runs git on a repository and fails the benchmark where git does.
func gitOf(b *testing.B, dir string, args ...string) string {
	b.Helper()
	c := exec.Command("git", append([]string{"--git-dir=" + dir}, args...)...)
	c.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	out, err := c.CombinedOutput()
	if err != nil {
		b.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func bareRepository(b *testing.B, name string) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), name)
	if out, err := exec.Command("git", "init", "--quiet", "--bare", "--initial-branch=main", dir).CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	return dir
}

// plainFastImport is the floor: git's own work on the same files, from a stream that lies in a file already.
func plainFastImport(b *testing.B, archive string) (took, busy time.Duration) {
	b.Helper()
	stream := filepath.Join(b.TempDir(), "stream")
	f, err := os.Create(stream)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, "feature done\ncommit refs/heads/main\ncommitter x <x> 0 +0000\ndata 0\n")
	err = eachRecord(archive, func(name string, raw []byte) error {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n", name, len(raw))
		_, err := w.Write(raw)
		fmt.Fprintln(w)
		return err
	})
	fmt.Fprint(w, "done\n")
	if err != nil || w.Flush() != nil || f.Close() != nil {
		b.Fatal("no stream", err)
	}
	in, err := os.Open(stream)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	c := exec.Command("git", "--git-dir="+bareRepository(b, "floor.git"), "fast-import", "--quiet")
	c.Stdin = in
	began, before := time.Now(), offspring()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	return time.Since(began), offspring() - before
}

// effort is what something takes: the time, and the processor time of this process and of git.
type effort struct {
	took, ours, gits time.Duration
}

func effortOf(fn func()) effort {
	u0, s0 := processor()
	before, began := offspring(), time.Now()
	fn()
	took := time.Since(began)
	u1, s1 := processor()
	return effort{took, u1 - u0 + s1 - s0, offspring() - before}
}

func (e *effort) add(other effort) {
	e.took, e.ours, e.gits = e.took+other.took, e.ours+other.ours, e.gits+other.gits
}

func (e effort) row(name string, of time.Duration, more ...string) []string {
	return append([]string{name, seconds(e.took / of), seconds(e.ours / of), seconds(e.gits / of)}, more...)
}

// BenchmarkPublishGit publishes and pushes the whole list, then changes of it: budget 30 s, then 1 s for 100 changes; git fsck is clean.
func BenchmarkPublishGit(b *testing.B) {
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip("no git on this machine")
	}
	list := theList(b)
	// A copy: the changes below must not enter a store that is kept.
	dir := filepath.Join(b.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(listStore(b))); err != nil {
		b.Fatal(err)
	}
	n := benchNode(b, dir)
	ctx := context.Background()
	if _, err := n.signed(ctx); err != nil {
		b.Fatal(err)
	}
	median := medianRecords(b, 600)
	for b.Loop() {
		floor, busy := plainFastImport(b, list)
		remote := bareRepository(b, "remote.git")
		g := n.gitOutlet(filepath.Join(b.TempDir(), "list.git"), []string{remote})
		publish := func(updated int) (e effort) {
			e = effortOf(func() {
				if got, err := g.Publish(ctx); err != nil || got.Updated != updated {
					b.Fatalf("%+v %v", got, err)
				}
			})
			return e
		}
		rows := [][]string{{"", "time", "processor", "git's", ""}, {"floor: git fast-import of the same files", seconds(floor), "", seconds(busy)}}
		first := publish(0)
		rows = append(rows, first.row("first publication and push", 1, fmt.Sprintf("%.2f × the floor, budget 30 s", first.took.Seconds()/floor.Seconds())))

		next := 0
		change := func(k int) { // k records get a new version
			for range k {
				raw := bytes.Replace(median[next%len(median)], []byte(`"dataType"`), fmt.Appendf(nil, `"x_round": %d, "dataType"`, next), 1)
				if err := publishQuietly(n, raw); err != nil {
					b.Fatal(err)
				}
				next++
			}
			if _, err := n.signed(ctx); err != nil {
				b.Fatal(err)
			}
		}
		var batch, lone effort
		const batches, lones = 5, 20
		for range batches {
			change(100)
			batch.add(publish(100))
		}
		for range lones {
			change(1)
			lone.add(publish(1))
		}
		began := time.Now()
		if got := gitOf(b, g.Dir, "fsck", "--full", "--strict"); got != "" {
			b.Fatalf("git fsck: %s", got)
		}
		checked := time.Since(began)
		if ours, theirs := gitOf(b, g.Dir, "rev-parse", "main"), gitOf(b, remote, "rev-parse", "main"); ours != theirs {
			b.Fatalf("the remote is at %s, want %s", theirs, ours)
		}
		rows = append(rows, batch.row("100 changes, commit and push", batches, "budget 1 s"), lone.row("a lone change, commit and push", lones),
			[]string{"git fsck --full --strict", seconds(checked), "", "", "clean"}, []string{"repository", bytesText(folderSize(b, g.Dir))})
		table(b, rows...)
		b.ReportMetric(first.took.Seconds(), "first-s")
		b.ReportMetric((batch.took / batches).Seconds(), "s/100changes")
	}
}

func folderSize(b *testing.B, dir string) (n int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkPublishZips makes the baseline of the whole list and the proof over it. Its floor is deflating the same bytes on one core.
func BenchmarkPublishZips(b *testing.B) {
	list := theList(b)
	n := benchNode(b, listStore(b))
	ctx := context.Background()
	if _, err := n.signed(ctx); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		floor := deflateAll(b, list)
		dir := b.TempDir()
		at := n.now().Add(48 * time.Hour) // the whole import lies before its midnight
		z := n.zipOutlet(dir, 0)
		began := time.Now()
		if _, err := z.Publish(ctx, at); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		names, err := filepath.Glob(filepath.Join(dir, "*", "*_all_CVEs_at_midnight.zip.zip"))
		if err != nil || len(names) != 1 {
			b.Fatal(names, err)
		}
		info, err := os.Stat(names[0])
		if err != nil {
			b.Fatal(err)
		}
		v := outward.Verification{Baseline: names[0], Next: names[0]}
		began = time.Now()
		got, err := v.Run(ctx)
		if err != nil || !got.Proved {
			b.Fatal(got, err)
		}
		table(b, []string{"floor: deflate of the same bytes, one core", seconds(floor)},
			[]string{"a release with its baseline", seconds(took), fmt.Sprintf("%.2f × the floor", took.Seconds()/floor.Seconds()), fmt.Sprintf("%d records, %s", got.Records, bytesText(info.Size()))},
			[]string{"verify delta, two baselines", seconds(time.Since(began))})
		b.ReportMetric(took.Seconds(), "zips-s")
	}
}

func deflateAll(b *testing.B, archive string) time.Duration {
	b.Helper()
	var took time.Duration
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		b.Fatal(err)
	}
	err = eachRecord(archive, func(_ string, raw []byte) error {
		began := time.Now()
		w.Reset(io.Discard)
		_, err := w.Write(raw)
		if err == nil {
			err = w.Close()
		}
		took += time.Since(began)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return took
}
