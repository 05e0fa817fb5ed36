package continuity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// Mirror is the rule of a validating copy (part D). It is a Client for what is published, and beside that decides what is fetched
// from the log's pending checkpoint, what is cosigned, and what is sealed. Its store may be ahead of its view: by leaves that have
// no quorum yet.
type Mirror struct {
	*Client
	disk MirrorDisk
	key  Signer // nil: stores and serves, cosigns nothing
}

// Key is a mirror's key and the store that it is bound to (MirrorDisk.ID). Whoever keeps the key writes the store's id beside it
// before it is used the first time. A key whose store was lost has forgotten what it promised: the charter must name a new one.
type Key struct {
	Signer
	Store string
}

// OpenMirror loads a mirror. key is nil for a copy that does not cosign. ErrAmnesia: the key is bound to another store.
func (r Rules) OpenMirror(ctx context.Context, disk MirrorDisk, key *Key, policy ClientPolicy, now func() time.Time) (*Mirror, error) {
	c, err := r.OpenClient(ctx, disk, policy, now)
	if err != nil {
		return nil, err
	}
	m := &Mirror{Client: c, disk: disk}
	if key == nil {
		return m, nil
	}
	id, err := disk.ID(ctx)
	if err != nil {
		return nil, err
	}
	if id != key.Store && r.off != mutant.Amnesia {
		return nil, fmt.Errorf("%w: it is bound to another store", ErrAmnesia)
	}
	m.key = key.Signer
	return m, nil
}

// OpenMirror loads a mirror under the rules of production.
func OpenMirror(ctx context.Context, disk MirrorDisk, key *Key, policy ClientPolicy, now func() time.Time) (*Mirror, error) {
	return Rules{}.OpenMirror(ctx, disk, key, policy, now)
}

// OfferCharter takes in a charter from anybody. One that opens an epoch seals the old origin with it, in one transaction: from
// that commit on no cosignature for it can be made.
func (m *Mirror) OfferCharter(ctx context.Context, d *charter.Document) (Offer, error) {
	return m.offer(ctx, d, m.sealing)
}

func (m *Mirror) sealing(ctx context.Context, old, next *charter.Document) (*Sealing, error) {
	entered, err := m.entered(ctx, old.Charter().Operator.Epoch)
	if err != nil {
		return nil, err
	}
	s := &Sealing{Origin: old.Origin(), Entered: entered, Charter: next.Hash(), broken: m.rules.off == mutant.NoSeal}
	if m.key != nil {
		s.Sign = func(stored Tree) ([]byte, error) {
			return Seal{m.Chain.ListID(), old.Origin(), next.Hash(), stored}.Sign(m.key, m.now())
		}
	}
	return s, nil
}

// entered says that the store holds the opening of an epoch of this chain; another branch may have opened one of the same number.
func (m *Mirror) entered(ctx context.Context, epoch int64) (bool, error) {
	o, err := m.disk.Opening(ctx, epoch)
	if errors.Is(err, ErrNotOpened) || errors.Is(err, ErrOpening) {
		return false, nil
	}
	return err == nil && o.Charter == m.Chain.OpenedBy(epoch).Hash(), err
}

// Unacknowledged are the leaves [from, to) that the newest charter's epoch found behind it and that this mirror knows nobody to have been told of: they
// stand above every checkpoint of the epochs before that it cosigned, and above its view. Both are 0 where the epoch is not opened here, or is the first.
func (m *Mirror) Unacknowledged(ctx context.Context) (from, to int64, err error) {
	epoch := m.Chain.Head().Charter().Operator.Epoch
	if epoch == 1 {
		return 0, 0, nil
	}
	o, err := m.disk.Opening(ctx, epoch)
	if errors.Is(err, ErrNotOpened) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for _, d := range m.Chain.Documents() {
		if d.Charter().Operator.Epoch == epoch {
			break
		}
		_, cosigned, err := m.disk.Heads(ctx, d.Origin())
		if err != nil {
			return 0, 0, err
		}
		from = max(from, cosigned.Size)
	}
	if m.Accepted.Epoch < epoch {
		from = max(from, m.Accepted.Size)
	}
	if from == 0 && len(o.Reports) == 0 {
		return 0, 0, nil // it was no mirror of what came before, and no mirror's word stands for where that ended
	}
	return min(from, o.Index), o.Index, nil
}

// Ending are the charters of the epochs that end and have not ended here: those of the newest epoch that is opened here and of others after it, up to the
// one whose opening is to come. None where the newest charter's epoch is opened.
func Ending(ctx context.Context, disk interface {
	Opening(ctx context.Context, epoch int64) (Opening, error)
}, chain *charter.Chain) ([]*charter.Document, error) {
	docs := chain.Documents()
	newest := chain.Head().Charter().Operator.Epoch
	for epoch := newest; epoch >= 1; epoch-- {
		_, err := disk.Opening(ctx, epoch)
		if err != nil && !errors.Is(err, ErrNotOpened) {
			return nil, err
		}
		if err != nil && epoch > 1 {
			continue
		}
		return slices.DeleteFunc(docs, func(d *charter.Document) bool {
			e := d.Charter().Operator.Epoch
			return e < epoch || e == newest
		}), nil
	}
	return nil, nil
}

// Choose is the decision of people between two successors. A mirror that has cosigned in one branch never helps another: else two
// branches of one list could each have a quorum. It answers ErrCommitted then; only a newer charter leads on from there.
func (m *Mirror) Choose(ctx context.Context, hash string) error {
	head := m.Chain.Head()
	if hash == head.Hash() {
		return m.Release(ctx)
	}
	d, err := m.beside(hash)
	if err == nil {
		err = m.mayChoose(d)
	}
	if err != nil {
		return err
	}
	v := head.Charter().V
	if old := m.Chain.At(v - 1); old.Charter().Operator.Epoch != head.Charter().Operator.Epoch {
		_, cosigned, err := m.disk.Heads(ctx, head.Origin())
		if err != nil {
			return err
		}
		if cosigned.Size > 0 && m.rules.off != mutant.ChooseBack {
			return fmt.Errorf("charter %d: %w", v, ErrCommitted)
		}
	}
	return m.choose(ctx, d, m.sealing)
}

// Step is what a mirror does with a pending checkpoint that it may go on to.
type Step struct {
	From, To Tree // fetch the leaves between; equal sizes: everything is there
}

// Consider decides about a checkpoint that the log signed, before any leaf of it is fetched, and records that it was seen. Errors:
// ErrHeld; ErrOrigin, ErrUnsigned; ErrStopped; ErrStale for a tree smaller than a stored one of the same epoch; ErrFork for one that
// does not contain what is stored (the mirror stops cosigning the origin, and keeps both notes); ErrTail when leaves of an older
// epoch must be dropped first (Rebase); ErrOpening; or what kept the copy from answering. The copy is that of the checkpoint's tree.
func (m *Mirror) Consider(ctx context.Context, signed []byte, copy Copy) (Step, error) {
	v, err := m.signedByLog(ctx, signed)
	if err != nil {
		return Step{}, err
	}
	to := v.Tree()
	stop, err := m.stopped(ctx, v)
	if err != nil {
		return Step{}, err
	}
	// A mirror that found its log contradicting itself cosigns no more of it, but serves on what a quorum vouches for. One that found
	// a leaf against the rules takes in nothing beyond it from anybody.
	if stop != nil && (stop.Leaf >= 0 || !v.OK()) {
		return Step{}, fmt.Errorf("%w: at %d: %s", ErrStopped, stop.Size, stop.Reason)
	}
	if err := m.compare(ctx, v, signed, copy); err != nil {
		return Step{}, err
	}
	// A new epoch proves its place before the first of its leaves is stored: what is stored is not easily got rid of.
	entered, err := m.entered(ctx, v.epoch)
	if err == nil && !entered && m.rules.off != mutant.CosignUnopened {
		err = m.checkCopy(ctx, copy, to.Size)
	}
	if err != nil {
		return Step{}, err
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return Step{}, err
	}
	seen, _, err := m.disk.Heads(ctx, v.Checkpoint.Origin)
	if err != nil {
		return Step{}, err
	}
	if to.Size > seen.Size {
		if err := m.disk.See(ctx, v.Checkpoint.Origin, Signed{Tree: to, Note: signed}); err != nil {
			return Step{}, err
		}
	}
	if to.Size <= stored.Size {
		return Step{to, to}, nil
	}
	return Step{stored, to}, nil
}

// compare finds out whether a signed tree and the stored one are of one log. The copy is asked only for a tree beyond the stored one.
func (m *Mirror) compare(ctx context.Context, v Verdict, signed []byte, copy Copy) error {
	if m.rules.off == mutant.CosignFork {
		return nil
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return err
	}
	to := v.Tree()
	if to.Size <= stored.Size {
		err = prefixOf(ctx, m.disk, stored.Size, to)
	} else {
		err = prefixOf(ctx, copy, to.Size, stored)
	}
	if !errors.Is(err, ErrFork) {
		return err
	}
	// The stored tree is not the log's. If the store holds nothing of this epoch it may end in leaves of the last one that nobody
	// continues; otherwise the log has contradicted itself.
	entered, err := m.entered(ctx, v.epoch)
	switch {
	case err != nil:
		return err
	case !entered:
		return fmt.Errorf("%w: at %d leaves", ErrTail, stored.Size)
	}
	seen, cosigned, err := m.disk.Heads(ctx, v.Checkpoint.Origin)
	if err != nil {
		return err
	}
	notes := [][]byte{signed}
	if seen.Size > 0 {
		notes = [][]byte{seen.Note, signed}
	}
	e := newEvidence(EvidenceFork, v.Checkpoint.Origin, "the log signed two trees of which neither contains the other", m.now(), notes...)
	if seen.Size < to.Size {
		e = e.with(grown(ctx, copy, to, seen.Tree))
	} else if seen.Size <= stored.Size {
		e = e.with(grown(ctx, m.disk, seen.Tree, to))
	}
	halt := Stop{Origin: v.Checkpoint.Origin, Size: cosigned.Size, Kind: EvidenceFork, Leaf: -1, Reason: e.Text, At: m.now()}
	if err := m.disk.Halt(ctx, halt, &e); err != nil {
		return err
	}
	return fmt.Errorf("%w: neither tree contains the other at size %d", ErrFork, min(stored.Size, to.Size))
}

// signedByLog checks what can be seen from a note alone: that this mirror moves, the newest epoch's origin and log key.
func (m *Mirror) signedByLog(ctx context.Context, signed []byte) (Verdict, error) {
	if m.Hold.Held() {
		return Verdict{}, fmt.Errorf("%w: %s", ErrHeld, m.Hold.Why)
	}
	v, err := m.check(signed)
	switch {
	case err != nil:
		return v, err
	case v.Err != nil:
		return v, v.Err
	case !v.LogSigned:
		return v, ErrUnsigned
	}
	if err := m.remembers(ctx, v); err != nil {
		return v, err
	}
	return v, nil
}

// stopped is the stop that a checkpoint lies beyond, nil for none.
func (m *Mirror) stopped(ctx context.Context, v Verdict) (*Stop, error) {
	stop, err := m.disk.Halted(ctx, v.Checkpoint.Origin)
	if err != nil || stop == nil || v.Checkpoint.Size <= stop.Size {
		return nil, err
	}
	return stop, nil
}

// check counts a note under the newest charter. Without the rule of sealing the charter before counts too.
func (m *Mirror) check(signed []byte) (Verdict, error) {
	for d := m.Chain.Head(); ; d = m.Chain.At(d.Charter().V - 1) {
		q, err := m.rules.QuorumOf(d)
		if err != nil {
			return Verdict{}, err
		}
		v := q.Check(signed)
		v.epoch, v.quorum = d.Charter().Operator.Epoch, q
		if m.rules.off != mutant.NoSeal || !errors.Is(v.Err, ErrOrigin) || d.Charter().V == 1 {
			return v, nil
		}
	}
}

// remembers compares this key's own line on a note with what the disk knows: a disk that was lost or brought back from a copy
// forgot what its key promised, and must never sign again.
func (m *Mirror) remembers(ctx context.Context, v Verdict) error {
	if m.key == nil || m.rules.off == mutant.Amnesia {
		return nil
	}
	mine := m.key.VKey().String()
	for _, vote := range v.Mirrors {
		if vote.VKey != mine || vote.At.IsZero() {
			continue
		}
		_, cosigned, err := m.disk.Heads(ctx, v.Checkpoint.Origin)
		if err != nil {
			return err
		}
		if cosigned.Size < v.Checkpoint.Size {
			halt := Stop{Origin: v.Checkpoint.Origin, Size: cosigned.Size, Kind: EvidenceRefusal, Leaf: -1, At: m.now(),
				Reason: "this mirror has lost what its key promised"}
			if err := m.disk.Halt(ctx, halt, nil); err != nil {
				return err
			}
			return fmt.Errorf("%w: %d, and knows of %d", ErrAmnesia, v.Checkpoint.Size, cosigned.Size)
		}
	}
	return nil
}

// Rebase drops stored leaves that the list does not continue: those of an old epoch above the place where the new one opens, or
// those of a log that contradicted itself when the other branch has the quorum. It is allowed only when the copy contains this
// mirror's view and proves every epoch's place, or bears the quorum: then no quorum ever stood on the leaves that go. It returns what
// is kept. The caller has saved the tail before; its events are handed in again. A stop of the origin stays.
func (m *Mirror) Rebase(ctx context.Context, signed []byte, copy Copy) (Tree, error) {
	if m.Hold.Held() {
		return Tree{}, fmt.Errorf("%w: %s", ErrHeld, m.Hold.Why)
	}
	v, err := m.check(signed)
	switch {
	case err != nil:
		return Tree{}, err
	case v.Err != nil:
		return Tree{}, v.Err
	case !v.LogSigned:
		return Tree{}, ErrUnsigned
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return Tree{}, err
	}
	entered, err := m.entered(ctx, v.epoch)
	switch {
	case err != nil:
		return Tree{}, err
	case entered && !v.OK():
		return Tree{}, fmt.Errorf("%w: the store is in this epoch already, and this is not published", ErrFork)
	}
	if m.rules.off != mutant.CutFreely {
		if err := m.checkCopy(ctx, copy, v.Checkpoint.Size); err != nil {
			return Tree{}, err
		}
	}
	keep, err := common(ctx, m.disk, copy, min(stored.Size, v.Checkpoint.Size))
	if err != nil || keep.Size == stored.Size {
		return keep, err
	}
	reports, err := m.reportsIn(ctx, copy, v.epoch)
	if err != nil {
		return keep, err
	}
	return keep, m.disk.Cut(ctx, keep.Size, reports)
}

// reportsIn are the reports of the openings since this mirror's view.
func (m *Mirror) reportsIn(ctx context.Context, copy Copy, newest int64) (notes [][]byte, err error) {
	for e := max(m.Accepted.Epoch, 1) + 1; e <= newest; e++ {
		o, err := copy.Opening(ctx, e)
		if errors.Is(err, ErrNotOpened) {
			continue
		}
		if err != nil {
			return nil, err
		}
		notes = append(notes, o.Reports...)
	}
	return notes, nil
}

// TakeOver makes a mirror's store the copy that its handover plans to continue: leaves that the plan does not contain are dropped. It
// returns what is kept; the caller fetches the rest and writes the plan's leaf. The copy is that of the plan's tree.
func (m *Mirror) TakeOver(ctx context.Context, p Plan, copy Copy) (Tree, error) {
	if err := m.rules.NewHandover(m.Chain, m.Accepted).prove(ctx, p, copy); err != nil {
		return Tree{}, err
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return Tree{}, err
	}
	keep, err := common(ctx, m.disk, copy, min(stored.Size, p.Size))
	if err != nil || keep.Size == stored.Size {
		return keep, err
	}
	return keep, m.disk.Cut(ctx, keep.Size, p.Reports)
}

// Handover begins the handover to the epoch of this mirror's newest charter, with this mirror's own seals and the reports that it
// has kept.
func (m *Mirror) Handover(ctx context.Context) (*Handover, error) {
	h := m.rules.NewHandover(m.Chain, m.Accepted)
	seals, err := m.disk.Seals(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := m.disk.Reports(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range seals {
		kept = append(kept, s.Note)
	}
	for _, note := range kept {
		// One of another branch is no report here, and no harm.
		if err := h.Add(note); err != nil && !errors.Is(err, ErrSeal) {
			return nil, err
		}
	}
	return h, nil
}

// checkCopy checks that a copy proves every epoch since this mirror's view and contains the view.
func (m *Mirror) checkCopy(ctx context.Context, copy Copy, size int64) error {
	if m.rules.off != mutant.MirrorSkipsSeals && m.rules.off != mutant.AnyCopy {
		if err := m.rules.checkOpenings(ctx, m.Chain, m.Accepted.Epoch, m.Chain.Head().Charter().Operator.Epoch, copy, size); err != nil {
			return err
		}
	}
	if m.Accepted.Size == 0 {
		return nil
	}
	return prefixOf(ctx, copy, size, m.Accepted.Tree)
}

// Accept decides about a published checkpoint as a client does. A mirror serves only what it stores, so the copy is its own:
// ErrUnstored until the leaves are there. ErrFork when its store does not contain the checkpoint (Rebase).
func (m *Mirror) Accept(ctx context.Context, signed []byte) error {
	if m.Hold.Held() {
		return fmt.Errorf("%w: %s", ErrHeld, m.Hold.Why)
	}
	v, err := m.admit(signed)
	if err != nil {
		return err
	}
	if err := m.remembers(ctx, v); err != nil && !errors.Is(err, ErrAmnesia) {
		return err // with amnesia it serves on, and cosigns nothing
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return err
	}
	if v.Checkpoint.Size > stored.Size {
		return fmt.Errorf("%w: %d, and %d are stored", ErrUnstored, v.Checkpoint.Size, stored.Size)
	}
	if err := m.compare(ctx, v, signed, nil); err != nil {
		return err
	}
	return m.Client.Accept(ctx, signed, m.disk)
}

// common finds the largest tree, of at most size leaves, that two copies share.
func common(ctx context.Context, a, b Copy, size int64) (Tree, error) {
	var keep Tree
	low, high := int64(0), size // equal at low, and beyond high nothing was asked
	for low <= high {
		mid := low + (high-low)/2
		x, err := a.RootAt(ctx, mid)
		if err != nil {
			return keep, err
		}
		y, err := b.RootAt(ctx, mid)
		if err != nil {
			return keep, err
		}
		if x == y {
			keep, low = Tree{mid, x}, mid+1
		} else {
			high = mid - 1
		}
	}
	return keep, nil
}

// Cosign decides about a log-signed checkpoint whose leaves are stored, and returns this mirror's line. The record is on disk before
// the line is returned. Errors as Consider's, and ErrNotListed, ErrUnstored, ErrSealed.
func (m *Mirror) Cosign(ctx context.Context, signed []byte) (c2sp.Line, error) {
	v, err := m.signedByLog(ctx, signed)
	if err != nil {
		return c2sp.Line{}, err
	}
	if err := m.mayCosign(ctx, v, signed); err != nil {
		return c2sp.Line{}, err
	}
	line, err := m.key.Cosign(v.Text, m.now())
	if err != nil {
		return c2sp.Line{}, err
	}
	if err := m.disk.Cosign(ctx, v.Checkpoint.Origin, Signed{Tree: v.Tree(), Note: v.note.With(line).Bytes()}); err != nil {
		return c2sp.Line{}, fmt.Errorf("cosign %s at %d: %w", v.Checkpoint.Origin, v.Checkpoint.Size, err)
	}
	return line, nil
}

// mayCosign is every rule about a cosignature but those that the record itself enforces: the seal, and never back.
func (m *Mirror) mayCosign(ctx context.Context, v Verdict, signed []byte) error {
	if m.key == nil || !v.quorum.listed(m.key.VKey().String()) {
		return ErrNotListed
	}
	stop, err := m.stopped(ctx, v)
	switch {
	case err != nil:
		return err
	case stop != nil:
		return fmt.Errorf("%w: at %d: %s", ErrStopped, stop.Size, stop.Reason)
	case m.rules.off == mutant.CosignUnstored:
		return nil
	}
	stored, err := m.disk.Stored(ctx)
	if err != nil {
		return err
	}
	to := v.Tree()
	if to.Size > stored.Size {
		return fmt.Errorf("%w: %d, and %d are stored", ErrUnstored, to.Size, stored.Size)
	}
	if err := m.compare(ctx, v, signed, nil); err != nil {
		return err
	}
	if m.rules.off == mutant.CosignUnopened || v.epoch != m.Chain.Head().Charter().Operator.Epoch {
		return nil
	}
	// What this mirror serves as published stays, and the epoch is opened where the charter chain lets it.
	return m.checkCopy(ctx, m.disk, to.Size)
}

// Violation records that a leaf breaks a rule: nothing beyond it is cosigned under this origin, and everybody can see why. reason is
// shown to the public. proof is the leaf's LeafProof under the checkpoint signed, nil where nobody could give it.
func (m *Mirror) Violation(ctx context.Context, signed []byte, leaf int64, reason string, proof []byte) error {
	origin := m.Chain.Head().Origin()
	pieces := [][]byte{signed}
	if proof != nil {
		pieces = append(pieces, proof)
	}
	e := newEvidence(EvidenceRefusal, origin, fmt.Sprintf("leaf %d: %s", leaf, reason), m.now(), pieces...)
	return m.disk.Halt(ctx, Stop{Origin: origin, Size: leaf, Kind: EvidenceRefusal, Leaf: leaf, Reason: reason, At: m.now()}, &e)
}

// Stopped is why this mirror does not cosign the newest origin further; nil: it does.
func (m *Mirror) Stopped(ctx context.Context) (*Stop, error) {
	return m.disk.Halted(ctx, m.Chain.Head().Origin())
}

// Seals are the statements of this mirror, newest last.
func (m *Mirror) Seals(ctx context.Context) ([]Signed, error) { return m.disk.Seals(ctx) }
