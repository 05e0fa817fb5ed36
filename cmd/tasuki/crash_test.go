package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

var (
	kills     = flag.Int("kills", 0, "how often TestKill9 kills the node on each engine (0: a few)")
	crashSeed = flag.Uint64("crash-seed", 0, "seed of TestKill9 and TestPowerLoss (0: of the clock; every run prints its own)")
)

// A node that is killed at any moment has kept everything that it acknowledged, is whole, and goes on with what it was doing.
// The process is killed for good (SIGKILL); on PostgreSQL it is the node that dies, not the server.
func TestKill9(t *testing.T) {
	n, working := *kills, 1500*time.Millisecond
	if n == 0 {
		if testing.Short() {
			t.Skip("what processes do that are killed is not what the race detector sees")
		}
		n, working = 10, 400*time.Millisecond
	}
	t.Run("sqlite", func(t *testing.T) { killMany(t, n, working, true, func() string { return "" }) })
	t.Run("postgres", func(t *testing.T) { killMany(t, n, working, false, func() string { return storetest.Postgres(t) }) })
}

// phases are where the worker may be when it is killed: after which of its words, and within how long.
var phases = []struct {
	name   string
	after  string
	within func(c *crashes) time.Duration
	weight int
}{
	{"opening", "start", func(c *crashes) time.Duration { return c.opening * 5 / 4 }, 3},
	{"working", "ready", func(c *crashes) time.Duration { return c.working }, 6},
	{"closing", "closing", func(c *crashes) time.Duration { return 60 * time.Millisecond }, 1},
}

// perLife is how often one list is killed before it may end in peace and the next is founded.
const perLife = 10

// crashes is a run of kills.
type crashes struct {
	t       *testing.T
	rnd     *rand.Rand
	copied  bool          // what is examined is a copy, so that the next run starts from the very files that the kill left
	opening time.Duration // from a worker's start to its ready, as last measured
	working time.Duration // how long a worker works at most
	sources []string      // archives that follow each other in time
	tally   struct {
		kills, lists, leaves, documents, checkpoints, resumed int
		during                                                map[string]int
	}
}

// killMany kills n times, on stores that dsn makes.
func killMany(t *testing.T, n int, working time.Duration, copied bool, dsn func() string) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	c := &crashes{t: t, rnd: rand.New(rand.NewPCG(seed, 9)), copied: copied, opening: 300 * time.Millisecond, working: working}
	c.tally.during = map[string]int{}
	address := dsn() // skips here where there is no server
	c.sources = crashSources(t, perLife+1, 240)
	for started := time.Now(); ; address = dsn() {
		c.life(address, min(n-c.tally.kills, perLife))
		s := c.tally
		t.Logf("%d kills %v of %d lists in %s; acknowledged and found again: %d leaves, %d imported documents, %d checkpoints; %d interrupted imports went on",
			s.kills, s.during, s.lists, time.Since(started).Round(time.Second), s.leaves, s.documents, s.checkpoints, s.resumed)
		if s.kills >= n {
			return
		}
	}
}

// life founds a list, kills its node n times, each time at work, and lets the last run end in peace.
func (c *crashes) life(address string, n int) {
	t, ctx := c.t, context.Background()
	b := newBook()
	job := crashJob{Dir: filepath.Join(t.TempDir(), "data"), Store: address, Source: c.sources[:1]}
	source, taken := 0, 0
	for k := range n {
		job.Run, job.Ahead = k+1, time.Duration(k)*time.Minute
		phase, delay := c.draw(k == 0)
		before := len(b.records)
		lines, err := c.run(job, phase, delay)
		if err != nil {
			t.Fatalf("run %d: %v", job.Run, err)
		}
		done := false
		for _, line := range lines {
			if err := b.enter(line); err != nil {
				t.Fatalf("run %d, killed while %s after %s: %v", job.Run, phases[phase].name, delay, err)
			}
			done = done || strings.HasPrefix(line, "imported ")
		}
		c.tally.kills++
		c.tally.during[phases[phase].name]++
		if err := c.examine(ctx, b, job, k%4 == 3); err != nil {
			t.Fatalf("run %d, killed while %s after %s:\n%v", job.Run, phases[phase].name, delay, err)
		}
		if done {
			if taken > 0 {
				c.tally.resumed++
			}
			source, taken = source+1, 0
			job.Source = c.sources[source : source+1]
		} else {
			taken += len(b.records) - before
		}
	}
	job.Run, job.Ahead = n+1, time.Duration(n)*time.Minute
	c.finish(ctx, b, job, taken)
	c.tally.lists++
	c.tally.leaves += len(b.leaves)
	c.tally.documents += len(b.records)
	c.tally.checkpoints += len(b.checkpoints)
}

// draw chooses when to kill. The first run of a list is killed while it is founded, every other time.
func (c *crashes) draw(first bool) (phase int, delay time.Duration) {
	if !first || c.rnd.IntN(2) == 0 {
		sum := 0
		for _, p := range phases {
			sum += p.weight
		}
		for at := c.rnd.IntN(sum); at >= phases[phase].weight; phase++ {
			at -= phases[phase].weight
		}
	}
	return phase, time.Duration(c.rnd.Int64N(int64(phases[phase].within(c))))
}

// run starts a worker, kills it at the given moment (phase < 0: lets it finish its import and end), and returns what it said.
func (c *crashes) run(job crashJob, phase int, delay time.Duration) ([]string, error) {
	cmd, stdin, out, err := startWorker(job)
	if err != nil {
		return nil, err
	}
	defer cmd.Wait() //nolint:errcheck // again, after an early return
	began := time.Now()
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	kill := func() { _ = cmd.Process.Kill() }
	var all bytes.Buffer
	var rest [32 << 10]byte
	seen := 0
	for {
		n, rerr := out.Read(rest[:])
		all.Write(rest[:n])
		lines := said(all.Bytes())
		for ; seen < len(lines); seen++ {
			verb, _, _ := strings.Cut(lines[seen], " ")
			if verb == "ready" && began.Add(time.Minute).After(time.Now()) {
				c.opening = time.Since(began)
			}
			switch {
			case phase >= 0 && verb == phases[phase].after:
				time.AfterFunc(delay, kill)
			case phase < 0 && verb == "imported", phase >= 0 && verb == "ready" && phases[phase].after == "closing":
				time.AfterFunc(delay*5, func() { _ = stdin.Close() })
			}
		}
		if rerr != nil {
			break
		}
	}
	err = cmd.Wait()
	lines := said(all.Bytes())
	var exit *exec.ExitError
	if phase < 0 {
		if err != nil {
			return nil, fmt.Errorf("the run that nobody killed: %w: %s", err, lines[max(0, len(lines)-1):])
		}
	} else if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return lines, nil
}

// startWorker starts this test binary as a worker. Its output ends when it does.
func startWorker(job crashJob) (*exec.Cmd, io.WriteCloser, io.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	raw, err := json.Marshal(job)
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.Command(self)
	cmd.Args = []string{crashWorkerName}
	cmd.Env = append(os.Environ(), crashEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return cmd, stdin, out, cmd.Start()
}

// examine holds what the kill left to the book.
func (c *crashes) examine(ctx context.Context, b *book, job crashJob, deep bool) error {
	if c.copied {
		dir := quickDir(c.t)
		defer os.RemoveAll(dir)
		if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(job.Dir)); err != nil {
			// A run that was killed before it did anything leaves nothing.
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if mark, err := os.ReadFile(job.Dir + ".highwater"); err == nil {
			if err := os.WriteFile(filepath.Join(dir, "data.highwater"), mark, 0o600); err != nil {
				return err
			}
		}
		job.Dir = filepath.Join(dir, "data")
	}
	job.Ahead += 30 * time.Second
	_, err := b.examine(ctx, job, deep)
	return err
}

// finish lets a run end in peace: the import that was interrupted is complete then, and importing again changes nothing.
func (c *crashes) finish(ctx context.Context, b *book, job crashJob, taken int) {
	t := c.t
	lines, err := c.run(job, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	var added, updated, unchanged, files int
	for _, line := range lines {
		if err := b.enter(line); err != nil {
			t.Fatalf("last run: %v", err)
		}
		_, _ = fmt.Sscanf(line, "imported %d %d %d %d", &added, &updated, &unchanged, &files)
	}
	if files == 0 || added+updated+unchanged != files || unchanged < taken {
		t.Fatalf("the interrupted import went on to %d added, %d updated, %d unchanged of %d files; %d had been acknowledged before",
			added, updated, unchanged, files, taken)
	}
	if taken > 0 {
		c.tally.resumed++
	}
	job.Ahead += 30 * time.Second
	before, err := b.examine(ctx, job, true)
	if err != nil {
		t.Fatalf("after the end:\n%v", err)
	}
	job.Run, job.Ahead = job.Run+1, job.Ahead+30*time.Second
	dir, err := openDataDir(job.Dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	n, err := openNode(ctx, job.setup(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	// The writers' records came after the import's note; the first import notes them, if it did not before. The second adds nothing.
	sum, err := n.Import(ctx, ImportRequest{Paths: job.Source}, nil, quiet{})
	if err == nil && sum.Size == before+1 {
		before++
		sum, err = n.Import(ctx, ImportRequest{Paths: job.Source}, nil, quiet{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum.Unchanged != int64(files) || sum.Size != before {
		t.Errorf("another import of the same: %d of %d unchanged, log grew from %d to %d leaves:", sum.Unchanged, files, before, sum.Size)
		err := n.db.View(ctx, func(tx *store.Tx) error {
			return n.ledger.Scan(ctx, tx, before-1, func(index int64, leaf []byte, _ *ledger.Body) error {
				t.Logf("leaf %d: %s", index, leaf)
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// quickDir is a new folder in memory where there is such a thing, for copies that live for one check.
func quickDir(t testing.TB) string {
	parent := ""
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "tasuki-crash-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var dateUpdated = regexp.MustCompile(`"dateUpdated"\s*:\s*"[^"]*"`)

// crashSources writes n archives of the same real records, each a little newer than the one before, so that every import
// of one has leaves to write.
func crashSources(t *testing.T, n, records int) []string {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(sampleZip), int64(len(sampleZip)))
	if err != nil {
		t.Fatal(err)
	}
	type file struct {
		name string
		raw  []byte
	}
	var files []file
	for _, f := range in.File {
		if !strings.HasSuffix(f.Name, ".json") || len(files) == records {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		files = append(files, file{f.Name, raw})
	}
	if len(files) != records {
		t.Fatalf("the sample holds %d records, %d are wanted", len(files), records)
	}
	var out []string
	dir := t.TempDir()
	for i := range n {
		name := filepath.Join(dir, fmt.Sprintf("source-%d.zip", i))
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		when := fmt.Sprintf(`"dateUpdated":"2030-01-%02dT00:00:00.000Z"`, i+1)
		for _, g := range files {
			w, err := z.Create(g.name)
			if err == nil {
				_, err = w.Write(dateUpdated.ReplaceAll(g.raw, []byte(when)))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	return out
}

// The book has to notice what it is there for.
func TestTheBookFindsWhatIsMissing(t *testing.T) {
	ctx := context.Background()
	job := crashJob{Dir: filepath.Join(t.TempDir(), "data"), Run: 1, Writes: 8}
	b := newBook()
	for _, line := range undisturbed(t, job) {
		if err := b.enter(line); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.leaves) < 3*crashWriters || len(b.private) == 0 || len(b.never) == 0 || len(b.checkpoints) == 0 {
		t.Fatalf("the worker acknowledged too little: %d leaves, %d private, %d refused, %d checkpoints", len(b.leaves), len(b.private),
			len(b.never), len(b.checkpoints))
	}
	job.Ahead = time.Minute
	size, err := b.examine(ctx, job, true)
	if err != nil {
		t.Fatalf("an undisturbed run: %v", err)
	}
	var note string
	for n := range b.checkpoints {
		note = n
	}
	for name, spoil := range map[string]func(*book){
		"a leaf that is not there": func(b *book) { b.leaves[size] = strings.Repeat("0", 64) },
		"a leaf with other bytes":  func(b *book) { b.leaves[1] = strings.Repeat("0", 64) },
		"a private body":           func(b *book) { b.private[size-1] = strings.Repeat("0", 64) },
		"a document":               func(b *book) { b.records["CVE-2031-1 "+strings.Repeat("0", 64)] = true },
		"a refused command's leaf": func(b *book) { b.never[fmt.Sprintf("CVE-2031-%d", 1_000_000+1000*10_000)] = true },
		"another list":             func(b *book) { b.list = strings.Repeat("0", 64) },
		"a forged checkpoint":      func(b *book) { b.checkpoints[strings.Replace(note, "\n", "0\n", 1)] = true },
	} {
		worse := b.clone()
		spoil(worse)
		if _, err := worse.examine(ctx, job, false); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// undisturbed runs a worker to its end and returns what it said.
func undisturbed(t *testing.T, job crashJob) []string {
	t.Helper()
	cmd, stdin, out, err := startWorker(job)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	text, err := io.ReadAll(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return said(text)
}
