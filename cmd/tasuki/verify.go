package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// VerifyCmd is `tasuki verify`.
type VerifyCmd struct {
	Record VerifyRecordCmd `cmd:"" help:"Check one record's proof file, offline."`
	Delta  VerifyDeltaCmd  `cmd:"" help:"Prove that a baseline with its deltas is the next baseline."`
}

// VerifyRecordCmd is `tasuki verify record`.
type VerifyRecordCmd struct {
	File   string   `arg:"" type:"existingfile" help:"The record's proof file, as GET /proof/{id} gives it."`
	ListID string   `name:"list-id" placeholder:"HEX" help:"The list's id, from a source you trust. Without it the proof's own is printed for you to compare."`
	Record string   `type:"existingfile" placeholder:"FILE" help:"The record's JSON as it is served: checked to be what the proof's leaves make."`
	Body   []string `type:"existingfile" placeholder:"FILE" help:"Bytes that stand beside one of the proof's leaves, as GET /body/… gives them; give it as often as needed."`
	AllowTest
	JSON bool `name:"json" help:"Print as JSON."`
}

// maxProofFile bounds what is read: proofs have a few kilobytes a part, and charters at most 64 KiB.
const maxProofFile = 16 << 20

// provedLeaf is one leaf of the proof for the reader.
type provedLeaf struct {
	Index      int64  `json:"index"`
	Role       string `json:"role"`
	Kind       string `json:"kind"`
	ID         string `json:"id,omitzero"`
	Logged     string `json:"logged"`
	Checkpoint int64  `json:"checkpoint_size"`
	Body       string `json:"body"` // verified, not given, erased, none
	BodyHash   string `json:"body_hash,omitzero"`
}

// Run verifies. It neither opens a data directory nor asks anybody.
func (c *VerifyRecordCmd) Run(p *Program) error {
	file, err := readBounded(c.File, maxProofFile)
	if err != nil {
		return err
	}
	v, err := c.verifyProof(file, strings.ToLower(c.ListID))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	proved, err := readParts(v.Parts)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	made, err := c.bring(proved)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	leaves := make([]provedLeaf, len(v.Parts))
	for i, part := range v.Parts {
		if leaves[i], err = describePart(part); err != nil {
			return fmt.Errorf("%s: part %d: %w", c.File, i, err)
		}
	}
	if c.JSON {
		return p.json(struct {
			List   string       `json:"list"`
			Pinned bool         `json:"pinned"`
			Leaves []provedLeaf `json:"leaves"`
			Record *madeRecord  `json:"record,omitzero"`
		}{v.ListID, c.ListID != "", leaves, made})
	}
	rows := make([][]string, len(leaves))
	for i, l := range leaves {
		rows[i] = []string{fmt.Sprint(l.Index), l.Role, l.Kind, l.ID, l.Logged, fmt.Sprint(l.Checkpoint), l.Body}
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"LEAF", "ROLE", "KIND", "ID", "LOGGED", "CHECKPOINT", "BODY"}, rows)
	if made != nil {
		fmt.Fprintln(p.Stdout, made)
	}
	fmt.Fprintf(p.Stdout, "list %s\n", v.ListID)
	if c.ListID == "" {
		fmt.Fprintln(p.Stderr, "the list's id is the proof's own word: compare it with one from a source you trust, or pin it with --list-id")
	}
	fmt.Fprintln(p.Stderr, "verified: these leaves stand in the log at these indexes; whether they are the newest about the record, an offline proof cannot say")
	return nil
}

// bring reads the files that the reader has beside the proof, and makes the record of them where they are enough for it.
func (c *VerifyRecordCmd) bring(proved *provedRecord) (*madeRecord, error) {
	for _, name := range c.Body {
		body, err := readBounded(name, maxProofFile)
		if err != nil {
			return nil, err
		}
		if err := proved.take(body); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var record []byte
	if c.Record != "" {
		var err error
		if record, err = readBounded(c.Record, maxProofFile); err != nil {
			return nil, err
		}
	}
	return proved.made(record)
}

func describePart(part ledger.VerifiedPart) (provedLeaf, error) {
	l := provedLeaf{Index: part.Index, Role: part.Role, Checkpoint: part.Checkpoint.Size,
		Logged: time.UnixMilli(part.Leaf.Stamp.Time).UTC().Format("2006-01-02T15:04:05.000Z"), Body: "none"}
	if part.HasBody {
		l.BodyHash, l.Body = hex.EncodeToString(part.BodyHash[:]), "not given"
	}
	switch {
	case part.BodyOK:
		l.Body = "verified"
	case part.Erased:
		l.Body = "erased"
	}
	e, err := event.Parse(part.Leaf.Event)
	if err != nil && !errors.Is(err, event.ErrUnknown) {
		return l, err
	}
	if e != nil {
		l.Kind, l.ID = string(e.Kind), e.ID
	}
	return l, nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s: longer than the %s that such a file can have", name, bytesText(limit))
	}
	return raw, nil
}
