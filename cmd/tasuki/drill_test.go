package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Three drills with real processes, two of which lose a mirror too: nothing that was acknowledged is lost, and nobody notices but by the time.
func TestDrill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a dozen processes three times")
	}
	t.Parallel() // it waits more than it works
	dir := t.TempDir()
	report := filepath.Join(dir, "report.json")
	cmd := self(t, "tasuki", "drill", "--seeds", "3", "--seed", "2", "--minutes", "0.1", "--records", "120", "--dir", filepath.Join(dir, "drills"),
		"--report", report, "--results", filepath.Join(dir, "results.jsonl"))
	out, err := cmd.Output()
	t.Logf("%s", out)
	if err != nil {
		raw, _ := filepath.Glob(filepath.Join(dir, "report-seed*.json"))
		for _, name := range raw {
			if said, err := os.ReadFile(name); err == nil {
				t.Logf("%s", said)
			}
		}
		t.Fatal(err)
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var got drillReport
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if !got.OK || got.Seeds != 3 || got.Mirror != 2 || got.Acked == 0 || got.Reads == 0 || got.InFlight < 3 {
		t.Errorf("%s", raw)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "drills", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// held is a drill in which all went well.
func held(seed uint64) *drillReport {
	r := &drillReport{Seed: seed, Setting: drillSetting{1, 3, 2, 100}, Acked: 9, AckedAfter: 4, InFlight: 2, Assigned: 12, Offline: 3, Events: 5,
		Reads: 100, ReadsPerSecond: 50,
		ReservedBeforeLoss: 3, EscrowRestored: 3, ClassicPublished: true, CopyRefused: true, ZombieSigned: 2, StateEqual: true}
	r.judge()
	return r
}

// Whatever goes wrong is seen: each figure by itself makes a drill fail.
func TestDrillFails(t *testing.T) {
	if r := held(1); !r.OK {
		t.Fatalf("%q", r.Failures)
	}
	for name, spoil := range map[string]func(*drillReport){
		"acked_lost":           func(r *drillReport) { r.AckedLost = 1 },
		"duplicates":           func(r *drillReport) { r.Duplicates = 1 },
		"missing_after_drain":  func(r *drillReport) { r.MissingAfterDrain = 1 },
		"reads_failed":         func(r *drillReport) { r.ReadsFailed = 1 },
		"reads_unverified":     func(r *drillReport) { r.ReadsUnverified = 1 },
		"client_holds":         func(r *drillReport) { r.ClientHolds = 1 },
		"zombie_quorums":       func(r *drillReport) { r.ZombieQuorums = 1 },
		"zombie_mirrors":       func(r *drillReport) { r.ZombieMirrors = 1 },
		"handover_too_low":     func(r *drillReport) { r.HandoverLow = 1 },
		"lanes_reused":         func(r *drillReport) { r.LanesReused = 1 },
		"state_digest_equal":   func(r *drillReport) { r.StateEqual = false },
		"classic_published":    func(r *drillReport) { r.ClassicPublished = false },
		"copy_refused":         func(r *drillReport) { r.CopyRefused = false },
		"escrow_restored":      func(r *drillReport) { r.EscrowRestored = 2 },
		"acknowledged before":  func(r *drillReport) { r.Acked = r.AckedAfter },
		"in flight":            func(r *drillReport) { r.InFlight = 0 },
		"without an operator":  func(r *drillReport) { r.Offline = 0 },
		"old key signed":       func(r *drillReport) { r.ZombieSigned = 0 },
		"reads were made":      func(r *drillReport) { r.Reads = 0 },
		"a step was not taken": func(r *drillReport) { r.fail("a step was not taken") },
	} {
		r := held(1)
		spoil(r)
		r.judge()
		if r.OK || len(r.Failures) != 1 || !strings.Contains(r.Failures[0], name) || !strings.Contains(r.text(), r.Failures[0]) {
			t.Errorf("%s: %v %q", name, r.OK, r.Failures)
		}
	}
}

// A second identifier of one number is seen, whoever gave it out.
func TestDrillSeesDuplicates(t *testing.T) {
	var seen drillTruth
	seen.init()
	seen.assign("CVE-2026-1", "alpha")
	seen.assign("CVE-2026-2", "beta")
	if len(seen.duplicates) > 0 {
		t.Errorf("%q", seen.duplicates)
	}
	if seen.assign("CVE-2026-1", "delta"); len(seen.duplicates) != 1 {
		t.Errorf("%q", seen.duplicates)
	}
}

// Drills go on where they were interrupted, also in the middle of a line; those of another setting do not count.
func TestDrillResults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.jsonl")
	first, err := readDrillResults(file, held(1).Setting)
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []uint64{5, 6} {
		if err := first.add(file, held(seed)); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw[:len(raw)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := readDrillResults(file, held(1).Setting)
	if err != nil || !again.has(5) || again.has(6) {
		t.Fatalf("%v, %v", again.list, err)
	}
	bad := held(6)
	bad.AckedLost = 2
	bad.judge()
	if err := errors.Join(again.add(file, bad), again.add(file, held(7))); err != nil {
		t.Fatal(err)
	}
	last, err := readDrillResults(file, held(1).Setting)
	if err != nil || len(last.list) != 3 {
		t.Fatalf("%v, %v", last.list, err)
	}
	sum := last.of(5, 3)
	if sum.OK || sum.AckedLost != 2 || sum.Acked != 27 || sum.Reads != 300 || !strings.Contains(strings.Join(sum.Failures, ""), "seed 6: acked_lost is 2") {
		t.Errorf("%+v", sum)
	}
	if sum := last.of(7, 2); sum.OK || !reflect.DeepEqual(sum.Failures, []string{"seed 8 was not run"}) {
		t.Errorf("%q", sum.Failures)
	}
	if sum := last.of(7, 1); !sum.OK {
		t.Errorf("%q", sum.Failures)
	}
	other, err := readDrillResults(file, drillSetting{2, 3, 2, 100})
	if err != nil || len(other.list) != 0 {
		t.Errorf("%v, %v", other.list, err)
	}
}
