package main

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tasuki/internal/durable"
)

// drillSetting is what has to be the same for drills to be counted together.
type drillSetting struct {
	Minutes float64 `json:"minutes"`
	Mirrors int     `json:"mirrors"`
	Q       int     `json:"q"`
	Records int     `json:"records"`
}

// drillReport is what came of one drill, or of many together: then every count is the sum and every time the longest.
type drillReport struct {
	Seed       uint64       `json:"seed"`
	Seeds      int          `json:"seeds,omitzero"` // of how many drills this is the sum
	Setting    drillSetting `json:"setting"`
	AlsoMirror bool         `json:"also_mirror"`
	Mirror     int          `json:"with_mirror_lost,omitzero"` // of many: how many lost a mirror too
	OK         bool         `json:"ok"`

	Acked             int   `json:"acked"`       // writes that were acknowledged as durable
	AckedAfter        int   `json:"acked_after"` // of them, by the successor
	AckedLost         int   `json:"acked_lost"`
	Promised          int64 `json:"promised"` // acknowledged as local: a promise only
	InFlight          int   `json:"in_flight_at_kill"`
	Assigned          int   `json:"assigned"`
	Duplicates        int   `json:"duplicates"`
	Offline           int   `json:"assigned_offline"` // while there was no operator
	Events            int   `json:"signed_events"`
	MissingAfterDrain int   `json:"missing_after_drain"`

	Reads           int64   `json:"reads"`
	ReadsPerSecond  float64 `json:"reads_per_second"`
	ReadsFailed     int64   `json:"reads_failed"`
	ReadsUnverified int64   `json:"reads_unverified"`
	ClientHolds     int     `json:"client_holds"`

	Epoch1Last   int64 `json:"epoch1_last"`   // largest size that the first operator was seen to sign
	Epoch1Quorum int64 `json:"epoch1_quorum"` // largest that was seen with its quorum
	AckedLast    int64 `json:"acked_last"`    // largest index of a leaf that the first operator acknowledged
	HandoverSize int64 `json:"handover_size"`
	HandoverLow  int   `json:"handover_too_low"` // acknowledged by the first operator, and not below the handover
	FinalSize    int64 `json:"final_size"`

	ReservedBeforeLoss int  `json:"reserved_before_loss"`
	EscrowRestored     int  `json:"escrow_restored"` // of them, whose the successor knew to be
	ClassicPublished   bool `json:"classic_published"`
	CopyRefused        bool `json:"copy_refused"` // the authority's folder from a backup, before "node restore"
	LanesReused        int  `json:"lanes_reused"`

	ZombieSigned    int      `json:"zombie_signed"`    // checkpoints beyond the handover signed with the old key
	ZombieProcess   string   `json:"zombie_process"`   // what the old operator's own process did
	ZombieMirrors   int      `json:"zombie_mirrors"`   // mirrors that cosigned any of them
	ZombieWitnesses int      `json:"zombie_witnesses"` // witnesses that did: they look only whether the log grew
	ZombieQuorums   int      `json:"zombie_quorums"`
	StateEqual      bool     `json:"state_digest_equal"`
	States          []string `json:"states,omitempty"` // whose tables were compared

	Seconds  drillSeconds `json:"seconds"`
	Failures []string     `json:"failures,omitempty"`
	Details  []string     `json:"details,omitempty"` // the first few of what went wrong while it ran
	Steps    []string     `json:"steps,omitempty"`

	mu sync.Mutex
}

// drillSeconds are the times of a succession. The people's part, from the loss to the charter, takes as long as the drill makes it.
type drillSeconds struct {
	KillToCharter        float64 `json:"kill_to_charter"`
	CharterToOpen        float64 `json:"charter_to_open"`
	OpenToFirstQuorum    float64 `json:"open_to_first_quorum"`
	CharterToFirstQuorum float64 `json:"charter_to_first_quorum"`
	Whole                float64 `json:"whole"`
}

// tenths rounds to a hundredth of a second.
func tenths(t time.Duration) float64 { return math.Round(t.Seconds()*100) / 100 }

// fail notes that something did not hold.
func (r *drillReport) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(r.Failures) < 50 && !slices.Contains(r.Failures, text) {
		r.Failures = append(r.Failures, text)
	}
}

// detail notes what was behind a count.
func (r *drillReport) detail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Details) < 20 {
		r.Details = append(r.Details, fmt.Sprintf(format, args...))
	}
}

func (r *drillReport) note(at time.Duration, what string) {
	r.Steps = append(r.Steps, fmt.Sprintf("%7.2f s  %s", at.Seconds(), what))
}

// drillLimit is how long it may take from a charter to the successor's first checkpoint with a quorum.
const drillLimit = 10.0

// judge says whether everything held. The limit of the succession's time is reported, and judged by whoever knows how busy the machine was.
func (r *drillReport) judge() {
	zero := func(what string, n int) {
		if n != 0 {
			r.fail("%s is %d", what, n)
		}
	}
	so := func(what string, is bool) {
		if !is {
			r.fail("%s is false", what)
		}
	}
	zero("acked_lost", r.AckedLost)
	zero("duplicates", r.Duplicates)
	zero("missing_after_drain", r.MissingAfterDrain)
	zero("reads_failed", int(r.ReadsFailed))
	zero("reads_unverified", int(r.ReadsUnverified))
	zero("client_holds", r.ClientHolds)
	zero("zombie_quorums", r.ZombieQuorums)
	zero("zombie_mirrors", r.ZombieMirrors)
	zero("handover_too_low", r.HandoverLow)
	zero("lanes_reused", r.LanesReused)
	so("state_digest_equal", r.StateEqual)
	so("classic_published", r.ClassicPublished)
	so("copy_refused", r.CopyRefused)
	so("escrow_restored = reserved_before_loss", r.EscrowRestored == r.ReservedBeforeLoss && r.ReservedBeforeLoss > 0)
	so("something was acknowledged before and after the loss", r.AckedAfter > 0 && r.Acked > r.AckedAfter)
	so("a publication was in flight at the kill", r.InFlight > 0)
	so("identifiers were assigned without an operator", r.Offline > 0)
	so("the old key signed beyond the handover", r.ZombieSigned > 0)
	so("reads were made", r.Reads > 0)
	r.OK = len(r.Failures) == 0
}

// line is the drill in one line.
func (r *drillReport) line() string {
	word, mirror := "ok  ", ""
	if !r.OK {
		word = "FAIL"
	}
	if r.AlsoMirror {
		mirror = ", a mirror too"
	}
	text := fmt.Sprintf("%s seed %d: %d acknowledged, %d lost; %d assigned, %d twice; %d reads, %d failed, %d unverified; charter to quorum %.1f s; "+
		"%.0f s in all%s", word, r.Seed, r.Acked, r.AckedLost, r.Assigned, r.Duplicates, r.Reads, r.ReadsFailed, r.ReadsUnverified,
		r.Seconds.CharterToFirstQuorum, r.Seconds.Whole, mirror)
	if !r.OK {
		text += ": " + strings.Join(r.Failures, "; ")
	}
	return text
}

// text is the page for people.
func (r *drillReport) text() string {
	var b strings.Builder
	row := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-34s %s\n", what, fmt.Sprintf(format, args...))
	}
	if r.Seeds > 0 {
		fmt.Fprintf(&b, "%d drills, seeds %d to %d; in %d of them a mirror was lost too\n", r.Seeds, r.Seed, r.Seed+uint64(r.Seeds)-1, r.Mirror)
	} else {
		fmt.Fprintf(&b, "drill, seed %d\n", r.Seed)
	}
	row("the list", "%d mirrors, %d have to store what counts; %d records at first", r.Setting.Mirrors, r.Setting.Q, r.Setting.Records)
	row("writes acknowledged as durable", "%d, %d of them by the successor", r.Acked, r.AckedAfter)
	row("  lost", "%d", r.AckedLost)
	row("  under way at the kill", "%d were never answered; %d writes in all got a promise only", r.InFlight, r.Promised)
	row("identifiers assigned", "%d, %d of them while nobody ran the list", r.Assigned, r.Offline)
	row("  assigned twice", "%d", r.Duplicates)
	row("events signed by authorities", "%d; missing after the outboxes were handed in: %d", r.Events, r.MissingAfterDrain)
	row("reads", "%d (%.1f a second); failed %d, unverified %d", r.Reads, r.ReadsPerSecond, r.ReadsFailed, r.ReadsUnverified)
	row("readers or mirrors on HOLD", "%d", r.ClientHolds)
	row("first operator", "signed %d, with a quorum %d, acknowledged up to leaf %d", r.Epoch1Last, r.Epoch1Quorum, r.AckedLast)
	row("the successor continues at", "%d; at the end the list has %d leaves", r.HandoverSize, r.FinalSize)
	row("reserved before the loss", "%d; known to the successor as whose they are: %d; published with the old key: %v",
		r.ReservedBeforeLoss, r.EscrowRestored, r.ClassicPublished)
	row("an authority's backup", "as a copy refused: %v; lanes used again: %d", r.CopyRefused, r.LanesReused)
	row("the old operator came back", "its process: %s", r.ZombieProcess)
	row("  its key signed", "%d; %d mirrors and %d witnesses cosigned; quorums %d", r.ZombieSigned, r.ZombieMirrors, r.ZombieWitnesses, r.ZombieQuorums)
	row("state equal everywhere", "%v", r.StateEqual)
	row("seconds", "loss to charter %.1f, charter to epoch %.1f, to the first quorum %.1f more: %.1f (wanted: at most %.0f)",
		r.Seconds.KillToCharter, r.Seconds.CharterToOpen, r.Seconds.OpenToFirstQuorum, r.Seconds.CharterToFirstQuorum, drillLimit)
	if r.OK {
		fmt.Fprintln(&b, "everything held")
	} else {
		fmt.Fprintln(&b, "NOT everything held:")
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "  - %s\n", f)
		}
		for _, f := range r.Details {
			fmt.Fprintf(&b, "    %s\n", f)
		}
	}
	return b.String()
}

// write writes the report and beside it the page of text.
func (r *drillReport) write(file string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := durable.Replace(file, append(raw, '\n')); err != nil {
		return err
	}
	return durable.Replace(strings.TrimSuffix(file, filepath.Ext(file))+".txt", []byte(r.text()))
}
