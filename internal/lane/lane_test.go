package lane

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"tasuki/spec/dsse"
)

var start = time.Date(2026, 11, 21, 20, 59, 58, 0, time.UTC)

// nodeKey is the key of a journal's n-th life.
func nodeKey(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func public(n byte) string { return dsse.EncodeKey(nodeKey(n).Public().(ed25519.PublicKey)) }

func config() Config {
	return Config{Scheme: "CVE", List: "9c1f00aa5d77e013", Org: "acme", Node: "node-eu", Key: public(1)}
}

func env(d *disk, seed uint64) Env {
	var chacha [32]byte
	chacha[0], chacha[1] = byte(seed), byte(seed>>8)
	return Env{Disk: d, Place: d, Now: func() time.Time { return start }, Rand: rand.NewChaCha8(chacha), Secret: [32]byte{9}}
}

// disk keeps files in memory, tells what was written from what is durable, and loses its power at a chosen write.
type disk struct {
	place   string
	durable map[string][]byte
	written map[string][]byte // appended and not synced
	mark    *Mark

	fuse  int // writes until the power goes; −1: never
	inner *rand.Rand
}

var errPower = errors.New("the power is gone")

func newDisk(place string) *disk {
	return &disk{place: place, durable: map[string][]byte{}, written: map[string][]byte{}, fuse: -1}
}

// burn counts a write. At the one that the power goes at, half says whether it still happens.
func (d *disk) burn(do func()) error {
	switch {
	case d.fuse < 0:
		do()
		return nil
	case d.fuse == 0:
		return errPower
	}
	if d.fuse--; d.fuse == 0 {
		if d.inner.IntN(2) == 0 {
			do()
		}
		return errPower
	}
	do()
	return nil
}

func (d *disk) Read(name string) ([]byte, error) {
	a, ok := d.durable[name]
	b, ok2 := d.written[name]
	if !ok && !ok2 {
		return nil, fs.ErrNotExist
	}
	return slices.Concat(a, b), nil
}

func (d *disk) Append(name string, data []byte) error {
	return d.burn(func() { d.written[name] = append(d.written[name], data...) })
}

func (d *disk) Sync(name string) error {
	return d.burn(func() {
		d.durable[name] = append(d.durable[name], d.written[name]...)
		delete(d.written, name)
	})
}

func (d *disk) Replace(name string, data []byte) error {
	return d.burn(func() {
		d.durable[name] = slices.Clone(data)
		delete(d.written, name)
	})
}

func (d *disk) Remove(name string) error {
	return d.burn(func() {
		delete(d.durable, name)
		delete(d.written, name)
	})
}

func (d *disk) List(folder string) (out []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		if rest, ok := bytes.CutPrefix([]byte(name), []byte(folder+"/")); ok {
			out = append(out, string(rest))
		}
	}
	return out, nil
}

func (d *disk) ID() (string, error) { return d.place, nil }

func (d *disk) Mark() (Mark, bool, error) {
	if d.mark == nil {
		return Mark{}, false, nil
	}
	return *d.mark, true, nil
}

func (d *disk) SetMark(m Mark) error { return d.burn(func() { d.mark = &m }) }

// restart is what the machine finds: of what was not synced some first part, and after it perhaps bytes that nobody wrote.
func (d *disk) restart(r *rand.Rand) {
	for name, data := range d.written {
		keep := r.IntN(len(data) + 1)
		kept := slices.Clone(data[:keep])
		if r.IntN(3) == 0 {
			kept = append(kept, make([]byte, r.IntN(len(data)-keep+1))...)
		}
		d.durable[name] = append(d.durable[name], kept...)
	}
	d.written, d.fuse = map[string][]byte{}, -1
}

// copyTo is a backup of the folder's files, put back somewhere: what stands beside the folder is not in it.
func (d *disk) copyTo(place string) *disk {
	c := newDisk(place)
	for name, data := range d.durable {
		c.durable[name] = slices.Clone(data)
	}
	return c
}

func begin(t testing.TB, d *disk, blocks ...Block) *Journal {
	t.Helper()
	j, err := Init(env(d, 1), config())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if err := j.AddBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func assign(t testing.TB, j *Journal, year, amount int64, batch Batch) (ids []string) {
	t.Helper()
	got, err := j.Assign(Request{year, amount, batch})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range got {
		ids = append(ids, n.ID)
	}
	return ids
}

func block(year, first, last, lane int64) Block {
	return Block{Year: year, First: first, Last: last, Lane: lane, Key: public(1)}
}

func TestAssign(t *testing.T) {
	j := begin(t, newDisk("a"), block(2026, 310_001, 311_000, 100), block(2027, 30_001, 30_100, 100))
	if got := fmt.Sprint(assign(t, j, 2026, 1, Single), assign(t, j, 2026, 3, Sequential)); got != "[CVE-2026-310001] [CVE-2026-310002 CVE-2026-310003 CVE-2026-310004]" {
		t.Error(got)
	}
	// A lane that is too short is left for smaller requests.
	if ids := assign(t, j, 2026, 98, Sequential); ids[0] != "CVE-2026-310101" || ids[97] != "CVE-2026-310198" {
		t.Errorf("98 in a row: %s to %s", ids[0], ids[97])
	}
	if ids := assign(t, j, 2026, 1, Single); ids[0] != "CVE-2026-310005" {
		t.Error(ids)
	}
	scattered := assign(t, j, 2026, 10, NonSequential)
	if slices.IsSorted(scattered) || scattered[0] < "CVE-2026-310201" || scattered[0] > "CVE-2026-310300" {
		t.Errorf("not scattered over a lane of its own: %q", scattered)
	}
	if n := j.Free(2026); n != 800-4-98-1-10 { // two lanes of ten are kept for restores
		t.Errorf("%d left", n)
	}
	for name, r := range map[string]Request{
		"none": {2026, 0, Sequential}, "less": {2026, -1, Sequential}, "two of one": {2026, 2, Single}, "eleven scattered": {2026, 11, NonSequential},
		"too many": {2026, MaxAmount + 1, Sequential}, "another batch": {2026, 1, "random"},
	} {
		if _, err := j.Assign(r); !errors.Is(err, ErrAmount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, r := range []Request{{2025, 1, Single}, {2026, 688, Sequential}, {2027, 101, Sequential}} {
		if _, err := j.Assign(r); !errors.Is(err, ErrNoNumbers) {
			t.Errorf("%v: %v", r, err)
		}
	}
	if ids := assign(t, j, 2026, 687, Sequential); len(ids) != 687 || j.Free(2026) != 0 {
		t.Errorf("the rest: %d, %d left", len(ids), j.Free(2026))
	}
	if ids := assign(t, j, 2027, 100, Sequential); ids[99] != "CVE-2027-30100" { // a block of one lane keeps none back
		t.Error(ids[99])
	}
}

func TestBlocks(t *testing.T) {
	j := begin(t, newDisk("a"), block(2026, 1001, 2000, 100))
	if err := j.AddBlock(block(2026, 1001, 2000, 100)); err != nil || len(j.Blocks()) != 1 {
		t.Errorf("the same again: %v", err)
	}
	foreign := block(2026, 5001, 6000, 100)
	foreign.Key = public(2)
	for name, b := range map[string]Block{
		"overlap": block(2026, 2000, 3000, 100), "inside": block(2026, 1100, 1200, 100), "no number": block(2026, 0, 100, 100), "backwards": block(2026, 20, 10, 100),
		"small lanes": block(2026, 3001, 4000, 99), "large lanes": block(2026, 3001, 4000, 1001), "no year": block(26, 3001, 4000, 100), "another's": foreign,
	} {
		if err := j.AddBlock(b); !errors.Is(err, ErrBlock) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The journal goes on where it stood, and shows what it gave out.
func TestReopen(t *testing.T) {
	d := newDisk("a")
	j := begin(t, d, block(2026, 1001, 2000, 100))
	want := slices.Concat(assign(t, j, 2026, 5, Sequential), assign(t, j, 2026, 4, NonSequential), assign(t, j, 2026, 1, Single))
	again, err := Open(env(d, 1))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	again.Given(func(g Given, numbers []Number) {
		if !g.At.Equal(start) || g.Year != 2026 {
			t.Errorf("given %+v", g)
		}
		for _, n := range numbers {
			got = append(got, n.ID)
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("it gave %q and says %q", want, got)
	}
	if ids := assign(t, again, 2026, 1, Single); slices.Contains(want, ids[0]) {
		t.Errorf("%s again", ids[0])
	}
}

// What is not the journal that belongs here does not start.
func TestCopiesAreRefused(t *testing.T) {
	d := newDisk("a")
	j := begin(t, d, block(2026, 1001, 2000, 100))
	old := d.copyTo("a")
	assign(t, j, 2026, 1, Single)
	assign(t, j, 2026, 1, Single)

	moved := d.copyTo("b")
	moved.mark = d.mark
	unmarked := d.copyTo("a")
	older := old.copyTo("a") // the folder was put back from a backup; what stands beside it was not
	older.mark = d.mark
	other := old.copyTo("a") // and went on: as long, and not the same
	fork := env(other, 1)
	fork.Now = func() time.Time { return start.Add(time.Hour) }
	other.mark = &Mark{Lines: 2, Check: j.checks[1]}
	ahead, err := Open(fork)
	if err != nil {
		t.Fatal(err)
	}
	assign(t, ahead, 2026, 1, Single)
	assign(t, ahead, 2026, 1, Single)
	other.mark = d.mark
	for name, d := range map[string]*disk{"another machine": moved, "no mark": unmarked, "a backup": older, "a fork": other} {
		if _, err := Open(env(d, 1)); !errors.Is(err, ErrCloned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Init(env(d, 1), config()); !errors.Is(err, ErrExists) {
		t.Errorf("begun again: %v", err)
	}
	empty := newDisk("a")
	empty.mark = d.mark
	if _, err := Init(env(empty, 1), config()); !errors.Is(err, ErrCloned) {
		t.Errorf("begun where one was lost: %v", err)
	}
}

// However old the copy that is restored, and whatever the journal did since and goes on to do, no number is given out twice.
func TestRestoreOpensOtherLanes(t *testing.T) {
	d := newDisk("a")
	j := begin(t, d, block(2026, 1001, 2000, 100), block(2027, 1001, 1100, 100))
	seen := map[string]string{}
	give := func(who string, j *Journal, n int64, batch Batch) {
		t.Helper()
		for _, id := range assign(t, j, 2026, n, batch) {
			if was := seen[id]; was != "" {
				t.Fatalf("%s gives out %s, which %s gave out", who, id, was)
			}
			seen[id] = who
		}
	}
	give("first", j, 30, Sequential)
	copied := d.copyTo("b")
	give("first", j, 300, Sequential) // the copy knows nothing of it
	if _, _, err := Restore(env(copied, 2), public(1)); !errors.Is(err, ErrName) {
		t.Errorf("restored with the key of the old life: %v", err)
	}
	again, report, err := Restore(env(copied, 2), public(2))
	if err != nil {
		t.Fatal(err)
	}
	if report.Life != 2 || report.Burnt != 70 || report.Left != 200 || again.Free(2027) != 0 {
		t.Errorf("%+v", report)
	}
	give("restored", again, 120, Sequential)
	give("restored", again, 5, NonSequential)
	for _, n := range []int64{470, 0} { // the old one lives on to its end
		if n > 0 {
			give("first", j, n, Sequential)
		}
	}
	// A block that was granted to the old life, and came to the copy later.
	late := block(2026, 5001, 6000, 100)
	for _, j := range []*Journal{j, again} {
		if err := j.AddBlock(late); err != nil {
			t.Fatal(err)
		}
	}
	give("first", j, 800, Sequential)
	give("restored", again, 75+200, Sequential)
	// One that was granted to its own.
	fresh := block(2026, 7001, 8000, 100)
	fresh.Key = public(2)
	if err := j.AddBlock(fresh); !errors.Is(err, ErrBlock) {
		t.Errorf("the old life takes the new one's block: %v", err)
	}
	if err := again.AddBlock(fresh); err != nil {
		t.Fatal(err)
	}
	give("restored", again, 800, Sequential)
	// The restored one goes on after a restart, and is a journal like any other: a copy of it is refused.
	if _, err := Open(env(copied, 3)); err != nil {
		t.Error(err)
	}
	if _, err := Open(env(copied.copyTo("c"), 3)); !errors.Is(err, ErrCloned) {
		t.Errorf("a copy of the restored one: %v", err)
	}
}

// The power goes at every write in turn; whatever the disk kept of what was not synced, no number is told twice.
func TestPowerLoss(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	cuts, told, burnt := 0, 0, 0
	for seed := range uint64(rounds) {
		for fuse := 1; ; fuse++ {
			r := rand.New(rand.NewPCG(seed, uint64(fuse)))
			d := newDisk("a")
			d.inner = r
			j := begin(t, d, block(2026, 1001, 1500, 100), block(2027, 1001, 1100, 100))
			seen := map[string]bool{}
			work := func(j *Journal, n int) error {
				for range n {
					batch, amount := []Batch{Single, Sequential, NonSequential}[r.IntN(3)], int64(1)
					if batch != Single {
						amount += r.Int64N(9)
					}
					got, err := j.Assign(Request{2026, amount, batch})
					if err != nil {
						return err
					}
					for _, n := range got {
						if seen[n.ID] {
							t.Fatalf("seed %d, cut at write %d: %s was told twice", seed, fuse, n.ID)
						}
						seen[n.ID] = true
					}
				}
				return nil
			}
			d.fuse = fuse
			err := work(j, 4)
			if err == nil {
				break // every write of it was tried
			}
			if !errors.Is(err, ErrBroken) || !errors.Is(err, errPower) {
				t.Fatalf("seed %d, cut at write %d: %v", seed, fuse, err)
			}
			if _, err := j.Assign(Request{2026, 1, Single}); !errors.Is(err, ErrBroken) {
				t.Fatalf("a journal whose write went wrong gave out more: %v", err)
			}
			cuts++
			d.restart(r)
			again, err := Open(env(d, 1))
			if err != nil {
				t.Fatalf("seed %d, cut at write %d: %v", seed, fuse, err)
			}
			if err := work(again, 12); err != nil {
				t.Fatalf("seed %d, cut at write %d: %v", seed, fuse, err)
			}
			given := 0
			again.Given(func(_ Given, n []Number) { given += len(n) })
			told += len(seen)
			burnt += given - len(seen)
		}
	}
	if cuts < rounds*8 || burnt == 0 {
		t.Errorf("%d cuts, %d numbers told, %d burnt: the test tries too little", cuts, told, burnt)
	}
	t.Logf("%d cuts, %d numbers told once, %d burnt", cuts, told, burnt)
}

// A journal whose told lines are damaged does not go on as if they had never been.
func TestDamage(t *testing.T) {
	d := newDisk("a")
	j := begin(t, d, block(2026, 1001, 2000, 100))
	assign(t, j, 2026, 7, Sequential)
	whole := d.durable[journalFile]
	for at := range whole {
		d.durable[journalFile] = slices.Clone(whole)
		d.durable[journalFile][at] ^= 1
		if _, err := Open(env(d, 1)); !errors.Is(err, ErrCloned) && !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

// On a real folder: one process at a time, and a copy of the folder is refused.
func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node")
	open := func(path string) (*Folder, Env) {
		t.Helper()
		f, err := OpenFolder(path, true)
		if err != nil {
			t.Fatal(err)
		}
		return f, Env{Disk: f, Place: f, Now: time.Now, Rand: rand.NewChaCha8([32]byte{}), Secret: [32]byte{1}}
	}
	f, e := open(path)
	j, err := Init(e, config())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.AddBlock(block(2026, 1001, 2000, 100)); err != nil {
		t.Fatal(err)
	}
	first := assign(t, j, 2026, 3, Sequential)
	if _, err := OpenFolder(path, false); !errors.Is(err, ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f, e = open(path)
	if j, err = Open(e); err != nil {
		t.Fatal(err)
	}
	if ids := assign(t, j, 2026, 1, Single); slices.Contains(first, ids[0]) {
		t.Errorf("%s again", ids[0])
	}
	box := &Outbox{Disk: f}
	if err := box.Put([32]byte{1}, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// The whole folder and what stands beside it, at another place.
	copied := filepath.Join(t.TempDir(), "node")
	if err := os.CopyFS(copied, os.DirFS(path)); err != nil {
		t.Fatal(err)
	}
	mark, err := os.ReadFile(path + ".highwater")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied+".highwater", mark, 0o600); err != nil {
		t.Fatal(err)
	}
	f, e = open(copied)
	defer f.Close()
	if _, err := Open(e); !errors.Is(err, ErrCloned) {
		t.Errorf("a copy: %v", err)
	}
	j, _, err = Restore(e, public(2))
	if err != nil {
		t.Fatal(err)
	}
	if ids := assign(t, j, 2026, 1, Single); ids[0] < "CVE-2026-1801" {
		t.Errorf("a restored journal gives %s", ids[0])
	}
	if items, err := (&Outbox{Disk: f}).Waiting(); err != nil || len(items) != 1 {
		t.Errorf("the outbox of a copy: %d items, %v", len(items), err)
	}
	if _, err := OpenFolder(filepath.Join(path, "nothing"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func BenchmarkAssign(b *testing.B) {
	f, err := OpenFolder(filepath.Join(b.TempDir(), "node"), true)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	j, err := Init(Env{Disk: f, Place: f, Now: time.Now, Rand: rand.NewChaCha8([32]byte{})}, config())
	if err != nil {
		b.Fatal(err)
	}
	if err := j.AddBlock(block(2026, 100_001, 20_100_000, 1000)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		assign(b, j, 2026, 1, Single)
	}
}

// Whatever a journal gives out it said before that it may, and of what it has given it says so no more; after a restore the same holds for the life that goes
// on, and what the lost one may have given since the backup is free to be published.
func TestMayGive(t *testing.T) {
	d := newDisk("a")
	j := begin(t, d, block(2026, 1001, 2000, 100))
	assign(t, j, 2026, 7, Sequential)
	assign(t, j, 2026, 4, NonSequential)
	law := func(j *Journal) {
		t.Helper()
		may := map[string]bool{}
		for n := int64(1001); n <= 2000; n++ {
			may[Scheme("CVE").ID(2026, n)] = j.MayGive(2026, n)
		}
		j.Given(func(_ Given, numbers []Number) {
			for _, n := range numbers {
				if may[n.ID] {
					t.Errorf("%s was given and may be given", n.ID)
				}
			}
		})
		for j.Free(2026) > 0 {
			for _, id := range assign(t, j, 2026, 1, Single) {
				if !may[id] {
					t.Errorf("%s was given, and could not be", id)
				}
			}
		}
	}
	backup := d.copyTo("b")
	since := assign(t, j, 2026, 90, Sequential)
	law(j)
	restored, _, err := Restore(env(backup, 2), public(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range since {
		if n, _ := strconv.ParseInt(id[len("CVE-2026-"):], 10, 64); restored.MayGive(2026, n) {
			t.Errorf("%s was given by the lost journal, and nobody could publish it", id)
		}
	}
	law(restored)
	for _, n := range []int64{1000, 2001} {
		if j.MayGive(2026, n) || j.MayGive(2025, 1500) {
			t.Errorf("%d is none of its numbers", n)
		}
	}
}
