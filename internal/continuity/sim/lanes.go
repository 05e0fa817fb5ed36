package sim

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"tasuki/internal/continuity/internal/mutant"
	"tasuki/internal/lane"
	"tasuki/spec/dsse"
)

// laneNode is an authority's own node: the real journal over files that a crash may tear and a backup may bring back.
type laneNode struct {
	n       *node
	files   laneFiles
	journal *lane.Journal
	life    int
}

// laneFiles are what is durable, what was appended and not synced, and the place.
type laneFiles struct {
	n       *node
	place   string
	mark    *lane.Mark
	durable map[string][]byte
	loose   map[string][]byte
}

func (f *laneFiles) crash() error {
	if f.n.w.crashes(f.n) {
		f.loose = map[string][]byte{}
		return errCrash
	}
	return nil
}

func (f *laneFiles) Read(name string) ([]byte, error) {
	d, ok := f.durable[name]
	l, loose := f.loose[name]
	if !ok && !loose {
		return nil, fs.ErrNotExist
	}
	return append(append([]byte(nil), d...), l...), nil
}

func (f *laneFiles) Append(name string, data []byte) error {
	f.loose[name] = append(f.loose[name], data...)
	return nil
}

func (f *laneFiles) Sync(name string) error {
	// A torn write: a part of what was appended reaches the disk, and then the machine stops.
	if f.n.w.crashes(f.n) {
		if l := f.loose[name]; len(l) > 0 {
			f.durable[name] = append(f.durable[name], l[:f.n.w.rng.IntN(len(l)+1)]...)
		}
		f.loose = map[string][]byte{}
		return errCrash
	}
	f.durable[name] = append(f.durable[name], f.loose[name]...)
	delete(f.loose, name)
	return nil
}

func (f *laneFiles) Replace(name string, data []byte) error {
	if err := f.crash(); err != nil {
		return err
	}
	f.durable[name] = append([]byte(nil), data...)
	delete(f.loose, name)
	return nil
}

func (f *laneFiles) Remove(name string) error {
	delete(f.durable, name)
	delete(f.loose, name)
	return nil
}

func (f *laneFiles) List(folder string) (names []string, err error) {
	for name := range f.durable {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			names = append(names, rest)
		}
	}
	sort.Strings(names)
	return names, nil
}

func (f *laneFiles) ID() (string, error) { return f.place, nil }

func (f *laneFiles) Mark() (lane.Mark, bool, error) {
	if f.mark == nil {
		return lane.Mark{}, false, nil
	}
	return *f.mark, true, nil
}

func (f *laneFiles) SetMark(m lane.Mark) error {
	if err := f.crash(); err != nil {
		return err
	}
	f.mark = &m
	return nil
}

func newLaneNode(n *node) *laneNode {
	l := &laneNode{n: n, files: laneFiles{n: n, place: n.name + "p1", durable: map[string][]byte{}, loose: map[string][]byte{}}}
	return l
}

func (l *laneNode) key(life int) string { return dsse.EncodeKey(public(seed("lane "+l.n.name, life))) }

func (l *laneNode) env() lane.Env {
	var draw [32]byte
	copy(draw[:], strconv.FormatUint(l.n.w.rng.Uint64(), 16))
	return lane.Env{Disk: &l.files, Place: &l.files, Now: l.n.clock, Rand: rand.NewChaCha8(draw)}
}

// open begins the journal, or goes on with it after a crash.
func (l *laneNode) open() error {
	if l.journal != nil && l.life == l.n.life {
		return nil
	}
	l.life = l.n.life
	var err error
	l.journal, err = lane.Open(l.env())
	if errors.Is(err, fs.ErrNotExist) && l.files.mark == nil {
		c := lane.Config{Scheme: "CVE", List: "9c1f00aa5d77e013", Org: l.n.name, Node: "node", Key: l.key(1)}
		if l.journal, err = lane.Init(l.env(), c); err == nil {
			err = l.journal.AddBlock(l.block(1))
		}
	}
	if err != nil {
		l.journal = nil
	}
	return err
}

// block is what the list has granted to a life of this author's journal; blocks of two authors are disjoint.
func (l *laneNode) block(life int) lane.Block {
	first := int64(20_000 + 10_000*l.n.id + 1_000*life)
	return lane.Block{Year: 2026, First: first, Last: first + 399, Lane: 100, Key: l.key(life)}
}

func (l *laneNode) assign() (string, bool) {
	if err := l.open(); err != nil {
		l.n.trouble("lane", err)
		return "", false
	}
	if len(l.journal.Blocks()) == 0 {
		if err := l.journal.AddBlock(l.block(1)); err != nil {
			l.n.trouble("block", err)
			return "", false
		}
	}
	r := lane.Request{Year: 2026, Amount: 1, Batch: lane.Sequential}
	if l.n.w.chance(20) {
		r.Batch = lane.NonSequential
	}
	got, err := l.journal.Assign(r)
	if err != nil {
		l.journal = nil
		l.n.trouble("assign", err)
		return "", false
	}
	return got[0].ID, true
}

// backup copies the folder, as somebody does every night.
func (l *laneNode) backup() map[string][]byte { return maps.Clone(l.files.durable) }

// restore brings a copy back: on the same machine, or on another one. A copy is refused, and the journal goes on in lanes of its own.
func (l *laneNode) restore(files map[string][]byte, elsewhere bool) {
	w := l.n.w
	if len(files) == 0 {
		return
	}
	l.files.durable, l.files.loose, l.journal = maps.Clone(files), map[string][]byte{}, nil
	if elsewhere {
		l.files.place, l.files.mark = l.n.name+"p2", nil
	}
	if w.off(mutant.LaneRestored) {
		// Nothing outside the folder says that it is a copy.
		l.files.place, l.files.mark = l.n.name+"p1", nil
		if j, err := lane.Open(l.env()); err == nil {
			l.journal = j
			return
		}
		raw, _ := l.files.Read("journal")
		l.files.mark = markOf(raw)
		w.say("%s goes on with a copy of its journal", l.n.name)
		return
	}
	_, err := lane.Open(l.env())
	w.say("%s brings a copy of its journal back: %v", l.n.name, err)
	if !errors.Is(err, lane.ErrCloned) {
		return // the copy is the journal itself
	}
	j, _, err := lane.Restore(l.env(), l.key(2))
	if err != nil {
		l.n.trouble("restore", err)
		return
	}
	l.journal, l.life = j, l.n.life
}

// markOf is a mark that fits a journal: its number of lines and what the last ends with.
func markOf(raw []byte) *lane.Mark {
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	last := strings.Fields(lines[len(lines)-1])
	if len(last) == 0 {
		return nil
	}
	return &lane.Mark{Lines: int64(len(lines)), Check: last[len(last)-1]}
}
