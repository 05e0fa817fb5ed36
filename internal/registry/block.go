package registry

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/jcs"
)

// Errors of blocks.
var (
	// ErrNoBlock means that no block was granted there.
	ErrNoBlock = errors.New("registry: there is no such block")
	// ErrBlockTaken means numbers that are not free to be granted: given out, granted, or below a counter.
	ErrBlockTaken = errors.New("registry: the numbers are not free")
	// ErrBlockClosed means a block that nothing is published from any more.
	ErrBlockClosed = errors.New("registry: the block is closed")
	// ErrInBlock means an act on an identifier that its authority assigns by itself and has not published.
	ErrInBlock = errors.New("registry: the identifier is one of a block and was not published yet")
)

// MaxBlock bounds how many numbers are granted at a time.
const MaxBlock = 1_000_000

// blockFact is the kind of the private fact that says whose a block is.
const blockFact = "block.owner/1"

// Block is a range of numbers that one authority assigns by itself.
type Block struct {
	Leaf              int64
	Year, First, Last int64
	Commitment        string // to its owner
	Key               string // that signs for its lanes
	By                string // who granted it, UUID
	Granted, Closed   time.Time

	Owner  string // UUID; "" where this copy does not know it
	Opened bool   // a publication has said who that is

	salt []byte
}

// Size is how many numbers the block has.
func (b *Block) Size() int64 { return b.Last - b.First + 1 }

// Open says that numbers of the block may still be published.
func (b *Block) Open() bool { return b.Closed.IsZero() }

// opening opens the block's commitment; ok is false where this copy cannot.
func (b *Block) opening() (own ledger.Own, ok bool) {
	if len(b.salt) != 16 {
		return own, false
	}
	return ledger.Own{Index: b.Leaf, Salt: [16]byte(b.salt)}, true
}

var (
	blockAdd       = q.Get("block_add")
	blockOf        = q.Get("block_of")
	blockAt        = q.Get("block_at")
	blockList      = q.Get("block_list")
	blockOverlap   = q.Get("block_overlap")
	blockClose     = q.Get("block_close")
	blockOpen      = q.Get("block_open")
	blockUsed      = q.Get("block_used")
	ownerOpen      = q.Get("owner_open")
	blockOwnerAdd  = q.Get("block_owner_add")
	blockOwnerDrop = q.Get("block_owner_drop")
	heightBetween  = q.Get("height_between")
	ownerUse       = q.Get("owner_use")
)

func scanBlock(row store.Row) (b Block, err error) {
	var granted, closed int64
	var opened, private string
	err = row.Scan(&b.Leaf, &b.Year, &b.First, &b.Last, &b.Commitment, &b.Key, &b.By, &granted, &closed, &opened, &private, &b.salt)
	b.Granted, b.Closed, b.Owner, b.Opened = moment(granted), moment(closed), opened, opened != ""
	if b.Owner == "" {
		b.Owner = private
	}
	return b, err
}

func oneBlock(row store.Row, what string) (Block, error) {
	b, err := scanBlock(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s: %w", what, ErrNoBlock)
	}
	return b, err
}

func scanBlocks(rows store.Rows) (out []Block, err error) {
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		b, err := scanBlock(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// BlockOf is the block that an identifier is of, the innermost one where a part of a block was granted on: ErrNoBlock, cve.ErrID.
func BlockOf(ctx context.Context, tx *store.Tx, id string) (Block, error) {
	c, err := cve.ParseID(id)
	if err != nil {
		return Block{}, err
	}
	if c.Number > GeneralEnd {
		return Block{}, fmt.Errorf("%s: %w", id, ErrNoBlock)
	}
	return oneBlock(tx.QueryRow(ctx, blockOf, int64(c.Year), int64(c.Number), int64(c.Number)), id)
}

// Blocks lists every block as they were granted, closed ones too.
func Blocks(ctx context.Context, tx *store.Tx) ([]Block, error) {
	rows, err := tx.Query(ctx, blockList)
	if err != nil {
		return nil, err
	}
	return scanBlocks(rows)
}

// Published is how many numbers of a block have become known in public.
func (b *Block) Published(ctx context.Context, tx *store.Tx) (n int64, err error) {
	from, to := idsOf(b.Year)
	err = tx.QueryRow(ctx, blockUsed, from, to, b.First, b.Last).Scan(&n)
	return n, err
}

// Use is how many identifiers of an organisation were reserved or first published since a time.
func Use(ctx context.Context, tx *store.Tx, org string, since time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, ownerUse, org, since.UnixMilli()).Scan(&n)
	return n, err
}

// idsOf bounds the identifiers of a year as texts.
func idsOf(year int64) (from, before string) {
	return fmt.Sprintf("CVE-%04d-", year), fmt.Sprintf("CVE-%04d.", year)
}

// NewBlock asks for a block out of a year's general counter.
type NewBlock struct {
	Year, Size int64
	Owner      string // organisation, UUID
	Key        string // base64
	By         string // who grants it, UUID; "" for the operator
}

// GrantBlock carves a block out of the general counter and commits to its owner: ErrRangeFull. How many are asked for is the caller's
// business. Of a year that is not open yet, too: an authority is to have numbers for the next year before that begins.
func GrantBlock(ctx context.Context, tx *store.Tx, t event.Turn, n NewBlock) (Block, error) {
	r, err := getRange(ctx, tx, n.Year)
	if err != nil {
		return Block{}, err
	}
	first := r.General + 1
	for {
		if first+n.Size-1 > min(r.Last, GeneralEnd) {
			return Block{}, fmt.Errorf("%d: %w", n.Year, ErrRangeFull)
		}
		top, err := height(ctx, tx, n.Year, first, first+n.Size-1)
		if err != nil {
			return Block{}, err
		}
		if top == 0 {
			break
		}
		first = top + 1 // an import took a number in between
	}
	var salt [16]byte
	if _, err := io.ReadFull(t.Rand(), salt[:]); err != nil {
		return Block{}, fmt.Errorf("draw a salt: %w", err)
	}
	e := &event.Event{Kind: event.BlockGranted, By: n.By, Year: n.Year, First: first, Last: first + n.Size - 1, Owner: event.BlockOwner(salt, n.Owner), Key: n.Key}
	entry, err := t.Emit(ctx, e, nil)
	if err != nil {
		return Block{}, err
	}
	if err := OpenTo(ctx, t, entry.Index, n.Owner, salt); err != nil {
		return Block{}, err
	}
	return oneBlock(tx.QueryRow(ctx, blockAt, entry.Index), "block")
}

// OpenTo keeps whose a block is, as a private fact.
func OpenTo(ctx context.Context, t event.Turn, block int64, org string, salt [16]byte) error {
	var w jcs.Writer
	w.Object()
	w.Key("block")
	w.Int(block)
	w.Key("kind")
	w.String(blockFact)
	w.Key("org")
	w.String(org)
	w.Key("salt")
	w.Hex(salt[:])
	w.EndObject()
	body, err := w.Bytes()
	if err != nil {
		return err
	}
	_, err = t.EmitPrivate(ctx, body)
	return err
}

// height is the highest number of a year's known identifiers from first to last, 0 when there is none.
func height(ctx context.Context, tx *store.Tx, year, first, last int64) (n int64, err error) {
	from, to := idsOf(year)
	err = tx.QueryRow(ctx, heightBetween, from, to, from, to, first, last).Scan(&n)
	return n, err
}

// CheckBlock holds a block.granted to its rule: its numbers are free, above every counter; or they lie inside a block that the
// grantor owns, has opened and has not granted on. ErrBlockTaken, ErrNoRange, ErrBlockClosed.
func CheckBlock(ctx context.Context, tx *store.Tx, e *event.Event) error {
	what := fmt.Sprintf("block %d %d-%d", e.Year, e.First, e.Last)
	if e.Year < firstYear || e.Year > 9999 || e.Last > GeneralEnd || e.First <= PriorityEnd || e.Last-e.First+1 > MaxBlock {
		return fmt.Errorf("%s: %w", what, ErrOutside)
	}
	rows, err := tx.Query(ctx, blockOverlap, e.Year, e.Last, e.First)
	if err != nil {
		return err
	}
	overlaps, err := scanBlocks(rows)
	if err != nil {
		return err
	}
	if top, err := height(ctx, tx, e.Year, e.First, e.Last); err != nil || top != 0 {
		return errors.Join(err, ifTaken(top, what))
	}
	if len(overlaps) == 0 {
		r, err := getRange(ctx, tx, e.Year)
		if err == nil && (e.First <= r.General || e.Last > r.Last) {
			err = fmt.Errorf("%s: %w", what, ErrBlockTaken)
		}
		return err
	}
	// The smallest stands first: the one that it would be a part of. All others have to hold that one as a whole.
	outer := overlaps[0]
	inside := outer.First <= e.First && e.Last <= outer.Last && outer.Size() > e.Last-e.First+1
	for _, b := range overlaps[1:] {
		inside = inside && b.First <= outer.First && outer.Last <= b.Last
	}
	switch {
	case !inside || !outer.Opened || outer.Owner != e.By:
		return fmt.Errorf("%s: %w", what, ErrBlockTaken)
	case !outer.Open():
		return fmt.Errorf("%s: %w", what, ErrBlockClosed)
	}
	return nil
}

func ifTaken(top int64, what string) error {
	if top == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", what, ErrBlockTaken)
}

// FindBlock is a block by its exact numbers: ErrNoBlock.
func FindBlock(ctx context.Context, tx *store.Tx, year, first, last int64) (Block, error) {
	rows, err := tx.Query(ctx, blockOverlap, year, last, first)
	if err != nil {
		return Block{}, err
	}
	blocks, err := scanBlocks(rows)
	if err != nil {
		return Block{}, err
	}
	for _, b := range blocks {
		if b.First == first && b.Last == last {
			return b, nil
		}
	}
	return Block{}, fmt.Errorf("block %d %d-%d: %w", year, first, last, ErrNoBlock)
}

// CloseBlock ends a block: what nobody published of it is nobody's. ErrBlockClosed.
func CloseBlock(ctx context.Context, t event.Turn, b Block, by, reason string) error {
	if !b.Open() {
		return ErrBlockClosed
	}
	_, err := t.Emit(ctx, &event.Event{Kind: event.BlockClosed, By: by, Year: b.Year, First: b.First, Last: b.Last, Reason: reason}, nil)
	return err
}

// foldBlock brings a block into the tables.
func foldBlock(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Kind == event.BlockClosed {
		_, err := tx.Exec(ctx, blockClose, e.Time.UnixMilli(), e.Year, e.First, e.Last)
		return err
	}
	if _, err := tx.Exec(ctx, blockAdd, e.Index, e.Year, e.First, e.Last, e.Owner, e.Key, e.By, e.Time.UnixMilli()); err != nil {
		return err
	}
	r, err := getRange(ctx, tx, e.Year)
	if err != nil || r.General >= e.Last {
		return err
	}
	r.General = e.Last
	return r.put(ctx, tx)
}

// foldBlockFact brings in whose a block is.
func foldBlockFact(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	r, err := jcs.NewReader(e.Private, ledger.MaxBody)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFact, err)
	}
	var kind, org, salt string
	block := int64(-1)
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "kind":
			kind = r.String()
			if kind != blockFact {
				return nil
			}
		case "block":
			block = r.Int()
		case "org":
			org = r.String()
		case "salt":
			salt = r.String()
		default:
			r.Raw()
		}
	}
	if err := r.End(); kind != blockFact {
		return nil // another package's
	} else if err != nil || block < 0 || org == "" {
		return fmt.Errorf("%w: %s: %v", ErrFact, blockFact, err)
	}
	raw, err := hex.DecodeString(salt)
	if err != nil || len(raw) != 16 {
		return fmt.Errorf("%w: %s: salt", ErrFact, blockFact)
	}
	_, err = tx.Exec(ctx, blockOwnerAdd, e.Index, block, org, raw)
	return err
}

// fromBlock is an identifier of a block that nobody has published.
func fromBlock(ctx context.Context, tx *store.Tx, id string) (Identifier, error) {
	b, err := BlockOf(ctx, tx, id)
	if errors.Is(err, ErrNoBlock) || errors.Is(err, cve.ErrID) {
		return Identifier{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Identifier{}, err
	}
	i := Identifier{ID: id, State: cve.Reserved, Owner: b.Owner, Modified: b.Granted, Block: &b}
	if !b.Open() {
		i.Owner = "" // it is nobody's any more
	}
	return i, nil
}

// openBlock notes whose a block is, as the first publication of one of its numbers opens it, and that this number is theirs.
func openBlock(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	b, err := oneBlock(tx.QueryRow(ctx, blockAt, e.Own.Index), e.ID)
	if errors.Is(err, ErrNoBlock) {
		return nil // the identifier's own commitment
	}
	if err != nil {
		return err
	}
	org := e.Org
	if org == "" {
		org = e.By
	}
	if !b.Opened {
		if _, err := tx.Exec(ctx, blockOpen, org, b.Leaf); err != nil {
			return err
		}
	}
	return addOwner(ctx, tx, ownerOpen, e, e.ID, org)
}
