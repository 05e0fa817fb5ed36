// Package sim runs the rules of continuity (package continuity, the very code that production runs) under a seeded scheduler with
// faults: messages are lost, delayed and overtaken, networks fall apart, machines stop at any write and lose disks, clocks jump,
// operators, mirrors and boards cheat. A judge who sees everything looks whether the invariants hold:
//
//	I1  what was acknowledged is in the final list
//	I2  one number, one first publication, one owner
//	I3  no two readers accept views that contradict each other
//	I4  after healing, outboxes are empty and all readers that move are equal
//	I5  whoever reaches one mirror reads
//	I6  after R seals the old origin gains no new quorum
//
// and beside them that what is accepted had the charter's quorum, and that no witness is ahead of the mirrors (C.3).
//
// A schedule is one goroutine and follows from its seed and mode alone. To see that the judge would notice, each rule can be switched
// off (Mutants): a mutant that survives is a missing test.
package sim

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"tasuki/internal/continuity/internal/mutant"
)

// Options say what to run.
type Options struct {
	Mode   string
	First  uint64 // seed
	Seeds  int
	Mutant string // name of a rule to leave out; "" for none
	// Workers is how many schedules run at the same time; 0 means one for each processor.
	Workers  int
	Progress func(done int) // called now and then, from any goroutine
}

// Report is what came of it.
type Report struct {
	Mode      string     `json:"mode"`
	Mutant    string     `json:"mutant,omitempty"`
	Stats     Stats      `json:"stats"`
	Violation *Violation `json:"violation,omitempty"` // of the smallest seed that was found
}

// Run runs schedules until all are done, one has broken an invariant, or ctx ends.
func Run(ctx context.Context, o Options) Report {
	m, off := modeOf(o.Mode), mutantOf(o.Mutant)
	r := Report{Mode: o.Mode, Mutant: o.Mutant}
	if m == nil {
		return r
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newPress()
	var next, done atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for range o.Workers {
		all.Go(func() {
			k := newKit(p, off)
			var stats Stats
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(o.Seeds) {
					break
				}
				if i%1000 == 999 {
					k = newKit(p, off) // charters of single schedules are not kept for ever
				}
				w, v := k.run(ctx, m, o.First+uint64(i), nil)
				if ctx.Err() != nil && v == nil {
					break
				}
				stats.add(w.judge.stats)
				if n := done.Add(1); o.Progress != nil && n%100 == 0 {
					o.Progress(int(n))
				}
				if v == nil {
					continue
				}
				mu.Lock()
				if r.Violation == nil || v.Seed < r.Violation.Seed {
					r.Violation = v
				}
				mu.Unlock()
				cancel()
			}
			mu.Lock()
			r.Stats.add(stats)
			mu.Unlock()
		})
	}
	all.Wait()
	return r
}

// Trace runs one schedule and tells what happens in it, a line at a time.
func Trace(ctx context.Context, o Options, log func(string)) Report {
	m := modeOf(o.Mode)
	r := Report{Mode: o.Mode, Mutant: o.Mutant}
	if m == nil {
		return r
	}
	w, v := newKit(newPress(), mutantOf(o.Mutant)).run(ctx, m, o.First, log)
	r.Stats, r.Violation = w.judge.stats, v
	return r
}

// Mutants are the names of the rules that can be left out.
func Mutants() (names []string) {
	for _, m := range mutant.All() {
		names = append(names, m.String())
	}
	return names
}

func mutantOf(name string) mutant.Mutant {
	for _, m := range mutant.All() {
		if m.String() == name {
			return m
		}
	}
	return mutant.None
}

// catches says in which modes a mutant shows, the quickest first. One that is not named is looked for in all modes.
var catches = map[mutant.Mutant][]string{
	mutant.NoSeal:           {"alive", "dies"},
	mutant.SealUnsynced:     {"power"},
	mutant.AnyCopy:          {"dies"},
	mutant.ClientSkipsSeals: {"captured"},
	mutant.MirrorSkipsSeals: {"dishonest"},
	mutant.LastEpochOnly:    {"captured", "mirrors"},
	mutant.AnyReporter:      {"dishonest"},
	mutant.UncoveredReports: {"equivocates"},
	mutant.ReportsWithoutF:  {"liar"},
	mutant.QuorumOne:        {"dies"},
	mutant.QuorumNone:       {"dies"},
	mutant.QuorumWithoutF:   {"liar"},
	mutant.CountTwice:       {"equivocates"},
	mutant.NoWitnesses:      {"dies"},
	mutant.WitnessFirst:     {"dies"},
	mutant.NoFsync:          {"power"},
	mutant.CosignUnstored:   {"dies"},
	mutant.CosignFork:       {"equivocates"},
	mutant.CosignBack:       {"alive"},
	mutant.CosignUnopened:   {"dishonest"},
	mutant.CosignSiblings:   {"siblings"},
	mutant.ChooseBack:       {"siblings"},
	mutant.Amnesia:          {"backup"},
	mutant.CutFreely:        {"dishonest"},
	mutant.ClientBack:       {"captured", "dies"},
	mutant.ClientDrifts:     {"captured"},
	mutant.ClientNoHold:     {"siblings"},
	mutant.RestoredSigns:    {"backup"},
	mutant.OutboxOnLocal:    {"dies"},
	mutant.LaneRestored:     {"lanes"},
}

// Catches are the modes in which a mutant is looked for.
func Catches(name string) []string {
	if list := catches[mutantOf(name)]; list != nil {
		return list
	}
	return Modes()
}
