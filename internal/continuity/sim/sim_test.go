package sim

import (
	"context"
	"flag"
	"slices"
	"testing"
)

var (
	seeds = flag.Int("sim.seeds", 0, "schedules of each mode; 0: few")
	first = flag.Uint64("sim.first", 1, "first seed")
	only  = flag.String("sim.mode", "", "only this mode")
	off   = flag.String("sim.mutant", "", "only this mutant")
)

func number(t *testing.T, short, long int) int {
	switch {
	case *seeds > 0:
		return *seeds
	case testing.Short():
		return short
	}
	return long
}

func TestModes(t *testing.T) {
	for _, name := range Modes() {
		if *only != "" && *only != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			n := number(t, 30, 100)
			r := Run(context.Background(), Options{Mode: name, First: *first, Seeds: n, Mutant: *off})
			t.Logf("%+v", r.Stats)
			if r.Stats.Acked < n || r.Stats.Published < n {
				t.Errorf("%d schedules that acknowledge %d events say little", n, r.Stats.Acked)
			}
			if v := r.Violation; v != nil {
				t.Errorf("%v", v)
				Trace(context.Background(), Options{Mode: name, First: v.Seed, Mutant: *off}, func(line string) { t.Log(line) })
			}
		})
	}
}

// late are the mutants that take thousands of schedules to show.
var late = []string{"reports-without-f", "cosign-unstored", "choose-back", "amnesia", "client-drifts", "seal-unsynced"}

// Every rule that is left out must be noticed within 10,000 schedules.
func TestMutants(t *testing.T) {
	for _, name := range Mutants() {
		if *off != "" && *off != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if testing.Short() && slices.Contains(late, name) {
				t.Skip("it takes thousands of schedules to show")
			}
			n := number(t, 200, 3_000)
			tried := 0
			for _, mode := range Catches(name) {
				r := Run(context.Background(), Options{Mode: mode, First: *first, Seeds: n, Mutant: name})
				tried += r.Stats.Schedules
				if r.Violation != nil {
					t.Logf("%v", r.Violation)
					return
				}
			}
			t.Errorf("survived %d schedules", tried)
		})
	}
}

// A schedule follows from its mode and seed alone: what was found can be looked at again.
func TestSchedulesRepeat(t *testing.T) {
	for _, mode := range Modes() {
		var told [2][]string
		for i := range told {
			r := Trace(context.Background(), Options{Mode: mode, First: 7}, func(line string) { told[i] = append(told[i], line) })
			if r.Stats.Schedules != 1 {
				t.Fatalf("%s: %+v", mode, r.Stats)
			}
		}
		if len(told[0]) < 5 || !slices.Equal(told[0], told[1]) {
			t.Errorf("%s: %d and %d lines that are not the same", mode, len(told[0]), len(told[1]))
		}
	}
}

// An end that is asked for comes at once, and is no result.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Run(ctx, Options{Mode: "dies", Seeds: 1_000_000}); r.Stats.Schedules != 0 || r.Violation != nil {
		t.Errorf("%+v", r)
	}
}
