package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"tasuki/internal/charter"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// amended brings a charter that the board signed into the store of a node that is closed, as a ceremony would.
func amended(t *testing.T, dir, dsn string, change func(*charter.Charter)) {
	t.Helper()
	board, err := charter.ReadBoardKey(filepath.Join(dir, boardKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the node that opens it next would say
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		chain, err := charter.Load(t.Context(), tx)
		if err != nil {
			return err
		}
		doc, err := chain.Amend(time.Now, change)
		if err != nil {
			return err
		}
		doc.Sign(board.ID, board.Private)
		return errors.Join(chain.Extend(doc), charter.Save(t.Context(), tx, chain))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tablesOf are the digests of every projection.
func tablesOf(t *testing.T, k *kitNode) string {
	_, tables := contents(t, k.node)
	return strings.Join(tables, "\n")
}

// A charter that names keepers has every private fact encrypted before the node signs again; and what a successor opens with a keeper's key is the
// operator's tables, row for row.
func TestEscrowOfANode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := kitOptions{level: "error"}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		k := openSeeded(t, o)
		o.dir = k.dir.Path
		dsn := Setup{Config: k.cfg, Dir: k.dir}.dsn()
		before, err := k.escrowStatus(t.Context(), struct{}{}, nil)
		if err != nil || before.Private < 10 || before.Sealed != 0 || len(before.Recipients) != 0 || !strings.Contains(before.Words[0], "There is no escrow") {
			t.Fatalf("%+v, %v", before, err)
		}
		k.close(t)

		keyFile := filepath.Join(t.TempDir(), "escrow.key")
		recipient, secret, err := newEscrowKey(false)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(keyFile, []byte("# a comment\n"+secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		amended(t, o.dir, dsn, func(c *charter.Charter) { c.Escrow = []string{recipient} })
		k = openKit(t, o)
		got, err := k.escrowStatus(t.Context(), struct{}{}, nil)
		if err != nil || got.Private != before.Private || got.Current != got.Private || got.Due != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		k.close(t)

		// Who runs the list on has leaves and ciphertexts, and one keeper's key.
		k = openKit(t, o)
		was := tablesOf(t, k)
		forget := store.Inline("forget", "DELETE FROM ledger_private")
		if err := k.db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), forget); return err }); err != nil {
			t.Fatal(err)
		}
		if _, err := k.gate.Replay(t.Context(), true, nil); err != nil {
			t.Fatal(err)
		}
		if tablesOf(t, k) == was {
			t.Fatal("the tables do not depend on private facts")
		}
		stranger, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.openPrivate(t.Context(), []age.Identity{stranger}, 0, quiet{}); !errors.Is(err, errMissing) || got != 0 {
			t.Fatalf("a stranger's key: %d opened, %v", got, err)
		}
		keys, err := readEscrowKeys(keyFile)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := k.openPrivate(t.Context(), keys, 0, quiet{}); err != nil || opened != before.Private {
			t.Fatalf("%d of %d, %v", opened, before.Private, err)
		}
		if tablesOf(t, k) != was {
			t.Error("the tables are not the operator's")
		}
	})
}

// Recipients that nothing can be encrypted to do not stop the list; the status says what is wrong.
func TestEscrowThatCannotBeUsed(t *testing.T) {
	o := kitOptions{}
	k := openKit(t, o)
	o.dir = k.dir.Path
	dsn := Setup{Config: k.cfg, Dir: k.dir}.dsn()
	k.close(t)
	amended(t, o.dir, dsn, func(c *charter.Charter) { c.Escrow = []string{"age1" + strings.Repeat("q", 58)} })
	k = openKit(t, o)
	if got, err := k.escrowStatus(t.Context(), struct{}{}, nil); err != nil || !strings.Contains(got.Problem, "recipient 0") {
		t.Errorf("%+v, %v", got, err)
	}
}
