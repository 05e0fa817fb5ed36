package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
	"tasuki/spec/cve/schema"
	"tasuki/spec/dsse"
)

// What the issue allows a proof, bodies apart.
const (
	proofFirst   = 8 << 10 // bytes of a proof of one leaf under one charter of charterMost bytes
	proofFurther = 3 << 10 // bytes of each further leaf
	charterMost  = 3 << 10
	proofTime    = 5 * time.Millisecond
)

// provenRecord is a record in a log of a million leaves under one charter, as large as the budget reckons with: a board of three, three mirrors, three
// witnesses, all of whom have signed the checkpoint.
type provenRecord struct {
	proof, record []byte
	list          string
	charter       int // bytes
	leaves        [][]byte
}

// proveRecord makes one of so many leaves: the document, and what that many other organisations put beside it, each signed by its author.
func proveRecord(tb testing.TB, leaves int) *provenRecord {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	newKey := func() ed25519.PrivateKey {
		key, err := charter.NewKey(rand.Reader)
		must(err)
		return key
	}
	now := time.Now()
	logKey := charter.LogKey{Private: newKey()}
	first, board, err := charter.Genesis(charter.Options{URL: "https://list.example", Features: features, Log: logKey.Public()}, rand.Reader, time.Now)
	must(err)
	c := first.Charter()
	c.Board.K = 2
	second := newKey()
	for i, key := range []ed25519.PrivateKey{second, newKey()} {
		c.Board.Keys = append(c.Board.Keys, charter.BoardSeat{ID: fmt.Sprintf("b%d", i+2), Holder: fmt.Sprintf("Member %d, Some Authority", i+2),
			Key: dsse.EncodeKey(key.Public().(ed25519.PublicKey))})
	}
	var signers []note.Signer
	var policy strings.Builder
	c.Mirrors = &charter.Mirrors{Q: 2}
	for i := 1; i <= 3; i++ {
		m, err := c2sp.NewCosigner(fmt.Sprintf("mirror%d.authority.example/cve", i), newKey())
		must(err)
		w, err := c2sp.NewCosigner(fmt.Sprintf("witness%d.example/w%d", i, i), newKey())
		must(err)
		c.Mirrors.List = append(c.Mirrors.List, charter.Mirror{VKey: m.VKey().String(), URL: fmt.Sprintf("https://mirror%d.authority.example/cve", i)})
		fmt.Fprintf(&policy, "witness w%d %s https://witness%d.example/add\n", i, w.VKey(), i)
		signers = append(signers, m.Signer(time.Now), w.Signer(time.Now))
	}
	c.Policy = policy.String() + "group W 2 w1 w2 w3\nquorum W\n"
	signed := func() (*charter.Document, []byte) {
		doc, err := charter.New(c)
		must(err)
		doc.Sign(board.ID, board.Private)
		doc.Sign("b2", second)
		raw, err := doc.Bytes()
		must(err)
		return doc, raw
	}
	_, raw := signed()
	c.Reason = strings.Repeat("x", min(2000, charterMost-len(raw)-len(`"reason":"",`)))
	doc, raw := signed()
	p := &provenRecord{list: doc.ListID(), charter: len(raw)}

	// The record: a document, and containers of others.
	id := "CVE-2026-1234567"
	p.record = bytes.TrimSpace(kitRecord(id, "PUBLISHED", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z", "Maker of Rockets", "en",
		strings.Repeat("A flaw lets rockets explode. ", 30)))
	var salts [][16]byte
	for n := range leaves {
		e := event.Event{Kind: event.RecordImported, ID: id, State: "PUBLISHED", By: c.Operator.Org, List: p.list, At: now,
			Source: "https://github.com/CVEProject/cvelistV5"}
		body, key := p.record, newKey()
		if n > 0 {
			e = event.Event{Kind: event.RecordPut, Cont: "adp", ID: id, DV: schema.Current, By: uuid.NewString(), List: p.list, At: now, Prev: strings.Repeat("a", 64)}
			body = []byte(`{"providerMetadata":{"orgId":"` + e.By + `","shortName":"adp"},"title":"seen"}`)
		}
		sub, err := event.Seal(rand.Reader, &e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
		must(err)
		leaf := ledger.Leaf{Event: sub.Event, Stamp: ledger.Stamp{Back: 999_000, Time: now.UnixMilli()}}
		if n > 0 {
			leaf.Sigs = sub.Sigs
		}
		raw, err := leaf.Marshal()
		must(err)
		p.leaves, salts = append(p.leaves, raw), append(salts, sub.Salt)
	}

	// The tree: the leaves stand beside each other at its end, the rest is any million of leaves.
	const size, height = 1 << 20, 20
	at := int64(size - leaves)
	level := make([]tlog.Hash, leaves)
	for n, leaf := range p.leaves {
		level[n] = ledger.LeafHash(leaf)
	}
	paths := make([]tlog.RecordProof, leaves)
	nodes := map[int64]tlog.Hash{} // of the level that is being made, by place
	for n, h := range level {
		nodes[at+int64(n)] = h
	}
	for l := range height {
		sibling := func(place int64) tlog.Hash {
			h, ok := nodes[place]
			if !ok {
				_, err := io.ReadFull(rand.Reader, h[:])
				must(err)
				nodes[place] = h
			}
			return h
		}
		up := map[int64]tlog.Hash{}
		for n := range leaves {
			place := (at + int64(n)) >> l
			paths[n] = append(paths[n], sibling(place^1))
			up[place>>1] = tlog.NodeHash(sibling(place&^1), sibling(place|1))
		}
		nodes = up
	}
	logKey.Origin = doc.Origin()
	own, err := logKey.Signer()
	must(err)
	tree := c2sp.Checkpoint{Origin: doc.Origin(), Size: size, Root: nodes[0]}
	checkpoint, err := note.Sign(&note.Note{Text: tree.String()}, append([]note.Signer{own}, signers...)...)
	must(err)
	for n, leaf := range p.leaves {
		extra, role := "{", "base"
		if n == 0 {
			extra += `"charters":[` + string(raw) + `],`
		} else {
			e, err := event.Open(at+int64(n), leaf, nil)
			must(err)
			role = "adp:" + e.By
		}
		extra += fmt.Sprintf(`"leaf":%s,"role":%q,"salt":"%s"}`, leaf, role, hex.EncodeToString(salts[n][:]))
		p.proof = c2sp.Proof{Extra: []byte(extra), Index: at + int64(n), Path: paths[n], Checkpoint: checkpoint}.Append(p.proof)
	}
	return p
}

// files are a proof and the record in a folder, for the command.
func (p *provenRecord) files(tb testing.TB) VerifyRecordCmd {
	tb.Helper()
	dir := tb.TempDir()
	c := VerifyRecordCmd{File: filepath.Join(dir, "proof"), ListID: p.list, JSON: true}
	names := map[string][]byte{c.File: p.proof}
	if len(p.leaves) == 1 {
		c.Record = filepath.Join(dir, "record.json")
		names[c.Record] = p.record
	}
	for name, raw := range names {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

// A proof out of a log of a million leaves, with every signature that a list of three mirrors and three witnesses has, stays within what the issue allows,
// however many leaves make the record; and it verifies.
func TestProofSize(t *testing.T) {
	for _, leaves := range []int{1, 2, 3, 9} {
		p := proveRecord(t, leaves)
		if p.charter > charterMost || p.charter < charterMost-16 {
			t.Fatalf("the charter has %d bytes", p.charter)
		}
		most := proofFirst + (leaves-1)*proofFurther
		t.Logf("%d leaves, a charter of %d bytes: a proof of %d bytes, budget %d", leaves, p.charter, len(p.proof), most)
		if len(p.proof) > most {
			t.Errorf("the proof of %d leaves has %d bytes, budget %d", leaves, len(p.proof), most)
		}
		c := p.files(t)
		var out bytes.Buffer
		if err := c.Run(&Program{Stdout: &out, Stderr: &out}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), p.list) || leaves == 1 && !strings.Contains(out.String(), `"same"`) {
			t.Errorf("it says %s", out.String())
		}
	}
}

// BenchmarkVerifyRecord is the whole command from the files on, without starting the program: budget 5 ms.
func BenchmarkVerifyRecord(b *testing.B) {
	for _, leaves := range []int{1, 9} {
		b.Run(fmt.Sprintf("leaves=%d", leaves), func(b *testing.B) {
			p := proveRecord(b, leaves)
			c := p.files(b)
			var all []time.Duration
			_, busy := measured(func() {
				for b.Loop() {
					began := time.Now()
					if err := c.Run(&Program{Stdout: io.Discard, Stderr: io.Discard}); err != nil {
						b.Fatal(err)
					}
					all = append(all, time.Since(began))
				}
			})
			if len(all) > 20 { // the first rounds only find out how many there are to be
				table(b, []string{"verify record", "p50", "p99", "max"},
					quantileRow(fmt.Sprintf("%d leaves, %d bytes", leaves, len(p.proof)), all,
						fmt.Sprintf("budget %s for one leaf; processor time %.2f ms each", proofTime, busy.Seconds()*1000/float64(len(all)))))
			}
		})
	}
}
