// Package continuity holds the rules by which a list outlives its operator: when a checkpoint counts (Quorum), what a mirror may
// cosign and when it stops (Mirror), where a new epoch continues (Handover, CheckOpening), what a reader accepts (Client), and in
// which order an operator publishes (Publisher). docs/protocols/continuity.md is the same in tables.
//
// The rules are state machines without clock, network or goroutine of their own. What they must never forget goes through small
// interfaces (FollowDisk, MirrorDisk, PublisherDisk); SQL implements them on both engines, and package sim under faults. What they
// learn about other people's trees comes through Copy, whose answers are proven.
//
// A value of a state machine belongs to one goroutine. After an error of its disk it must be thrown away and opened again: whether
// the write happened is then read back, never guessed.
package continuity

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
	"time"
)

// Why something is refused. Each is wrapped with what it was about.
var (
	ErrNote      = errors.New("continuity: not a checkpoint")
	ErrOrigin    = errors.New("continuity: a checkpoint of another origin")
	ErrUnsigned  = errors.New("continuity: not signed by the log key")
	ErrQuorum    = errors.New("continuity: the charter's quorum is not there")
	ErrStale     = errors.New("continuity: smaller than what is known")
	ErrFork      = errors.New("continuity: does not contain what is known")
	ErrSealed    = errors.New("continuity: the origin is sealed")
	ErrHeld      = errors.New("continuity: holds until somebody decides")
	ErrStopped   = errors.New("continuity: stopped cosigning this origin")
	ErrUnstored  = errors.New("continuity: not stored up to there")
	ErrOpening   = errors.New("continuity: the epoch is not opened as the charter demands")
	ErrNotOpened = errors.New("continuity: the epoch is not opened yet")
	ErrReports   = errors.New("continuity: too few covered reports")
	ErrTail      = errors.New("continuity: the copy holds leaves that the new epoch does not continue")
	ErrNotListed = errors.New("continuity: the charter lists no such mirror")
	ErrAmnesia   = errors.New("continuity: this key cosigned more than this disk knows")
	ErrCommitted = errors.New("continuity: committed to the other branch already")
	ErrUnheard   = errors.New("continuity: too few mirrors were heard")
	ErrBehind    = errors.New("continuity: mirrors hold more than this log")
)

// Tree is how far a log goes: a number of leaves and the RFC 6962 root over them.
type Tree struct {
	Size int64
	Root tlog.Hash
}

// Copy is one tree, of a given size and root, that answers questions about itself. Its answers are proven against that root (for a
// remote copy by hashes from tiles that were checked against it): an answer that cannot be had or proven is an error, which says
// nothing about the tree.
type Copy interface {
	// RootAt is the root of the first size leaves; size is at most the tree's.
	RootAt(ctx context.Context, size int64) (tlog.Hash, error)
	// Opening is the leaf that opened an epoch; ErrNotOpened when the tree has none.
	Opening(ctx context.Context, epoch int64) (Opening, error)
}

// Signer is the key of a mirror; *c2sp.Cosigner is one.
type Signer interface {
	VKey() c2sp.VKey
	Cosign(checkpoint string, at time.Time) (c2sp.Line, error)
	State(statement string, at time.Time) (c2sp.Line, error)
}

// Verifier checks the lines of one cosigner; *c2sp.CosignatureVerifier is one.
type Verifier interface {
	Name() string
	KeyHash() uint32
	Check(text string, l c2sp.Line) (time.Time, error)
}

// Rules are the rules, and where their keys come from. The zero value is what production runs. Package sim replaces Ed25519 by
// something cheap, shares the checks of charters between the nodes of one world, and switches single rules off.
type Rules struct {
	off    mutant.Mutant
	log    func(*charter.Document) note.Verifier
	mirror func(vkey string) (Verifier, error)
	extend func(*charter.Chain, *charter.Document) (*charter.Chain, error)
	quorum func(Rules, *charter.Document) (*Quorum, error)
	memo   *memo
}

// memo remembers what notes came to: in a simulation many look at the same one.
type memo struct {
	verdicts map[counted]Verdict
	reports  map[reported]verified
}

type reported struct {
	counted
	charter string
}

type verified struct {
	Report
	err error
}

// counted is a note by where it lies, which nobody changes and the memo keeps alive, and the charter it was counted under.
type counted struct {
	quorum *Quorum
	note   *byte
	length int
}

// Forget empties the memo of a simulation.
func (r Rules) Forget() {
	clear(r.memo.verdicts)
	clear(r.memo.reports)
}

// Sim makes the rules of a simulation. Only package sim can name a mutant.
func Sim(off mutant.Mutant, log func(*charter.Document) note.Verifier, mirror func(vkey string) (Verifier, error),
	extend func(*charter.Chain, *charter.Document) (*charter.Chain, error)) Rules {
	r := Rules{off: off, log: log, mirror: mirror, extend: extend, memo: &memo{map[counted]Verdict{}, map[reported]verified{}}}
	made := map[*charter.Document]*Quorum{}
	r.quorum = func(r Rules, d *charter.Document) (*Quorum, error) {
		if q := made[d]; q != nil {
			return q, nil
		}
		q, err := r.makeQuorum(d)
		if err == nil {
			made[d] = q
		}
		return q, err
	}
	return r
}

func (r Rules) logKey(d *charter.Document) note.Verifier {
	if r.log != nil {
		return r.log(d)
	}
	return d.Verifier()
}

func (r Rules) mirrorKey(vkey string) (Verifier, error) {
	if r.mirror != nil {
		return r.mirror(vkey)
	}
	return c2sp.NewCosignatureVerifier(vkey)
}

// extended is the chain in which d follows its predecessor. Beside ErrSibling it is the other branch.
func (r Rules) extended(chain *charter.Chain, d *charter.Document) (*charter.Chain, error) {
	if r.extend != nil {
		return r.extend(chain, d)
	}
	return Extended(chain, d)
}

// Extended is what extends a chain in production: a chain of its own, beside ErrSibling the other branch, or nil.
func Extended(chain *charter.Chain, d *charter.Document) (*charter.Chain, error) {
	err := chain.Check(d)
	if err != nil && !errors.Is(err, charter.ErrSibling) {
		return nil, err
	}
	next, werr := chain.With(d)
	return next, errors.Join(err, werr)
}
