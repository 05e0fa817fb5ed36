package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

const (
	sampleList   = "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013"
	sampleOrg    = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
	sampleOrigin = "tasuki/9c1f00aa5d77e013/1-first"
)

// sampleLog is a log of 300 leaves as a real one has them: records with bodies, some in several versions, private
// facts, one erased body of each sort. Its tree has one full tile and a tail.
type sampleLog struct {
	*Log
	db     *store.DB
	key    note.Signer
	keys   note.Verifiers
	bodies map[int64][]byte // original bytes
}

const (
	sampleSize          = 300
	samplePrivate       = int64(10) // every tenth leaf is a committed event
	sampleErased        = int64(41)
	sampleErasedPrivate = int64(50)
)

// sampleEvent is the members that sample events use.
type sampleEvent struct {
	Body *struct {
		H string `json:"h"`
		N *int64 `json:"n"`
	} `json:"body"`
	By   string `json:"by"`
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Leaf *int64 `json:"leaf"`
	List string `json:"list"`
}

func sampleMeaning(event []byte) (Meaning, error) {
	var e sampleEvent
	if err := jcs.Check(event, MaxLeaf); err != nil {
		return Meaning{}, err
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return Meaning{}, err
	}
	m := Meaning{Subject: e.ID, Erases: -1}
	if e.Kind != "private/1" && m.Subject == "" {
		m.Subject = e.By
	}
	if e.Leaf != nil {
		m.Erases = *e.Leaf
	}
	return m, nil
}

func newSample(t testing.TB, db *store.DB) *sampleLog {
	t.Helper()
	l := migrated(t, db)
	skey, vkey, err := note.GenerateKey(rand.Reader, sampleOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s := &sampleLog{Log: l, db: db, key: signer, keys: note.VerifierList(verifier), bodies: map[int64][]byte{}}
	s.extend(t, sampleSize)
	return s
}

// extend appends sample leaves up to size in one transaction, which signs nothing.
func (s *sampleLog) extend(t testing.TB, size int64) {
	t.Helper()
	ctx := context.Background()
	update(t, s.db, func(tx *store.Tx) error {
		h, err := s.Lock(ctx, tx)
		if err != nil {
			return err
		}
		for h.Size < size {
			if err := s.appendSample(ctx, tx, &h); err != nil {
				return err
			}
		}
		return s.Save(ctx, tx, h)
	})
}

func (s *sampleLog) appendSample(ctx context.Context, tx *store.Tx, h *Head) error {
	var body *Body
	var private *Private
	var err error
	i := h.Size
	subject := fmt.Sprintf("CVE-2026-%04d", i%70)
	var event string
	switch {
	case i == 0:
		subject = sampleOrg
		event = fmt.Sprintf(`{"by":%q,"kind":"epoch.opened/1","list":%q}`, sampleOrg, sampleList)
	case i == 99 || i == 101:
		target := sampleErased
		if i == 101 {
			target = sampleErasedPrivate
		}
		if err := s.Erase(ctx, tx, target); err != nil {
			return err
		}
		subject = sampleOrg
		event = fmt.Sprintf(`{"by":%q,"kind":"body.erased/1","leaf":%d,"list":%q}`, sampleOrg, target, sampleList)
	case i%samplePrivate == 0:
		subject = ""
		h, p, err := Commit(rand.Reader, fmt.Appendf(nil, `{"id":"CVE-2026-%d"}`, i))
		if err != nil {
			return err
		}
		private = &p
		event = fmt.Sprintf(`{"body":{"h":%q},"by":%q,"kind":"private/1","list":%q}`, hex.EncodeToString(h[:]), sampleOrg, sampleList)
	default:
		raw := fmt.Appendf(nil, "{\n  \"cveId\": %q,\n  \"version\": %d\n}", subject, i)
		if body, err = Pack(rand.Reader, raw); err != nil {
			return err
		}
		s.bodies[i] = raw
		event = fmt.Sprintf(`{"body":{"h":%q,"n":%d},"by":%q,"id":%q,"kind":"record.imported/1","list":%q}`,
			hex.EncodeToString(body.Hash[:]), body.N, sampleOrg, subject, sampleList)
	}
	back := int64(-1)
	if subject != "" {
		if back, err = s.Last(ctx, tx, subject); err != nil {
			return err
		}
	}
	leaf, err := Leaf{Event: []byte(event), Stamp: Stamp{Back: back, Time: 1_795_294_808_310 + i/3}}.Marshal()
	if err != nil {
		return err
	}
	if _, err := s.Append(ctx, tx, h, leaf, body, subject); err != nil {
		return err
	}
	if private != nil {
		return s.PutPrivate(ctx, tx, i, *private)
	}
	return nil
}
