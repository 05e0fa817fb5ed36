package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tasuki/cmd/tasuki/crashtest"
)

var subsets = flag.Int("subsets", 0, "how many random subsets of unsynced writes TestPowerLoss tries, beside every prefix (0: a few of both)")

// recordWorker runs a worker under strace on an empty folder and returns what it asked of the disk. The test is skipped where
// there is no strace or no permission to use it.
func recordWorker(t *testing.T, job crashJob, change func([]crashtest.Call) []crashtest.Call) *crashtest.Disk {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("recording needs strace, which is Linux's")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("recording needs strace (Debian: apt-get install strace)")
	}
	if out, err := exec.Command(strace, "-o", os.DevNull, "-f", "--seccomp-bpf", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
	// A folder on a real disk is not needed: what the disk would keep is computed.
	root := quickDir(t)
	defer os.RemoveAll(root)
	job.Dir = filepath.Join(root, "data")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	recording := filepath.Join(t.TempDir(), "recording")
	// The program goes by the name under which it is called.
	link := filepath.Join(t.TempDir(), crashWorkerName)
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, strace, append(slices.Clone(crashtest.Options), "-o", recording, link)...)
	cmd.Env = append(os.Environ(), crashEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	out, err := cmd.Output()
	if err != nil {
		lines := said(out)
		t.Fatalf("the recorded run: %v: %q", err, lines[max(0, len(lines)-1):])
	}
	f, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, err := crashtest.ReadTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		calls = change(calls)
	}
	// Shared memory is rebuilt by whoever opens the database first; its content is never read after a power loss.
	d, err := crashtest.Record(root, calls, func(path string) bool { return strings.HasSuffix(path, "-shm") })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// outage is one power cut: when, and what of the uncertain is kept.
type outage struct {
	cut  int
	keep crashtest.Keep
	name string
	deep bool
}

// suffer restores the power and starts the program on what the disk holds.
func (o outage) suffer(d *crashtest.Disk, job crashJob, dir string) error {
	b := newBook()
	for _, line := range said(d.SaidBefore(o.cut)) {
		if err := b.enter(line); err != nil {
			return err
		}
	}
	if err := d.Image(o.cut, o.keep).WriteTo(dir); err != nil {
		return err
	}
	job.Dir = filepath.Join(dir, "data")
	job.Ahead += time.Minute
	_, err := b.examine(context.Background(), job, o.deep)
	return err
}

// After a power cut at any moment the store opens, is whole, and holds everything acknowledged before it: whatever of the
// unsynced writes reached the disk. Each workload begins with the founding of a list.
func TestPowerLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("it traces a process, and brings up hundreds")
	}
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	t.Run("founding", func(t *testing.T) {
		job := crashJob{Run: 1, Writes: 1}
		d := record(t, job)
		before := func(cuts []int) []int { // and a little after
			ready := moment(t, d, "ready ") + 50
			return slices.DeleteFunc(cuts, func(cut int) bool { return cut > ready })
		}
		cuts, certain, few := before(d.Cuts()), before(d.Certain()), *subsets
		if *subsets == 0 {
			cuts, certain, few = every(cuts, 20), every(certain, 20), 40
		}
		sufferAll(t, d, job, outages(seed, cuts, certain, few))
	})
	// Founded, filled from all sides, closed, opened again.
	t.Run("two openings", func(t *testing.T) {
		job := crashJob{Run: 1, Writes: 12, Opens: 2, Source: crashSources(t, 2, 60)}
		d := record(t, job)
		cuts, certain, few := d.Cuts(), d.Certain(), *subsets*6/10
		if *subsets == 0 {
			cuts, certain, few = every(cuts, 30), every(certain, 30), 40
		}
		sufferAll(t, d, job, outages(seed, cuts, certain, few))
	})
	// Enough for SQLite to fold its write-ahead log into the main file by itself and to begin the log anew, at work.
	t.Run("folding", func(t *testing.T) {
		if *subsets == 0 {
			t.Skip("takes minutes: make powerloss")
		}
		job := crashJob{Run: 1, Writes: 220, Source: crashSources(t, 1, 60)}
		d := record(t, job)
		first, last := folded(t, d)
		around := slices.DeleteFunc(d.Cuts(), func(cut int) bool { return cut < first-200 || cut > last+400 })
		sufferAll(t, d, job, outages(seed, around, every(d.Certain(), 400), *subsets-*subsets*6/10))
	})
}

func record(t *testing.T, job crashJob) *crashtest.Disk {
	t.Helper()
	d := recordWorker(t, job, nil)
	writes, names, syncs := d.Ops()
	t.Logf("recorded: %d writes, %d changes of names, %d syncs, %d lines said", writes, names, syncs, len(d.Said))
	return d
}

// folded says between which lines the main file was written while the node was at work.
func folded(t *testing.T, d *crashtest.Disk) (first, last int) {
	t.Helper()
	from, to := moment(t, d, "ready "), moment(t, d, "closing")
	touched := slices.DeleteFunc(d.Touched("tasuki.db"), func(at int) bool { return at < from || at > to })
	if len(touched) == 0 {
		t.Fatal("the log was never folded: the workload is too small")
	}
	return touched[0], touched[len(touched)-1]
}

// moment is where a line that begins so was said first.
func moment(t *testing.T, d *crashtest.Disk, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(d.Said, func(s crashtest.Said) bool { return strings.HasPrefix(s.Text, prefix) })
	if i < 0 {
		t.Fatalf("the worker never said %q", prefix)
	}
	return d.Said[i].Start
}

// every thins a list to about n, evenly.
func every(list []int, n int) []int {
	step := max(1, len(list)/n)
	var out []int
	for i := 0; i < len(list); i += step {
		out = append(out, list[i])
	}
	return out
}

// outages are power cuts: with everything asked for until then, with only what is certain, and with random subsets.
func outages(seed uint64, cuts, certain []int, subsets int) []outage {
	rnd := rand.New(rand.NewPCG(seed, 2))
	var all []outage
	for _, cut := range cuts {
		all = append(all, outage{cut: cut, keep: crashtest.All, name: "everything"})
	}
	for _, cut := range certain {
		all = append(all, outage{cut: cut, keep: crashtest.None, name: "only what is certain"})
	}
	for i := range subsets {
		// Half of the cuts fall where the least is certain: right before a sync returns.
		cut := cuts[rnd.IntN(len(cuts))]
		if i%2 == 0 {
			cut = certain[rnd.IntN(len(certain))]
		}
		own, ordered := rnd.Uint64(), i%4 < 2
		all = append(all, outage{cut: cut, keep: crashtest.Dice(rand.New(rand.NewPCG(own, 3)), ordered),
			name: fmt.Sprintf("subset %d (names in order: %v)", own, ordered), deep: i%20 == 0})
	}
	return all
}

func sufferAll(t *testing.T, d *crashtest.Disk, job crashJob, all []outage) {
	t.Helper()
	started := time.Now()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var done, failed, empty atomic.Int64
	for _, o := range all {
		group.Go(func() error {
			if failed.Load() > 20 {
				return nil
			}
			dir := quickDir(t)
			defer os.RemoveAll(dir)
			if err := o.suffer(d, job, dir); err != nil {
				failed.Add(1)
				t.Errorf("power lost before line %d of the recording, kept: %s:\n%v", o.cut+1, o.name, err)
			}
			if len(said(d.SaidBefore(o.cut))) < 2 {
				empty.Add(1)
			}
			if n := done.Add(1); n%500 == 0 {
				t.Logf("%d of %d power cuts after %s", n, len(all), time.Since(started).Round(time.Second))
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d power cuts (%d before anything was acknowledged) in %s: %d not survived", done.Load(), empty.Load(),
		time.Since(started).Round(time.Second), failed.Load())
}

// The test above would notice a store that acknowledges before it syncs: here the syncs after the opening are left out.
func TestPowerLossNoticesMissingSyncs(t *testing.T) {
	if testing.Short() {
		t.Skip("it traces a process, and brings up hundreds")
	}
	job := crashJob{Run: 1, Writes: 8}
	d := recordWorker(t, job, func(calls []crashtest.Call) []crashtest.Call {
		open := false
		return slices.DeleteFunc(calls, func(c crashtest.Call) bool {
			open = open || c.Name == "write" && len(c.Args) > 1 && strings.HasPrefix(c.Args[1], "ready ")
			return open && (c.Name == "fsync" || c.Name == "fdatasync")
		})
	})
	cuts := d.Cuts()
	o := outage{cut: cuts[len(cuts)-1], keep: crashtest.None}
	if err := o.suffer(d, job, quickFolder(t)); err == nil || !strings.Contains(err.Error(), "acknowledged") {
		t.Errorf("with nothing synced since the opening the book finds: %v", err)
	}
	o.keep = crashtest.All
	if err := o.suffer(d, job, quickFolder(t)); err != nil {
		t.Errorf("with every write on the disk: %v", err)
	}
}

func quickFolder(t *testing.T) string {
	dir := quickDir(t)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Migrations run on a connection of their own. When they say they are done, every byte they wrote is on the disk: nothing
// that comes later has to make it so.
func TestMigrationsAreSynced(t *testing.T) {
	d := recordWorker(t, crashJob{Schema: true}, nil)
	writes, _, syncs := d.Ops()
	if n := d.Unsynced(moment(t, d, "ready schema")); n > 0 || writes < 10 || syncs < 5 {
		t.Errorf("%d of %d writes are not on the disk (%d syncs)", n, writes, syncs)
	}
}
