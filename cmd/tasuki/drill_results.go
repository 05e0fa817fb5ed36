package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// drillResults are the drills of a file of results that belong to one setting.
type drillResults struct {
	setting drillSetting
	list    map[uint64]*drillReport
}

// readDrillResults reads what an earlier run left. A line that was cut off by its end is run again.
func readDrillResults(file string, setting drillSetting) (*drillResults, error) {
	out := &drillResults{setting, map[uint64]*drillReport{}}
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r := &drillReport{}
		if err := json.Unmarshal(lines.Bytes(), r); err == nil && r.Setting == setting {
			out.list[r.Seed] = r
		}
	}
	return out, lines.Err()
}

func (s *drillResults) has(seed uint64) bool { return s.list[seed] != nil }

// add appends a drill to the file.
func (s *drillResults) add(file string, r *drillReport) error {
	s.list[r.Seed] = r
	if r.OK {
		r.Steps = nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		// A line that was cut off stays one line of its own.
		last := make([]byte, 1)
		if _, err = f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			raw = append([]byte{'\n'}, raw...)
		}
	}
	if err == nil {
		_, err = f.Write(append(raw, '\n'))
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// of adds so many drills up, from a seed on. One that was not run is a failure.
func (s *drillResults) of(first uint64, n int) *drillReport {
	sum := &drillReport{Seed: first, Seeds: n, Setting: s.setting, ClassicPublished: true, CopyRefused: true, StateEqual: true,
		ZombieProcess: "see each drill", OK: true}
	for i := range n {
		r := s.list[first+uint64(i)]
		if r == nil {
			sum.OK = false
			sum.fail("seed %d was not run", first+uint64(i))
			continue
		}
		sum.take(r)
	}
	return sum
}

// take adds one drill.
func (r *drillReport) take(one *drillReport) {
	for _, f := range []struct {
		to *int
		n  int
	}{
		{&r.Acked, one.Acked}, {&r.AckedAfter, one.AckedAfter}, {&r.AckedLost, one.AckedLost}, {&r.InFlight, one.InFlight}, {&r.Assigned, one.Assigned},
		{&r.Duplicates, one.Duplicates}, {&r.Offline, one.Offline}, {&r.Events, one.Events}, {&r.MissingAfterDrain, one.MissingAfterDrain},
		{&r.ClientHolds, one.ClientHolds}, {&r.HandoverLow, one.HandoverLow}, {&r.ReservedBeforeLoss, one.ReservedBeforeLoss},
		{&r.EscrowRestored, one.EscrowRestored}, {&r.LanesReused, one.LanesReused}, {&r.ZombieSigned, one.ZombieSigned},
		{&r.ZombieMirrors, one.ZombieMirrors}, {&r.ZombieWitnesses, one.ZombieWitnesses}, {&r.ZombieQuorums, one.ZombieQuorums},
	} {
		*f.to += f.n
	}
	for _, f := range []struct {
		to *int64
		n  int64
	}{
		{&r.Promised, one.Promised}, {&r.Reads, one.Reads}, {&r.ReadsFailed, one.ReadsFailed}, {&r.ReadsUnverified, one.ReadsUnverified},
	} {
		*f.to += f.n
	}
	for _, f := range []struct {
		to *int64
		n  int64
	}{
		{&r.Epoch1Last, one.Epoch1Last}, {&r.Epoch1Quorum, one.Epoch1Quorum}, {&r.AckedLast, one.AckedLast}, {&r.HandoverSize, one.HandoverSize},
		{&r.FinalSize, one.FinalSize},
	} {
		*f.to = max(*f.to, f.n)
	}
	for _, f := range []struct {
		to *float64
		n  float64
	}{
		{&r.Seconds.KillToCharter, one.Seconds.KillToCharter}, {&r.Seconds.CharterToOpen, one.Seconds.CharterToOpen},
		{&r.Seconds.OpenToFirstQuorum, one.Seconds.OpenToFirstQuorum}, {&r.Seconds.CharterToFirstQuorum, one.Seconds.CharterToFirstQuorum},
		{&r.Seconds.Whole, one.Seconds.Whole},
	} {
		*f.to = max(*f.to, f.n)
	}
	if r.ReadsPerSecond == 0 || one.ReadsPerSecond < r.ReadsPerSecond {
		r.ReadsPerSecond = one.ReadsPerSecond
	}
	if one.AlsoMirror {
		r.Mirror++
	}
	r.ClassicPublished = r.ClassicPublished && one.ClassicPublished
	r.CopyRefused = r.CopyRefused && one.CopyRefused
	r.StateEqual = r.StateEqual && one.StateEqual
	if !one.OK {
		r.OK = false
		for _, f := range one.Failures {
			r.fail("seed %d: %s", one.Seed, f)
		}
	}
}
