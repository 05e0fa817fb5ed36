package continuity

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
)

// Two signed trees of different sizes contradict each other only if the larger does not begin with the smaller. Growth is the third piece of
// such evidence: what the larger really begins with, provable from its own root. With it two notes speak for themselves.

// growthHeader is the first line of one.
const growthHeader = "tasuki-growth/v1"

// Growth proves that a tree begins with another (RFC 6962 §2.1.2).
type Growth struct {
	From, To Tree
	Proof    tlog.TreeProof
}

// Prover is a Copy that can prove growth between two of its sizes.
type Prover interface {
	ProveGrowth(ctx context.Context, from, to int64) (tlog.TreeProof, error)
}

// String is a growth as it stands among the notes of evidence: the header, both trees as "<size> <root>", the hashes of the proof.
func (g Growth) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d %s\n%d %s\n", growthHeader, g.From.Size, g.From.Root, g.To.Size, g.To.Root)
	for _, h := range g.Proof {
		b.WriteString(h.String() + "\n")
	}
	return b.String()
}

// ParseGrowth reads one and checks its proof. Errors wrap ErrEvidence.
func ParseGrowth(text string) (Growth, error) {
	var g Growth
	bad := func(why string) (Growth, error) { return Growth{}, fmt.Errorf("%w: growth: %s", ErrEvidence, why) }
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != growthHeader || lines[len(lines)-1] != "" || len(lines) > 140 {
		return bad("its form")
	}
	for i, t := range []*Tree{&g.From, &g.To} {
		size, root, _ := strings.Cut(lines[1+i], " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 1 || strconv.FormatInt(n, 10) != size {
			return bad("a size")
		}
		t.Size = n
		if t.Root, err = tlog.ParseHash(root); err != nil {
			return bad("a root")
		}
	}
	for _, line := range lines[3 : len(lines)-1] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return bad("a hash")
		}
		g.Proof = append(g.Proof, h)
	}
	if g.From.Size >= g.To.Size || tlog.CheckTree(g.Proof, g.To.Size, g.To.Root, g.From.Size, g.From.Root) != nil {
		return bad("the proof does not hold")
	}
	return g, nil
}

// grown adds the growth that makes two notes speak for themselves: what the larger tree begins with at the smaller one's size. It is nil where both have
// one size, or where the copy of the larger tree cannot be asked: the notes are evidence without it too.
func grown(ctx context.Context, larger Copy, to Tree, smaller Tree) []byte {
	p, ok := larger.(Prover)
	if !ok || smaller.Size < 1 || smaller.Size >= to.Size {
		return nil
	}
	root, err := larger.RootAt(ctx, smaller.Size)
	if err != nil || root == smaller.Root {
		return nil
	}
	proof, err := p.ProveGrowth(ctx, smaller.Size, to.Size)
	if err != nil {
		return nil
	}
	return []byte(Growth{From: Tree{smaller.Size, root}, To: to, Proof: proof}.String())
}

// with adds a note; nil changes nothing. The evidence keeps its name: it is about the same notes.
func (e Evidence) with(note []byte) Evidence {
	if note != nil {
		e.Notes = append(e.Notes, note)
	}
	return e
}

// ProveGrowth proves that the stored log's first to leaves begin with its first from.
func (s *SQL) ProveGrowth(ctx context.Context, from, to int64) (proof tlog.TreeProof, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		proof, err = s.Log.ProveConsistency(ctx, tx, from, to)
		return err
	})
	return proof, err
}
