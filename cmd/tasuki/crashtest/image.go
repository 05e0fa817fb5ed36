package crashtest

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// A cut is a moment at which the power goes: before that line of the recording.

// Cuts are the moments between which what was asked of the disk changes: the prefixes.
func (d *Disk) Cuts() []int {
	var out []int
	for _, o := range d.ops {
		out = append(out, o.start+1)
	}
	return compact(out)
}

// Certain are the moments at which something is forced to the disk, and those right before: there the least is certain of
// what was asked for.
func (d *Disk) Certain() []int {
	var out []int
	for _, s := range d.synced {
		out = append(out, s-1, s)
	}
	return compact(out)
}

func compact(n []int) []int {
	slices.Sort(n)
	return slices.Compact(n)
}

// Unsynced counts the writes and resizes asked for before cut of which it is not certain that they are on the disk.
func (d *Disk) Unsynced(cut int) int {
	n := 0
	for _, o := range d.ops {
		if o.start < cut && o.durable > cut && o.kind != opEntries {
			n++
		}
	}
	return n
}

// Touched are the moments of writes to the files that had this name (without its folder) last.
func (d *Disk) Touched(name string) []int {
	var out []int
	for _, o := range d.ops {
		if o.kind == opWrite && filepath.Base(d.names[o.node]) == name {
			out = append(out, o.start)
		}
	}
	return out
}

// Ops counts writes and resizes, changes of names, and syncs.
func (d *Disk) Ops() (writes, names, syncs int) {
	for _, o := range d.ops {
		if o.kind == opEntries {
			names++
		} else {
			writes++
		}
	}
	return writes, names, len(d.synced)
}

// Keep decides what of the uncertain survives.
type Keep interface {
	// Entry decides about a change of a folder's entries.
	Entry() bool
	// Sector decides about one sector of a write.
	Sector() bool
	// Resize decides about a change of a file's length; also whether a file that grew kept its length where its bytes were lost.
	Resize() bool
}

// All keeps everything: the process died, the machine did not. None keeps only what is certain.
var (
	All  Keep = always(true)
	None Keep = always(false)
)

type always bool

func (a always) Entry() bool  { return bool(a) }
func (a always) Sector() bool { return bool(a) }
func (a always) Resize() bool { return bool(a) }

// Dice keeps each thing with a probability, drawn from rnd: one for entries and one for bytes, themselves drawn so that
// nearly all and nearly nothing are as frequent as half. With ordered, changed entries reach the disk in their order, as on
// a file system that keeps a journal.
func Dice(rnd *rand.Rand, ordered bool) Keep {
	odds := []float64{0, 0.02, 0.2, 0.5, 0.8, 0.98, 1}
	return &dice{rnd: rnd, entries: odds[rnd.IntN(len(odds))], bytes: odds[rnd.IntN(len(odds))], ordered: ordered}
}

type dice struct {
	rnd            *rand.Rand
	entries, bytes float64
	ordered, over  bool
}

func (d *dice) Entry() bool {
	if d.ordered && d.over {
		return false
	}
	keep := d.rnd.Float64() < d.entries
	d.over = !keep
	return keep
}
func (d *dice) Sector() bool { return d.rnd.Float64() < d.bytes }
func (d *dice) Resize() bool { return d.rnd.Float64() < d.bytes }

// Image is what a disk holds.
type Image struct {
	files   map[int][]byte
	entries map[int]map[string]int
	folder  []bool
}

// Image is the disk after a cut, with of the uncertain what keep keeps.
func (d *Disk) Image(cut int, keep Keep) *Image {
	im := &Image{files: map[int][]byte{}, entries: map[int]map[string]int{}, folder: d.folder}
	for node, size := range d.largest {
		im.files[node] = make([]byte, 0, size)
	}
	for i := range d.ops {
		o := &d.ops[i]
		if o.start >= cut {
			continue
		}
		certain := o.durable <= cut
		switch o.kind {
		case opEntries:
			if certain || keep.Entry() {
				im.enter(o.entries)
			}
		case opResize:
			if certain || keep.Resize() {
				im.files[o.node] = resized(im.files[o.node], o.off)
			}
		case opWrite:
			if certain {
				im.write(o.node, o.off, o.data)
				continue
			}
			im.torn(o, keep)
		}
	}
	return im
}

// torn writes the sectors of a write that keep keeps.
func (im *Image) torn(o *op, keep Keep) {
	for from := int64(0); from < int64(len(o.data)); {
		to := min((o.off+from)/sector*sector+sector-o.off, int64(len(o.data)))
		if keep.Sector() {
			im.write(o.node, o.off+from, o.data[from:to])
		}
		from = to
	}
	if end := o.off + int64(len(o.data)); end > int64(len(im.files[o.node])) && keep.Resize() {
		im.files[o.node] = resized(im.files[o.node], end)
	}
}

func (im *Image) write(node int, off int64, data []byte) {
	f := im.files[node]
	if end := off + int64(len(data)); end > int64(len(f)) {
		f = resized(f, end)
	}
	copy(f[off:], data)
	im.files[node] = f
}

func resized(f []byte, size int64) []byte {
	if size <= int64(len(f)) {
		return f[:size]
	}
	if size <= int64(cap(f)) {
		clear(f[len(f):size:size])
		return f[:size]
	}
	return append(f, make([]byte, size-int64(len(f)))...)
}

func (im *Image) enter(entries []entry) {
	for _, e := range entries {
		if im.entries[e.folder] == nil {
			im.entries[e.folder] = map[string]int{}
		}
		if e.node < 0 {
			delete(im.entries[e.folder], e.name)
		} else {
			im.entries[e.folder][e.name] = e.node
		}
	}
}

// WriteTo lays the image out below dir, an existing folder.
func (im *Image) WriteTo(dir string) error { return im.layOut(0, dir) }

func (im *Image) layOut(node int, dir string) error {
	for _, name := range slices.Sorted(maps.Keys(im.entries[node])) {
		child, path := im.entries[node][name], filepath.Join(dir, name)
		var err error
		if im.folder[child] {
			err = errors.Join(os.Mkdir(path, 0o700), im.layOut(child, path))
		} else {
			err = os.WriteFile(path, im.files[child], 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SaidBefore is what the process had begun to say when the power went.
func (d *Disk) SaidBefore(cut int) []byte {
	var out []byte
	for _, s := range d.Said {
		if s.Start < cut {
			out = append(out, s.Text...)
		}
	}
	return out
}
