package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"tasuki/internal/store"
)

// MaxBody bounds the original bytes of one body (continuity B.4).
const MaxBody = 4 << 20

var (
	// ErrBody means that a body does not have the bytes its leaf promised.
	ErrBody = errors.New("ledger: body does not match its hash")
	// ErrTooBig means that a body is longer than MaxBody.
	ErrTooBig = errors.New("ledger: body too big")
	// ErrEncoding means that a packed body cannot be unpacked: unknown encoding, unknown dictionary, damaged bytes.
	ErrEncoding = errors.New("ledger: body cannot be unpacked")
)

// Body is a public body beside a leaf: byte-exact, kept small. A leaf holds its Hash and N.
type Body struct {
	Salt   [16]byte
	Hash   [32]byte // SHA-256(Salt ‖ original bytes)
	N      int64    // length of the original bytes
	Enc    uint8    // how Packed was made, see pack.go
	Dict   int64    // zstd dictionary of Packed; 0 = none
	Packed []byte

	dict *dictionary // set when Dict is not one of the embedded ones
}

// BodyHash is SHA-256(salt ‖ raw), what a leaf's e.body.h holds in hex.
func BodyHash(salt [16]byte, raw []byte) [32]byte {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(raw)
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// Check unpacks the body and compares length and hash; errors wrap ErrBody or ErrEncoding.
func (b *Body) Check() error {
	raw, err := b.Bytes()
	if err != nil {
		return err
	}
	if int64(len(raw)) != b.N {
		return fmt.Errorf("%d bytes, expected %d: %w", len(raw), b.N, ErrBody)
	}
	if BodyHash(b.Salt, raw) != b.Hash {
		return ErrBody
	}
	return nil
}

// bodyRow is a body as its row has it; all null when a LEFT JOIN found none.
type bodyRow struct {
	salt, hash, packed []byte
	n, enc, dict       sql.NullInt64
}

func (r bodyRow) body() (*Body, error) {
	if len(r.salt) != 16 || len(r.hash) != 32 || r.enc.Int64 < 0 || r.enc.Int64 > 255 {
		return nil, fmt.Errorf("%w: malformed row", ErrEncoding)
	}
	b := &Body{N: r.n.Int64, Enc: uint8(r.enc.Int64), Dict: r.dict.Int64, Packed: r.packed}
	copy(b.Salt[:], r.salt)
	copy(b.Hash[:], r.hash)
	return b, nil
}

func (l *Log) putBody(ctx context.Context, tx *store.Tx, h *Head, idx int64, b *Body) error {
	if b.Dict != 0 && b.Dict != h.dict {
		if _, kept := l.kept.Load(b.Dict); !kept {
			found, err := l.keepDict(ctx, tx, b)
			if err != nil {
				return err
			}
			if found && h.dict == 0 { // this transaction has stored none itself
				l.kept.Store(b.Dict, true)
			}
		}
		h.dict = b.Dict
	}
	_, err := tx.Exec(ctx, queries.Get("body_put"), idx, b.Salt[:], b.Hash[:], b.N, int64(b.Enc), b.Dict, b.Packed)
	if err != nil {
		return fmt.Errorf("append body of leaf %d: %w", idx, err)
	}
	return nil
}

// keepDict stores the dictionary of b before the first body that needs it, in the same transaction, or finds it stored.
func (l *Log) keepDict(ctx context.Context, tx *store.Tx, b *Body) (found bool, err error) {
	var id int64
	err = tx.QueryRow(ctx, queries.Get("dict_has"), b.Dict).Scan(&id)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("look for dictionary %d: %w", b.Dict, err)
	}
	d, err := b.dictionary()
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, queries.Get("dict_put"), b.Dict, d.raw); err != nil {
		return false, fmt.Errorf("store dictionary %d: %w", b.Dict, err)
	}
	return false, nil
}

// resolve finds the dictionary of a body that was packed by another release of this program.
func (l *Log) resolve(ctx context.Context, tx *store.Tx, b *Body) error {
	if b.Dict == 0 || embedded[b.Dict] != nil {
		return nil
	}
	if d, ok := l.dicts.Load(b.Dict); ok {
		b.dict = d.(*dictionary)
		return nil
	}
	var raw []byte
	if err := tx.QueryRow(ctx, queries.Get("dict"), b.Dict).Scan(&raw); err != nil {
		return fmt.Errorf("dictionary %d: %w", b.Dict, errors.Join(ErrEncoding, absent(err)))
	}
	d := newDictionary(raw)
	l.dicts.Store(b.Dict, d)
	b.dict = d
	return nil
}

// Body returns the public body beside leaf index, or ErrNotFound if it has none or it was erased.
func (l *Log) Body(ctx context.Context, tx *store.Tx, index int64) (*Body, error) {
	var r bodyRow
	err := tx.QueryRow(ctx, queries.Get("body"), index).Scan(&r.salt, &r.hash, &r.n, &r.enc, &r.dict, &r.packed)
	if err != nil {
		return nil, fmt.Errorf("body of leaf %d: %w", index, absent(err))
	}
	b, err := r.body()
	if err == nil {
		err = l.resolve(ctx, tx, b)
	}
	if err != nil {
		return nil, fmt.Errorf("body of leaf %d: %w", index, err)
	}
	return b, nil
}

// BodyByHash returns the body with the given salted hash and the index of its leaf, or ErrNotFound.
func (l *Log) BodyByHash(ctx context.Context, tx *store.Tx, hash [32]byte) (*Body, int64, error) {
	var r bodyRow
	var index int64
	err := tx.QueryRow(ctx, queries.Get("body_by_hash"), hash[:8], hash[:]).
		Scan(&index, &r.salt, &r.hash, &r.n, &r.enc, &r.dict, &r.packed)
	if err != nil {
		return nil, 0, fmt.Errorf("body %x: %w", hash[:8], absent(err))
	}
	b, err := r.body()
	if err == nil {
		err = l.resolve(ctx, tx, b)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("body %x: %w", hash[:8], err)
	}
	return b, index, nil
}

// Erase removes the public and the private body of leaf index, salts included, and its ciphertext in escrow. The leaf stays. It belongs in the
// transaction that appends the body.erased event which makes the gap legal.
func (l *Log) Erase(ctx context.Context, tx *store.Tx, index int64) error {
	tx.Forget(privateKey(index))
	for _, q := range []string{"body_erase", "private_erase", "escrow_erase"} {
		if _, err := tx.Exec(ctx, queries.Get(q), index); err != nil {
			return fmt.Errorf("erase body of leaf %d: %w", index, err)
		}
	}
	return nil
}
