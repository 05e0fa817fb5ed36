package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// amended is the node's next charter, signed by its board of one.
func (k *kitNode) amended(t *testing.T, change func(*charter.Charter)) *charter.Document {
	t.Helper()
	return k.amendedOn(t, k.chain, change)
}

func (k *kitNode) amendedOn(t *testing.T, chain *charter.Chain, change func(*charter.Charter)) *charter.Document {
	t.Helper()
	doc, err := chain.Amend(k.now, change)
	if err != nil {
		t.Fatal(err)
	}
	return k.boardSigns(t, doc)
}

// nextEpoch is a signed charter that opens an epoch with another log key.
func (k *kitNode) nextEpoch(t *testing.T, size int64) *charter.Document {
	t.Helper()
	log, err := charter.NewKey(k.rand)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := k.chain.OpenEpoch(k.now, charter.Epoch{Log: log.Public().(ed25519.PublicKey), Size: size})
	if err != nil {
		t.Fatal(err)
	}
	return k.boardSigns(t, doc)
}

func (k *kitNode) boardSigns(t *testing.T, doc *charter.Document) *charter.Document {
	t.Helper()
	board, err := charter.ReadBoardKey(filepath.Join(k.dir.Path, boardKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	doc.Sign(board.ID, board.Private)
	return doc
}

// A running node takes over what opens no epoch, with a leaf; keeps a sibling; refuses the rest; and goes on signing.
func TestAdoptCharter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := kitOptions{}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		k := openKit(t, o)
		ctx := t.Context()
		before, err := k.size(ctx)
		if err != nil {
			t.Fatal(err)
		}
		named := k.amended(t, func(n *charter.Charter) { n.Names = []string{"cve.example"} })
		twin := k.amended(t, func(n *charter.Charter) { n.Names = []string{"other.example"} })
		mirrored := k.amended(t, func(n *charter.Charter) { n.Policy = "quorum none\n" })
		unsigned, err := k.chain.Amend(k.now, func(n *charter.Charter) { n.Reason = "nobody signed" })
		if err != nil {
			t.Fatal(err)
		}
		epoch := k.nextEpoch(t, before)
		for name, tc := range map[string]struct {
			doc  *charter.Document
			want error
		}{
			"opens an epoch": {epoch, errOpensEpoch}, "changes the policy in the epoch": {mirrored, charter.ErrEpoch}, "unsigned": {unsigned, charter.ErrThreshold},
		} {
			if err := k.adoptCharter(ctx, tc.doc); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if size, err := k.size(ctx); err != nil || size != before {
			t.Fatalf("%d leaves after refusals, %v", size, err)
		}

		if err := k.adoptCharter(ctx, named); err != nil {
			t.Fatal(err)
		}
		if err := k.adoptCharter(ctx, named); !errors.Is(err, charter.ErrKnown) {
			t.Errorf("the second time: %v", err)
		}
		if err := k.adoptCharter(ctx, twin); !errors.Is(err, charter.ErrSibling) {
			t.Errorf("a sibling: %v", err)
		}
		if k.chain.Head().Hash() != named.Hash() {
			t.Error("the running node does not know the charter")
		}
		size, err := k.size(ctx)
		if err != nil || size != before+1 {
			t.Fatalf("%d leaves after %d, %v", size, before, err)
		}
		var stored *charter.Chain
		var siblings []*charter.Document
		var leaf []byte
		if err := k.db.View(ctx, func(tx *store.Tx) (err error) {
			if stored, err = charter.Load(ctx, tx); err != nil {
				return err
			}
			if siblings, err = charter.Siblings(ctx, tx, stored); err != nil {
				return err
			}
			leaf, err = k.ledger.Leaf(ctx, tx, before)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if stored.Head().Hash() != named.Hash() || len(siblings) != 1 || siblings[0].Hash() != twin.Hash() {
			t.Errorf("stored %s, %d siblings", stored.Head().Hash(), len(siblings))
		}
		if e, err := event.Open(before, leaf, nil); err != nil || e.Event.Kind != event.CharterNoted || e.Event.Charter != named.Hash() {
			t.Errorf("the leaf is %+v, %v", e, err)
		}
		signed, err := k.signed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(signed.Note, note.VerifierList(named.Verifier())); err != nil || signed.Size < size {
			t.Errorf("checkpoint of %d leaves: %v", signed.Size, err)
		}
		k.sound(t)
	})
}

// Another node of the store has taken over a charter: this one goes on with it, unless it opens an epoch.
func TestTakeOver(t *testing.T) {
	k := openKit(t, kitOptions{})
	if err := k.takeOver(k.chain); err != nil {
		t.Fatal(err)
	}
	doc := k.amended(t, func(n *charter.Charter) { n.Names = []string{"cve.example"} })
	longer, err := k.chain.With(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.takeOver(longer); err != nil || k.chain.Head().Hash() != doc.Hash() {
		t.Errorf("taken over: %v, head %s", err, k.chain.Head().Hash())
	}
	first, err := charter.NewChain(k.chain.Genesis())
	if err != nil {
		t.Fatal(err)
	}
	other, err := first.With(k.amendedOn(t, first, func(n *charter.Charter) { n.Reason = "a sibling" }))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.takeOver(other); !errors.Is(err, errNewCharter) {
		t.Errorf("another branch: %v", err)
	}
	epoch := k.nextEpoch(t, 1)
	next, err := k.chain.With(epoch)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.takeOver(next); !errors.Is(err, errNewCharter) || k.chain.Head().Hash() != doc.Hash() {
		t.Errorf("a new epoch: %v", err)
	}
}

// Secrets are for their owner only, and no key is overwritten.
func TestKeyFilesOfCommands(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"board", "keygen", "--id", "b1", "--holder", "Body A", "--genesis"}, {"mirror", "keygen", "--name", "m1.example"},
		{"witness", "keygen", "--name", "w1.example"}, {"node", "keygen", "--name", "acme/node"},
	} {
		path := filepath.Join(dir, args[0]+".key")
		var out, hints strings.Builder
		p := &Program{Stdout: &out, Stderr: &hints, Getenv: func(string) string { return "" }, Rand: rand.Reader}
		if code := p.Run(t.Context(), append(args, path)); code != 0 || out.Len() == 0 {
			t.Fatalf("%v: exit %d, %s", args, code, &hints)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v: %v, %v", args, info.Mode(), err)
		}
		first, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if code := p.Run(t.Context(), append(args, path)); code == 0 {
			t.Errorf("%v: overwritten", args)
		}
		if second, err := os.ReadFile(path); err != nil || string(second) != string(first) {
			t.Errorf("%v: the file changed (%v)", args, err)
		}
	}
}
