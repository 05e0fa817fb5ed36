package sim

import (
	"context"
	"flag"
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
			n := number(t, 30, 300)
			r := Run(context.Background(), Options{Mode: name, First: *first, Seeds: n, Mutant: *off})
			t.Logf("%+v", r.Stats)
			if v := r.Violation; v != nil {
				t.Errorf("%v", v)
				Trace(context.Background(), Options{Mode: name, First: v.Seed, Mutant: *off}, func(line string) { t.Log(line) })
			}
		})
	}
}

// Every rule that is left out must be noticed.
func TestMutants(t *testing.T) {
	for _, name := range Mutants() {
		if *off != "" && *off != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			n := number(t, 10_000, 10_000)
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
