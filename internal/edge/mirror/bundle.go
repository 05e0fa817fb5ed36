package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// Withheld is a leaf whose body is not to be had though no later leaf says that it was erased, or is not the one that was logged. It may come yet: nothing
// beyond it is stored, and nothing that covers it is cosigned.
type Withheld struct {
	Leaf int64
	Why  string
}

func (w *Withheld) Error() string {
	return fmt.Sprintf("mirror: the body of leaf %d is withheld: %s", w.Leaf, w.Why)
}

// item is one place of a body bundle: the body as it was sent, packed or not.
type item struct {
	mark   byte
	salt   [16]byte
	raw    []byte
	packed *ledger.Body
}

// doc is the item's body, once it was compared with what a leaf binds. ledger.ErrBody and ledger.ErrEncoding are the sender's fault.
func (i item) doc(ref event.BodyRef) (*event.Doc, error) {
	switch {
	case i.packed != nil:
		return event.Received(i.packed, ref)
	case ledger.BodyHash(i.salt, i.raw) == ref.H && int64(len(i.raw)) == ref.N:
		return event.Pack(bytes.NewReader(i.salt[:]), i.raw)
	}
	return nil, ledger.ErrBody
}

// bodies fetches the items of bundle n from item from on, up to but without item to. It asks again where an answer was cut. Packed is how a copy of this
// program stores them, which spares both sides most of the work; any server of the log can send them plain.
func (p *Peer) bodies(ctx context.Context, n int64, from, to int) ([]item, error) {
	out := make([]item, 0, to-from)
	for from < to {
		path := "/bodies/" + c2sp.IndexPath(n) + "?packed=1"
		if from > 0 {
			path += fmt.Sprintf("&from=%d", from)
		}
		raw, head, err := p.ask(ctx, http.MethodGet, path, nil, maxPart)
		if err != nil {
			return nil, err
		}
		had := from
		for r := bytes.NewReader(raw); from < to; from++ {
			var it item
			if head.Get("Tasuki-Packed") == "1" {
				it.mark, it.packed, err = ledger.ReadPacked(r)
			} else {
				it.mark, it.salt, it.raw, err = ledger.ReadItem(r)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%w: bodies/%d: %w", ErrAnswer, n, err)
			}
			out = append(out, it)
		}
		if from == had {
			return nil, fmt.Errorf("%w: bodies/%d ends at item %d", ErrAnswer, n, from)
		}
	}
	return out, nil
}

// body fetches the item of one leaf.
func (p *Peer) body(ctx context.Context, index int64) (item, error) {
	at := int(index % c2sp.Width)
	list, err := p.bodies(ctx, index/c2sp.Width, at, at+1)
	if err != nil {
		return item{}, err
	}
	return list[0], nil
}

// part is the leaves of one bundle that are fetched together.
type part struct {
	from   int64
	leaves [][]byte
	weight int64 // of the public bodies that they bind, in bytes
	bodies bool
}

// weigh reads how much the leaves will bring with them. A leaf that cannot be read weighs nothing: it is refused when it is inspected.
func weigh(from int64, leaves [][]byte) part {
	p := part{from: from, leaves: leaves}
	for i, leaf := range leaves {
		p.weight += int64(len(leaf))
		if e, err := event.Open(from+int64(i), leaf, nil); err == nil && e.Body != nil && e.Body.N >= 0 {
			p.bodies, p.weight = true, p.weight+min(e.Body.N, ledger.MaxBody)
		}
	}
	return p
}

// inspect fetches the bodies of a part and makes leaves that can be taken in. Its error is about the first leaf that cannot: what is before it is returned
// beside it. erased says whether the signed tree has a later leaf that erases this one's body.
func (f *Follower) inspect(ctx context.Context, t *tree, p part, erased func(context.Context, int64) (bool, error)) ([]*gate.Inspected, error) {
	var items []item
	if p.bodies {
		at := int(p.from % c2sp.Width)
		var err error
		if items, err = t.peer.bodies(ctx, p.from/c2sp.Width, at, at+len(p.leaves)); err != nil {
			return nil, err
		}
	}
	out := make([]*gate.Inspected, 0, len(p.leaves))
	for i, leaf := range p.leaves {
		s := gate.Stored{Index: p.from + int64(i), Leaf: leaf}
		if items != nil {
			var err error
			if s.Doc, err = f.bodyOf(ctx, s, items[i], erased); err != nil {
				return out, err
			}
			items[i] = item{}
		}
		got, err := f.o.Store.Inspect(s)
		switch {
		case errors.Is(err, event.ErrUnknown):
			return out, &event.Violation{Leaf: s.Index, Rule: "kind", Reason: "an event that this program does not know; a newer program may"}
		case errors.Is(err, gate.ErrForeign):
			return out, &event.Violation{Leaf: s.Index, Rule: "list", Reason: "the event is another list's, or its body another event's"}
		case err != nil:
			return out, &event.Violation{Leaf: s.Index, Rule: "form", Reason: "the leaf, or the body that it binds, cannot be read"}
		}
		out = append(out, got)
	}
	return out, nil
}

// bodyOf makes the body of a leaf out of what was sent for it, or says why there is none.
func (f *Follower) bodyOf(ctx context.Context, s gate.Stored, it item, erased func(context.Context, int64) (bool, error)) (*event.Doc, error) {
	e, err := event.Open(s.Index, s.Leaf, nil)
	if err != nil || e.Body == nil || e.Body.N < 0 {
		return nil, nil //nolint:nilerr // what is wrong with it, Inspect says
	}
	if it.mark == ledger.BodyPresent {
		doc, err := it.doc(*e.Body)
		if errors.Is(err, ledger.ErrBody) || errors.Is(err, ledger.ErrEncoding) {
			return nil, &Withheld{s.Index, "what is in its place is not what was logged"}
		}
		return doc, err
	}
	gone, err := erased(ctx, s.Index)
	if err != nil {
		return nil, err
	}
	if !gone {
		return nil, &Withheld{s.Index, "it is not there, and nothing says that it was erased"}
	}
	return nil, nil
}

// erasures are the leaves that a signed tree says were erased, as far as anybody asked.
type erasures struct {
	upto int64 // leaves below were looked at
	gone map[int64]bool
}

// named says whether a leaf from index from on, in the tree, erases the body of leaf target. The tree is read once, and only when a body is missing.
func (f *Follower) named(ctx context.Context, t *tree, from, target int64) (bool, error) {
	f.side.Lock()
	defer f.side.Unlock()
	if f.erased.gone == nil || f.erased.upto < from {
		f.erased = erasures{upto: from, gone: map[int64]bool{}}
	}
	if t.Size > f.erased.upto {
		err := t.each(ctx, f.erased.upto, func(index int64, leaf []byte) error {
			if e, err := event.Open(index, leaf, nil); err == nil && e.Kind == event.BodyErased && *e.Leaf < index {
				f.erased.gone[*e.Leaf] = true
			}
			f.erased.upto = index + 1
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return f.erased.gone[target], nil
}
