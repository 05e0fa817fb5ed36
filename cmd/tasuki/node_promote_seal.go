package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// How an operator that lives hands over: nothing more is taken in, what is here is signed and published, and only then the origin is sealed (continuity F.5).
const (
	offerPatience = 3 * time.Second // with a charter that came by itself: its mirrors may have sealed already
	sealing       = "this operator hands the list over: what was written is being published, and nothing more is taken in"
)

// errUnpublished means that not everything here has its quorum.
var errUnpublished = errors.New("not everything that is written here is published yet; mirrors or witnesses are missing (tasuki doctor says who)")

// handOver ends this node's epoch under a charter that opens the next one. It gives the quorum so long to cover what is written here; with force it then goes
// on without, and what is left is in this store alone, acknowledged to nobody as durable.
func (n *node) handOver(ctx context.Context, doc *charter.Document, patience time.Duration, force bool) error {
	n.handing.Lock()
	defer n.handing.Unlock()
	if err := n.chain.Check(doc); err != nil {
		return err
	}
	if why, _ := n.office.state(); why == "" && n.sealed == "" {
		n.office.close(sealing)
		if err := n.publishAll(ctx, patience); err != nil {
			if !force {
				n.office.open()
				return err
			}
			n.log.WarnContext(ctx, "sealed before everything was published", "err", err)
		}
	}
	return n.takeOffice(ctx, doc)
}

// publishAll signs what is written and waits for its quorum, until nothing is left: a command that was let in just before the office closed may come last.
func (n *node) publishAll(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		size, err := n.size(ctx)
		if err != nil {
			return err
		}
		if cp := n.checkpoint.Load(); cp != nil && cp.Size >= size {
			return nil
		}
		if n.signer == nil {
			return errUnpublished
		}
		if _, _, err := n.signer.Sign(ctx); err != nil {
			return fmt.Errorf("sign what is left: %w", err)
		}
		if n.publishing == nil {
			continue
		}
		if err := n.publishing.wait(ctx, size); err != nil {
			return fmt.Errorf("%w (%w)", errUnpublished, err)
		}
	}
}

// takeOffice seals the origin under a charter that ends it (an amendment on the way to it is stored alone), and lets this node serve what it has, read-only.
// Where the operator is one of its own mirrors it gives its seal like any other.
func (n *node) takeOffice(ctx context.Context, doc *charter.Document) error {
	old := n.chain.Opening()
	own, _, err := n.ownMirror(ctx)
	switch {
	case err != nil:
		return err
	case own != nil:
		_, err = own.OfferCharter(ctx, doc)
	case n.chain.Head().OpensEpoch(doc):
		err = n.continuity.Extend(ctx, doc, &continuity.Sealing{Origin: old.Origin(), Charter: doc.Hash()})
	default:
		err = n.continuity.Extend(ctx, doc, nil)
	}
	if err != nil {
		return err
	}
	ends := n.chain.Head().OpensEpoch(doc)
	if err := n.chain.Extend(doc); err != nil && !errors.Is(err, charter.ErrKnown) {
		return err
	}
	if ends {
		c := doc.Charter()
		n.office.end(fmt.Sprintf("the board's charter %d ends this epoch: epoch %d is of %s, %s", c.V, c.Operator.Epoch, c.Operator.Slug, c.Operator.URL))
		n.log.WarnContext(ctx, "the board has signed a charter that ends this epoch: this node signs nothing more", "origin", old.Origin(), "charter", c.V,
			"operator", c.Operator.Slug, "url", c.Operator.URL)
		n.signedNews.tell()
	}
	return nil
}

// sealRequest asks an operator to end its epoch.
type sealRequest struct {
	Document string `json:"document"`
	Seconds  int64  `json:"seconds"` // to wait for the quorum
	Force    bool   `json:"force"`
}

// sealAnswer says where the epoch ended.
type sealAnswer struct {
	Origin    string `json:"origin"`
	Charter   int64  `json:"charter"`
	Operator  string `json:"operator"` // of the next epoch
	URL       string `json:"url"`
	Size      int64  `json:"size"`      // leaves here
	Published int64  `json:"published"` // of them with their quorum
}

var errNoEpoch = errors.New("this charter opens no epoch, so there is nothing to seal: tasuki charter publish hands it to the node")

// sealNow is "seal now".
func (n *node) sealNow(ctx context.Context, q sealRequest, report Reporter) (out sealAnswer, err error) {
	doc, err := charter.Parse([]byte(q.Document))
	if err != nil {
		return out, err
	}
	if n.role != nil {
		return out, fmt.Errorf("%w: a mirror seals by itself when it gets the charter (tasuki charter publish)", authority.ErrSealed)
	}
	if err := n.chain.Check(doc); err != nil {
		return out, err
	}
	if !n.chain.Head().OpensEpoch(doc) {
		return out, errNoEpoch
	}
	out = sealAnswer{Origin: n.chain.Opening().Origin(), Charter: doc.Charter().V, Operator: doc.Charter().Operator.Slug, URL: doc.Charter().Operator.URL}
	report.Step("nothing more is taken in; waiting for the quorum")
	if err := n.handOver(ctx, doc, time.Duration(q.Seconds)*time.Second, q.Force); err != nil {
		return out, err
	}
	if cp := n.checkpoint.Load(); cp != nil {
		out.Published = cp.Size
	}
	out.Size, err = n.size(ctx)
	return out, err
}

// showSeals is "seal show".
func (n *node) showSeals(ctx context.Context, _ struct{}, _ Reporter) (out sealsAnswer, err error) {
	out.Seals = []sealShown{}
	err = relayCopy{n}.eachSeal(ctx, func(seal continuity.Seal, note []byte) {
		out.Seals = append(out.Seals, sealShown{seal.Origin, seal.Charter, seal.Size, hex.EncodeToString(seal.Root[:]), string(note)})
	})
	return out, err
}
