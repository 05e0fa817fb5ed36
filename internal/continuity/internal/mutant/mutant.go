// Package mutant names the rules of continuity that can be switched off, one at a time, to see that the simulation catches what
// each of them prevents. It is internal to continuity, so nobody else can make anything but the zero value: all rules hold.
package mutant

// Mutant is a rule that is switched off.
type Mutant uint8

// All rules hold, and then one by one what is left out.
const (
	None             Mutant = iota
	NoSeal                  // a mirror reports its size under charter v+1 but goes on cosigning the old origin
	SealUnsynced            // the report leaves before the seal is on disk
	AnyCopy                 // a successor opens with whatever copy it has, and nobody asks for reports
	ClientSkipsSeals        // clients do not check the reports of a new epoch
	MirrorSkipsSeals        // mirrors do not check the reports of a new epoch
	LastEpochOnly           // the reports of epochs that were never opened count for those before
	AnyReporter             // whoever signs a report is counted as a mirror of the old charter
	UncoveredReports        // a report counts though the copy does not contain it
	ReportsWithoutF         // R = m−q+1: liars are not reckoned with
	QuorumOne               // one mirror is a quorum
	QuorumNone              // whatever the log signs is accepted
	QuorumWithoutF          // a bare majority of mirrors, though some may lie
	CountTwice              // two lines of one mirror count as two
	NoWitnesses             // the charter's policy is not asked
	WitnessFirst            // witnesses are asked before the mirrors' lines are there
	NoFsync                 // the cosignature leaves before its record and its leaves are on disk
	CosignUnstored          // a mirror cosigns what it has not stored
	CosignFork              // a mirror cosigns a tree that is not its own
	CosignBack              // the record of cosignatures lets another root or a smaller size through
	CosignUnopened          // a mirror cosigns a new origin whose opening it has not checked
	CosignSiblings          // a mirror goes on with the newest of two successors
	ChooseBack              // a mirror helps a second branch after it cosigned in one
	Amnesia                 // a mirror whose disk was lost comes back with its key and goes on
	CutFreely               // a mirror drops leaves for whatever the new operator signs
	ClientBack              // a client takes a smaller checkpoint for the newest
	ClientDrifts            // a client follows a checkpoint that does not contain what it accepted
	ClientNoHold            // a client follows the newest of two successors
	RestoredSigns           // an operator that was restored signs before it has heard its mirrors
	OutboxOnLocal           // an author drops an event when the operator says that it has it
	LaneRestored            // a lane's journal is brought back from a copy
	end
)

var names = [...]string{
	None:             "none",
	NoSeal:           "no-seal",
	SealUnsynced:     "seal-unsynced",
	AnyCopy:          "any-copy",
	ClientSkipsSeals: "client-skips-seals",
	MirrorSkipsSeals: "mirror-skips-seals",
	LastEpochOnly:    "last-epoch-only",
	AnyReporter:      "any-reporter",
	UncoveredReports: "uncovered-reports",
	ReportsWithoutF:  "reports-without-f",
	QuorumOne:        "quorum-one",
	QuorumNone:       "quorum-none",
	QuorumWithoutF:   "quorum-without-f",
	CountTwice:       "count-twice",
	NoWitnesses:      "no-witnesses",
	WitnessFirst:     "witness-first",
	NoFsync:          "no-fsync",
	CosignUnstored:   "cosign-unstored",
	CosignFork:       "cosign-fork",
	CosignBack:       "cosign-back",
	CosignUnopened:   "cosign-unopened",
	CosignSiblings:   "cosign-siblings",
	ChooseBack:       "choose-back",
	Amnesia:          "amnesia",
	CutFreely:        "cut-freely",
	ClientBack:       "client-back",
	ClientDrifts:     "client-drifts",
	ClientNoHold:     "client-no-hold",
	RestoredSigns:    "restored-signs",
	OutboxOnLocal:    "outbox-on-local",
	LaneRestored:     "lane-restored",
}

func (m Mutant) String() string { return names[m] }

// All are the mutants, without None.
func All() []Mutant {
	var out []Mutant
	for m := None + 1; m < end; m++ {
		out = append(out, m)
	}
	return out
}
