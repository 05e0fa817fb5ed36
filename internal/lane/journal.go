package lane

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"
)

const journalFile = "journal"

// Config is what a journal is begun with.
type Config struct {
	Scheme Scheme
	List   string // first 16 hex digits of the list id
	Org    string // short name of the authority
	Node   string // the authority's own name for this node
	Key    string // public key of this life: blocks are granted to it, receipts signed with it; base64
}

func (c Config) check() error {
	if err := c.Scheme.check(); err != nil {
		return err
	}
	if !isListID(c.List) || !isName(c.Org) || !isName(c.Node) || !isKey(c.Key) {
		return fmt.Errorf("%w: list, organisation, node or key", ErrName)
	}
	return nil
}

// Env is the world of a journal.
type Env struct {
	Disk  Disk
	Place Place
	Now   func() time.Time
	Rand  io.Reader // draws a restored journal's lanes
	// Secret keys the order of scattered lanes.
	Secret [32]byte
}

// Journal gives out numbers. It is safe for concurrent use; that no other process has one on the same folder is the folder's lock's
// business.
type Journal struct {
	env Env

	mu     sync.Mutex
	config Config
	blocks []Block
	lanes  []*Lane // opened, oldest first
	opened map[int64]*Lane
	given  []Given
	keys   []string // of its lives, the present one last
	place  string
	checks []string // that each line ends with
	broken error
}

// Given is one act of giving numbers out, as the journal has it.
type Given struct {
	At    time.Time
	Batch Batch
	Year  int64
	Spans []Span
}

// Span is some numbers of a lane: the first of them, counted from 0 in the order in which the lane gives them, and how many.
type Span struct{ Lane, From, Count int64 }

// Batch is how numbers are chosen.
type Batch string

// The batches, by CVE Services' names.
const (
	Single        Batch = "single" // one
	Sequential    Batch = "sequential"
	NonSequential Batch = "non-sequential"
)

// Request asks for numbers.
type Request struct {
	Year   int64
	Amount int64
	Batch  Batch
}

// Init begins a journal in a folder without one: ErrExists, ErrName.
func Init(env Env, c Config) (*Journal, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, err := env.Disk.Read(journalFile); err == nil {
		return nil, ErrExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A mark without a journal is what is left where a journal was lost: its numbers are out.
	if _, ok, err := env.Place.Mark(); err != nil || ok {
		return nil, errors.Join(err, fmt.Errorf("%w: beside the folder stands how far a journal had come that is gone", ErrCloned))
	}
	place, err := env.Place.ID()
	if err != nil {
		return nil, err
	}
	j := &Journal{env: env, opened: map[int64]*Lane{}}
	return j, j.write(entry{kind: kindInit, config: c, place: place})
}

// Open goes on with a journal: ErrCloned, ErrDamaged, fs.ErrNotExist. A last line that was cut off while it was written is dropped;
// nothing of it was told.
func Open(env Env) (*Journal, error) {
	j, err := load(env)
	if err != nil {
		return nil, err
	}
	place, err := env.Place.ID()
	if err != nil {
		return nil, err
	}
	if j.place != place {
		return nil, fmt.Errorf("%w (it belongs to another machine or folder)", ErrCloned)
	}
	mark, ok, err := env.Place.Mark()
	switch {
	case err != nil:
		return nil, err
	case !ok && len(j.checks) > 1: // the very first mark may have been lost with the power
		return nil, fmt.Errorf("%w (the mark beside the folder is gone)", ErrCloned)
	case ok && !j.passed(mark):
		return nil, fmt.Errorf("%w (it had come further)", ErrCloned)
	}
	return j, j.settle()
}

// Restored is what a restore left behind.
type Restored struct {
	Life   int64 // of the journal now
	Closed []Lane
	Burnt  int64 // numbers of closed lanes that nobody may get any more
	Left   int64 // numbers that this life may give out
}

// Restore takes a copy of a journal over: every lane that it had is closed for good, and what it gives out from now on comes from
// lanes that only restored journals open. It belongs to this place from then on. key is the public key of the new life: an old one
// would be granted blocks that the journal this is a copy of gives out, too.
func Restore(env Env, key string) (*Journal, Restored, error) {
	j, err := load(env)
	if err != nil {
		return nil, Restored{}, err
	}
	place, err := env.Place.ID()
	if err != nil {
		return nil, Restored{}, err
	}
	if !isKey(key) || slices.Contains(j.keys, key) {
		return nil, Restored{}, fmt.Errorf("%w: a restored journal has a key of its own", ErrName)
	}
	r := Restored{Life: int64(len(j.keys)) + 1}
	for _, l := range j.lanes {
		if left := l.Left(); left > 0 {
			r.Closed = append(r.Closed, *l)
			r.Burnt += left
		}
	}
	if err := j.settle(); err != nil {
		return nil, r, err
	}
	if err := j.write(entry{kind: kindRestore, config: Config{Key: key}, place: place}); err != nil {
		return nil, r, err
	}
	for _, year := range j.years() {
		r.Left += j.free(year)
	}
	return j, r, nil
}

// load reads the journal without asking whether it may go on.
func load(env Env) (*Journal, error) {
	raw, err := env.Disk.Read(journalFile)
	if err != nil {
		return nil, err
	}
	j := &Journal{env: env, opened: map[int64]*Lane{}}
	entries, _ := parseJournal(raw)
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: it has no first line", ErrDamaged)
	}
	for _, e := range entries {
		if err := j.fold(e); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// passed says whether the journal has the marked line.
func (j *Journal) passed(m Mark) bool {
	return m.Lines >= 1 && m.Lines <= int64(len(j.checks)) && j.checks[m.Lines-1] == m.Check
}

// settle writes the journal's lines anew when a cut one stands at the end, so that the next begins on a line of its own.
func (j *Journal) settle() error {
	raw, err := j.env.Disk.Read(journalFile)
	if err != nil {
		return err
	}
	if _, whole := parseJournal(raw); whole < len(raw) {
		return j.env.Disk.Replace(journalFile, raw[:whole])
	}
	// What was read may be in memory only: it counts as told from here on.
	return j.env.Disk.Sync(journalFile)
}

// AddBlock takes a granted block in: ErrBlock for one that overlaps another or was granted to a key that is not the journal's. The same
// block again changes nothing.
func (j *Journal) AddBlock(b Block) error {
	if b.Lane == 0 {
		b.Lane = DefaultLane
	}
	if err := b.check(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.keys, b.Key) {
		return fmt.Errorf("%w: %s was granted to another key", ErrBlock, b)
	}
	for _, have := range j.blocks {
		if have.Year == b.Year && have.First == b.First && have.Last == b.Last {
			return nil
		}
		if have.overlaps(b) {
			return fmt.Errorf("%w: %s overlaps %s", ErrBlock, b, have)
		}
	}
	return j.write(entry{kind: kindBlock, block: b})
}

// Assign gives out numbers: ErrAmount, ErrNoNumbers, ErrBroken. When it returns, they are the caller's: whatever happens to this
// machine, nobody else gets them.
func (j *Journal) Assign(r Request) ([]Number, error) {
	_, numbers, err := j.Give(r)
	return numbers, err
}

// Give is Assign, and tells what the journal wrote down: when, above all.
func (j *Journal) Give(r Request) (given Given, numbers []Number, err error) {
	switch {
	case r.Amount < 1 || r.Amount > MaxAmount, r.Batch == Single && r.Amount != 1:
		return given, nil, fmt.Errorf("%w: %d", ErrAmount, r.Amount)
	case r.Batch == NonSequential && r.Amount > MaxScattered:
		return given, nil, fmt.Errorf("%w: at most %d non-sequential numbers at a time", ErrAmount, MaxScattered)
	case r.Batch != Single && r.Batch != Sequential && r.Batch != NonSequential:
		return given, nil, fmt.Errorf("%w: no batch is called %q", ErrAmount, r.Batch)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return given, nil, fmt.Errorf("%w: %w", ErrBroken, j.broken)
	}
	spans, opened, err := j.choose(r)
	if err != nil {
		return given, nil, err
	}
	given = Given{At: j.env.Now().UTC().Truncate(time.Second), Batch: r.Batch, Year: r.Year, Spans: spans}
	var entries []entry
	for _, l := range opened {
		entries = append(entries, entry{kind: kindLane, lane: *l})
	}
	if err := j.write(append(entries, entry{kind: kindGive, given: given})...); err != nil {
		return given, nil, err
	}
	return given, j.numbers(given), nil
}

// write appends lines, makes them durable, and marks them; then they count. Whatever goes wrong in between leaves a journal that does
// nothing more, for nobody knows what is on disk.
func (j *Journal) write(entries ...entry) error {
	if j.broken != nil {
		return fmt.Errorf("%w: %w", ErrBroken, j.broken)
	}
	var text []byte
	check := ""
	if n := len(j.checks); n > 0 {
		check = j.checks[n-1]
	}
	for i := range entries {
		text = entries[i].append(text, check)
		check = entries[i].check
	}
	err := j.env.Disk.Append(journalFile, text)
	if err == nil {
		err = j.env.Disk.Sync(journalFile)
	}
	if err == nil {
		err = j.env.Place.SetMark(Mark{Lines: int64(len(j.checks) + len(entries)), Check: check})
	}
	if err != nil {
		j.broken = err
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	for _, e := range entries {
		if err := j.fold(e); err != nil {
			j.broken = err
			return err
		}
	}
	return nil
}

// Config is what the journal was begun with; its Key is the present life's.
func (j *Journal) Config() Config {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.config
	c.Key = j.keys[len(j.keys)-1]
	return c
}

// Life counts from 1; each restore is another.
func (j *Journal) Life() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(len(j.keys))
}

// Keys are the public keys of the journal's lives, the present one last.
func (j *Journal) Keys() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.keys)
}

// Blocks are the granted blocks, in the order they came.
func (j *Journal) Blocks() []Block {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.blocks)
}

// Lanes are the lanes that were opened, oldest first.
func (j *Journal) Lanes() (out []Lane) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lanes {
		out = append(out, *l)
	}
	return out
}

// Given is everything that was given out, oldest first, with the numbers.
func (j *Journal) Given(fn func(Given, []Number)) {
	j.mu.Lock()
	given := slices.Clone(j.given)
	j.mu.Unlock()
	for _, g := range given {
		j.mu.Lock()
		numbers := j.numbers(g)
		j.mu.Unlock()
		fn(g, numbers)
	}
}

// MayGive says whether a number that was not given out yet may be, by this life or by one restored from it: a record that took it now would meet another.
// What is left of closed lanes, and what an earlier life may have given out after the backup that this one is of, is not given out any more.
func (j *Journal) MayGive(year, n int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, b := range j.blocks {
		if b.Year != year || n < b.First || n > b.Last {
			continue
		}
		at := (n - b.First) / b.Lane
		for _, l := range j.lanes {
			if l.Block == b && l.at == at {
				return !l.Closed && !slices.ContainsFunc(j.given, func(g Given) bool {
					return g.Year == year && slices.ContainsFunc(j.numbers(g), func(num Number) bool { return num.ID == j.config.Scheme.ID(year, n) })
				})
			}
		}
		return b.Key == j.keys[len(j.keys)-1] || at >= b.Lanes()-b.spares()
	}
	return false
}

// Free is how many numbers of a year this life may still give out.
func (j *Journal) Free(year int64) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.free(year)
}

// Years are those that the journal has a block of, in order.
func (j *Journal) Years() []int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.years()
}

func (j *Journal) years() (out []int64) {
	for _, b := range j.blocks {
		if !slices.Contains(out, b.Year) {
			out = append(out, b.Year)
		}
	}
	slices.Sort(out)
	return out
}
