// Package blob keeps bytes as they were fetched, by their SHA-256: what a feed said, word for word, so that everything
// derived from it can be derived again and shown to others.
package blob

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"tasuki/internal/store"
)

// Most is the largest blob in bytes. Larger sources are kept in parts.
const Most = 256 << 20

// Errors of this package.
var (
	ErrNotFound = errors.New("blob: no such blob")
	ErrTooLarge = errors.New("blob: too large")
	// ErrDamaged means that the store gave back other bytes than those put in.
	ErrDamaged = errors.New("blob: damaged")
)

// Digest is the SHA-256 of a blob's bytes.
type Digest = [sha256.Size]byte

//go:embed schema/*.sql
var schema embed.FS

//go:embed sql/*.sql
var sqlFiles embed.FS

var queries = store.Load(sqlFiles, "sql")

// Schema holds the migration of this package's table, for store.DB.Migrate.
func Schema() fs.FS {
	sub, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

const (
	plain  = 0
	zipped = 1
)

// Put keeps raw and returns its digest. Putting the same bytes again changes nothing. Bytes are compressed where that
// helps. It returns ErrTooLarge beyond Most.
func Put(ctx context.Context, tx *store.Tx, raw []byte) (Digest, error) {
	digest := sha256.Sum256(raw)
	if len(raw) > Most {
		return digest, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(raw), Most)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return digest, err
	}
	packed, body := zipped, enc.EncodeAll(raw, nil)
	if len(body) >= len(raw) {
		packed, body = plain, raw
	}
	if body == nil {
		body = []byte{} // the column is NOT NULL, and nothing is a value too
	}
	if _, err := tx.Exec(ctx, queries.Get("put"), digest[:], int64(len(raw)), packed, body); err != nil {
		return digest, fmt.Errorf("put blob %s: %w", hex.EncodeToString(digest[:8]), err)
	}
	return digest, nil
}

// Get returns the bytes of a digest, verified. It returns ErrNotFound, or ErrDamaged when the stored bytes do not have
// that digest.
func Get(ctx context.Context, tx *store.Tx, digest Digest) ([]byte, error) {
	var size, packed int64
	var body []byte
	name := hex.EncodeToString(digest[:8])
	err := tx.QueryRow(ctx, queries.Get("get"), digest[:]).Scan(&size, &packed, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	case err != nil:
		return nil, fmt.Errorf("get blob %s: %w", name, err)
	case size < 0 || size > Most:
		return nil, fmt.Errorf("%w: %s claims %d bytes", ErrDamaged, name, size)
	}
	if packed == zipped {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(Most))
		if err != nil {
			return nil, err
		}
		defer dec.Close()
		if body, err = dec.DecodeAll(body, make([]byte, 0, size)); err != nil {
			return nil, fmt.Errorf("%w: %s: %v", ErrDamaged, name, err)
		}
	}
	if int64(len(body)) != size || sha256.Sum256(body) != digest {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, name)
	}
	return body, nil
}
