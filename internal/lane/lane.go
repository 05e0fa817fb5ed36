// Package lane is what an authority needs to assign identifiers by itself, with nobody's help: a journal over the blocks of numbers
// that it was granted, cut into lanes; the receipts that it hands to those who asked; and the outbox, where signed events wait for an
// operator. It knows files and numbers, no list and no network (continuity E.3–E.5).
//
// The one promise is that a number is never given out twice. The order of the writes is how it is kept: a line is appended to the
// journal, the journal is synced, a mark beside the folder is synced, and only then is the number told. A crash in between burns
// numbers; it never gives one out again. What a copy of the folder could break is caught when it is opened: the journal names the
// machine and folder it belongs to, and the mark outside says how far it had come. A copy is never continued. Restore goes on in
// lanes that no journal but a restored one ever opens.
//
// BUG(lane): a machine that is set back as a whole (a virtual machine's snapshot) takes the mark and the machine's identity back
// with it; nothing on it can tell. Two restores of one old copy draw their lanes by chance, and may draw the same. Both are caught at
// publication, where a second first publication of a number is refused and is evidence (continuity E.4).
package lane

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tasuki/spec/dsse"
)

// How a block is cut.
const (
	MinLane     = 100
	MaxLane     = 1000
	DefaultLane = 100
)

// Limits of what a journal takes.
const (
	maxNumber = 1<<31 - 1 // of an identifier
	maxBlock  = 50_000_000
	// MaxAmount bounds one request, so that its line stays small.
	MaxAmount = 10_000
	// MaxScattered bounds one non-sequential request, as CVE Services does.
	MaxScattered = 10
)

var (
	// ErrLocked means that another process works with the folder.
	ErrLocked = errors.New("lane: the folder is in use by another process")
	// ErrCloned means that the journal is not the one that belongs here: a copy, a backup, another machine's. Restore goes on.
	ErrCloned = errors.New("lane: the journal is a copy, or an older state of itself: nothing is assigned from it. Restore it, which opens another lane")
	// ErrDamaged means bytes in the journal that it did not write.
	ErrDamaged = errors.New("lane: the journal is damaged")
	// ErrBroken means that a write of this journal went wrong, so that nobody knows what is on disk. Open it again.
	ErrBroken = errors.New("lane: a write of the journal went wrong; open it again")
	// ErrExists means a folder that has a journal already.
	ErrExists = errors.New("lane: there is a journal already")
	// ErrNoNumbers means that the lanes of the year are used up: the authority needs another block.
	ErrNoNumbers = errors.New("lane: no numbers of the year are left")
	// ErrAmount means a request for no numbers, or for too many at once.
	ErrAmount = errors.New("lane: amount")
	// ErrBlock means a block that cannot be cut, or that overlaps one that the journal has.
	ErrBlock = errors.New("lane: block")
	// ErrName means a name that cannot stand in a journal or a receipt.
	ErrName = errors.New("lane: name")
)

// Block is a range of numbers of one year that the authority was granted.
type Block struct {
	Year, First, Last int64
	Lane              int64  // numbers of each lane but the last, which may have fewer; MinLane … MaxLane
	Key               string // that the block was granted to: the public key of one life of one journal, in base64
}

func (b Block) String() string { return fmt.Sprintf("%d %d-%d", b.Year, b.First, b.Last) }

// Size is how many numbers the block has.
func (b Block) Size() int64 { return b.Last - b.First + 1 }

// Lanes is how many lanes the block is cut into.
func (b Block) Lanes() int64 { return (b.Size() + b.Lane - 1) / b.Lane }

// spares is how many of the block's last lanes only a restored journal opens: a quarter, and at least one where there are two.
func (b Block) spares() int64 {
	if b.Lanes() < 2 {
		return 0
	}
	return max(1, b.Lanes()/4)
}

// span is the first number of a lane of the block, and how many it has.
func (b Block) span(lane int64) (first, size int64) {
	first = b.First + lane*b.Lane
	return first, min(b.Lane, b.Last-first+1)
}

func (b Block) check() error {
	switch {
	case b.Year < 1000 || b.Year > 9999:
		return fmt.Errorf("%w: year %d", ErrBlock, b.Year)
	case b.First < 1 || b.Last < b.First || b.Last > maxNumber || b.Size() > maxBlock:
		return fmt.Errorf("%w: numbers %d to %d", ErrBlock, b.First, b.Last)
	case !isKey(b.Key):
		return fmt.Errorf("%w: the key is none", ErrBlock)
	case b.Lane < MinLane || b.Lane > MaxLane:
		return fmt.Errorf("%w: a lane has %d to %d numbers, not %d", ErrBlock, MinLane, MaxLane, b.Lane)
	}
	return nil
}

func (b Block) overlaps(o Block) bool {
	return b.Year == o.Year && b.First <= o.Last && o.First <= b.Last
}

// Lane is one lane that was opened: its numbers come from this journal alone.
type Lane struct {
	Number    int64 // counted from 1, over the journal's blocks in their order
	Block     Block
	First     int64 // number of an identifier
	Size      int64
	Scattered bool  // numbers come in a keyed order
	Used      int64 // how many were given out
	Closed    bool  // of an earlier life of the journal: what is left is nobody's

	at int64 // among the lanes of its block, counted from 0
}

// Left is how many numbers the lane has to give.
func (l *Lane) Left() int64 {
	if l.Closed {
		return 0
	}
	return l.Size - l.Used
}

// Number is one assigned number.
type Number struct {
	ID   string
	Lane int64 // of the journal
	N    int64 // of the lane, counted from 1
}

// Scheme is how numbers are written: "CVE", or "GCVE-<numbering authority>" for an authority without accreditation (continuity E.7).
type Scheme string

// ID is the identifier of a number.
func (s Scheme) ID(year, n int64) string { return fmt.Sprintf("%s-%04d-%04d", s, year, n) }

func (s Scheme) check() error {
	if s == "CVE" {
		return nil
	}
	text, ok := strings.CutPrefix(string(s), "GCVE-")
	if n, err := strconv.ParseUint(text, 10, 31); !ok || err != nil || strconv.FormatUint(n, 10) != text || n == 0 {
		return fmt.Errorf("%w: identifiers are CVE or GCVE-<number>", ErrName)
	}
	return nil
}

func isKey(s string) bool {
	_, err := dsse.ParseKey(s)
	return err == nil
}

func isListID(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}

// isName holds the names of organisations and nodes to what may stand in a line of words.
func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
