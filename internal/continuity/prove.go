package continuity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
)

// Proven is what a piece of evidence shows to whoever has the list's charters and nothing else.
type Proven struct {
	// Holds says that somebody signed what nobody may sign.
	Holds bool
	// Facts are what is proven, a sentence each; Open is what the file says beyond them, and where to look for it.
	Facts, Open []string
}

func (p *Proven) fact(format string, args ...any) {
	p.Facts = append(p.Facts, fmt.Sprintf(format, args...))
}
func (p *Proven) open(format string, args ...any) {
	p.Open = append(p.Open, fmt.Sprintf(format, args...))
}

// Prove checks evidence against charters: those of the list's chain, and siblings that are as valid (charter.Chain.Check). The words of the evidence itself
// count for nothing. Errors wrap ErrEvidence: what the file holds is not what its kind must hold, or is signed by nobody of this list.
func Prove(chain *charter.Chain, siblings []*charter.Document, e Evidence) (Proven, error) {
	var p Proven
	var err error
	switch e.Kind {
	case EvidenceFork:
		err = p.fork(chain, siblings, e.Notes)
	case EvidenceSibling:
		err = p.sibling(chain, e.Notes)
	case EvidenceRefusal:
		err = p.refusal(chain, siblings, e.Notes)
	case EvidenceOpening:
		for _, note := range e.Notes {
			if _, err = p.signed(chain, siblings, note); err != nil {
				break
			}
		}
		p.open("that a leaf below it is against the rules: whoever keeps a copy of that tree can see it; this file cannot show it")
	case EvidenceLane:
		err = p.lane(chain, e.Notes)
	default:
		err = fmt.Errorf("%w: of a kind that this program does not know", ErrEvidence)
	}
	return p, err
}

// signed finds the charter whose log key signed a note, and says so.
func (p *Proven) signed(chain *charter.Chain, siblings []*charter.Document, note []byte) (Verdict, error) {
	err := fmt.Errorf("%w: a note of an origin that no charter names", ErrEvidence)
	docs := append(chain.Documents(), siblings...)
	for _, d := range slices.Backward(docs) {
		q, qerr := QuorumOf(d)
		if qerr != nil {
			return Verdict{}, qerr
		}
		v := q.Check(note)
		switch {
		case errors.Is(v.Err, ErrOrigin):
			continue
		case v.Err != nil:
			return v, fmt.Errorf("%w: %w", ErrEvidence, v.Err)
		case !v.LogSigned:
			return v, fmt.Errorf("%w: a note that the log key of %s has not signed", ErrEvidence, v.Checkpoint.Origin)
		}
		how := "without a quorum"
		if v.OK() {
			how = "and it was published: it has the quorum of charter " + fmt.Sprint(d.Charter().V)
		}
		p.fact("the log key of %s signed a tree of %d leaves with the root %s, %s", v.Checkpoint.Origin, v.Checkpoint.Size, v.Checkpoint.Root, how)
		return v, nil
	}
	return Verdict{}, err
}

// LeafProof is the piece of evidence that a leaf stands in a signed tree: a c2sp.org/tlog-proof@v1 with the leaf's own bytes as its extra data.
func LeafProof(signed, leaf []byte, index int64, path tlog.RecordProof) []byte {
	return c2sp.Proof{Extra: leaf, Index: index, Path: path, Checkpoint: signed}.Append(nil)
}

// refusal reads a signed tree and, where the one who refused it had it, the leaf for which it was refused.
func (p *Proven) refusal(chain *charter.Chain, siblings []*charter.Document, pieces [][]byte) error {
	if len(pieces) == 0 || len(pieces) > 2 {
		return fmt.Errorf("%w: a refusal is a note, and a leaf's proof", ErrEvidence)
	}
	v, err := p.signed(chain, siblings, pieces[0])
	if err != nil {
		return err
	}
	if len(pieces) == 1 {
		p.open("that a leaf below it is against the rules: whoever keeps a copy of that tree can see it; this file cannot show it")
		return nil
	}
	proofs, err := c2sp.ParseProofs(pieces[1], 1)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	proof := proofs[0]
	if !bytes.Equal(proof.Checkpoint, pieces[0]) {
		return fmt.Errorf("%w: the leaf's proof is of another tree", ErrEvidence)
	}
	if err := tlog.CheckRecord(proof.Path, v.Checkpoint.Size, v.Checkpoint.Root, proof.Index, ledger.LeafHash(proof.Extra)); err != nil {
		return fmt.Errorf("%w: leaf %d: %w", ErrEvidence, proof.Index, err)
	}
	e, err := event.Open(proof.Index, proof.Extra, nil)
	switch {
	case errors.Is(err, event.ErrUnknown):
		p.fact("leaf %d of that tree is of a kind that this program does not know", proof.Index)
	case err != nil:
		p.fact("leaf %d of that tree is no event: %v", proof.Index, err)
		p.Holds = true
	case e.List != chain.ListID():
		p.fact("leaf %d of that tree is an event of the list %s", proof.Index, e.List)
		p.Holds = true
	default:
		p.fact("leaf %d of that tree is, in its own words, %s", proof.Index, inWords(e))
	}
	if !p.Holds {
		p.open("that this leaf is against the rules: that rests on the leaves before it, and whoever keeps a copy of that tree can see it")
	}
	return nil
}

// inWords is what a leaf says of itself.
func inWords(e *event.Entry) string {
	text := string(e.Kind)
	if e.ID != "" {
		text += " about " + e.ID
	}
	if e.By != "" {
		text += " by " + e.By
	}
	if len(e.Sigs) == 0 {
		return text + ", signed by nobody"
	}
	return text + fmt.Sprintf(", with %d signatures", len(e.Sigs))
}

func (p *Proven) fork(chain *charter.Chain, siblings []*charter.Document, notes [][]byte) error {
	var growth *Growth
	if n := len(notes); n > 0 && strings.HasPrefix(string(notes[n-1]), growthHeader+"\n") {
		g, err := ParseGrowth(string(notes[n-1]))
		if err != nil {
			return err
		}
		growth, notes = &g, notes[:n-1]
	}
	if len(notes) == 0 || len(notes) > 2 {
		return fmt.Errorf("%w: a fork is one or two notes", ErrEvidence)
	}
	var seen []Verdict
	for _, note := range notes {
		v, err := p.signed(chain, siblings, note)
		if err != nil {
			return err
		}
		seen = append(seen, v)
	}
	if len(seen) == 1 {
		p.open("the other tree: this file has only one note")
		return nil
	}
	a, b := seen[0], seen[1]
	if a.Checkpoint.Size > b.Checkpoint.Size {
		a, b = b, a
	}
	switch small, large := a.Tree(), b.Tree(); {
	case small.Size == large.Size && small.Root != large.Root:
		p.fact("the two trees have one size and different roots: no log that only grows has both")
		p.Holds = true
	case small.Size == large.Size:
		return fmt.Errorf("%w: both notes are of one tree", ErrEvidence)
	case growth == nil:
		p.open("that the larger tree does not begin with the smaller: ask a copy of the larger for its root at %d leaves", small.Size)
	case growth.To != large || growth.From.Size != small.Size:
		return fmt.Errorf("%w: the growth is of other trees", ErrEvidence)
	case growth.From.Root == small.Root:
		return fmt.Errorf("%w: the larger tree begins with the smaller: there is no fork", ErrEvidence)
	default:
		p.fact("the larger tree begins with the root %s at %d leaves, not with the smaller tree: no log that only grows has both", growth.From.Root, small.Size)
		p.Holds = true
	}
	if p.Holds {
		p.accomplices(a, b)
	}
	return nil
}

// accomplices names who cosigned both.
func (p *Proven) accomplices(a, b Verdict) {
	for _, of := range []struct {
		role string
		a, b []Vote
	}{{"mirror", a.Mirrors, b.Mirrors}, {"witness", a.Witnesses, b.Witnesses}} {
		for _, one := range of.a {
			if !one.At.IsZero() && slices.ContainsFunc(of.b, func(v Vote) bool { return v.VKey == one.VKey && !v.At.IsZero() }) {
				p.fact("the %s %s cosigned both", of.role, one.Name)
			}
		}
	}
}

func (p *Proven) sibling(chain *charter.Chain, documents [][]byte) error {
	var docs []*charter.Document
	for _, raw := range documents {
		d, err := charter.Parse(raw)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrEvidence, err)
		}
		if err := chain.Check(d); !errors.Is(err, charter.ErrKnown) && !errors.Is(err, charter.ErrSibling) && err != nil {
			return fmt.Errorf("%w: charter %d: %w", ErrEvidence, d.Charter().V, err)
		}
		docs = append(docs, d)
	}
	if len(docs) != 2 || docs[0].Charter().V != docs[1].Charter().V || docs[0].Hash() == docs[1].Hash() {
		return fmt.Errorf("%w: siblings are two charters of one version", ErrEvidence)
	}
	v := docs[0].Charter().V
	for _, d := range docs {
		p.fact("charter %d with the hash %s, which names the operator %s, bears enough of the board's signatures", v, d.Hash(), d.Charter().Operator.Slug)
	}
	if v > 1 {
		old := chain.At(v - 1)
		for _, s := range docs[0].Tally(old).Old.Signed {
			if slices.ContainsFunc(docs[1].Tally(old).Old.Signed, func(o charter.BoardSeat) bool { return o.Key == s.Key }) {
				p.fact("seat %s of the board signed both", s.ID)
			}
		}
	}
	p.Holds = true
	return nil
}

// lane reads a leaf and a submission without its body: two first publications of one number.
func (p *Proven) lane(chain *charter.Chain, pieces [][]byte) error {
	if len(pieces) != 2 {
		return fmt.Errorf("%w: of a lane are a leaf and a submission", ErrEvidence)
	}
	leaf, err := ledger.ParseLeaf(pieces[0])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	var sub struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   string `json:"sig"`
		} `json:"signatures"`
	}
	if json.Unmarshal(pieces[1], &sub) != nil || sub.PayloadType != dsse.TypeEvent {
		return fmt.Errorf("%w: not a submission", ErrEvidence)
	}
	logged, err := event.Parse(leaf.Event)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	refused, err := event.Parse(sub.Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	list := chain.ListID()
	if logged.ID == "" || logged.ID != refused.ID || logged.By != refused.By || logged.Prev != "" || refused.Prev != "" ||
		logged.List != list || refused.List != list || bytes.Equal(leaf.Event, sub.Payload) {
		return fmt.Errorf("%w: not two first publications of one number by one author", ErrEvidence)
	}
	verified := func(key, sig string, raw []byte) bool {
		k, err := dsse.ParseKey(key)
		return err == nil && dsse.VerifyEvent(k, raw, sig) == nil
	}
	var keys []string
	for _, s := range leaf.Sigs {
		if verified(s.Key, s.Sig, leaf.Event) {
			keys = append(keys, s.Key)
		}
	}
	for _, s := range sub.Signatures {
		if slices.Contains(keys, s.KeyID) && verified(s.KeyID, s.Sig, sub.Payload) {
			p.fact("the key %s signed two different first publications of %s", s.KeyID, logged.ID)
			p.open("whose key that is: the log says it (key.added)")
			p.Holds = true
			return nil
		}
	}
	p.open("that one author signed both: the keys differ, and only the log says whose they are (key.added)")
	return nil
}

// SiblingEvidence is the evidence that two charters of one version are: nothing but the documents, in the order of their hashes. Its time is when the later
// one says that it was issued.
func SiblingEvidence(a, b *charter.Document) (Evidence, error) {
	if a.Hash() > b.Hash() {
		a, b = b, a
	}
	x, err := a.Bytes()
	if err != nil {
		return Evidence{}, err
	}
	y, err := b.Bytes()
	if err != nil {
		return Evidence{}, err
	}
	var at time.Time
	for _, d := range []*charter.Document{a, b} {
		if t, err := time.Parse(time.RFC3339, d.Charter().Issued); err == nil && t.After(at) {
			at = t.UTC()
		}
	}
	return newEvidence(EvidenceSibling, "", fmt.Sprintf("the board signed two charters %d", a.Charter().V), at, x, y), nil
}
