package continuity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queryFiles embed.FS

var q = store.Load(queryFiles, "sql")

// Schema is the migrations of this package (0080–0089).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// ErrNoCut means that this store cannot drop leaves: the copy must be made anew.
var ErrNoCut = errors.New("continuity: this store cannot drop leaves")

// ErrNotFound means a row that is not there.
var ErrNotFound = errors.New("continuity: not found")

// SQL keeps everything in a store, beside the log that it is about. It is a MirrorDisk and a PublisherDisk, safe for concurrent use.
type SQL struct {
	DB   *store.DB
	Log  *ledger.Log
	Rand io.Reader
	// CutLog drops leaves from size on and what was folded from them; nil answers ErrNoCut.
	CutLog func(ctx context.Context, size int64) error
}

var (
	_ MirrorDisk    = (*SQL)(nil)
	_ PublisherDisk = (*SQL)(nil)
)

// ID is the store's name for good.
func (s *SQL) ID(ctx context.Context) (id string, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error { return tx.QueryRow(ctx, q.Get("store_id")).Scan(&id) })
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	var raw [16]byte
	if _, err := io.ReadFull(s.Rand, raw[:]); err != nil {
		return "", err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, q.Get("store_name"), hex.EncodeToString(raw[:])); err != nil {
			return err
		}
		return tx.QueryRow(ctx, q.Get("store_id")).Scan(&id)
	})
	return id, err
}

// Load reads what the follower remembers.
func (s *SQL) Load(ctx context.Context) (f Following, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if f.Chain, err = charter.Load(ctx, tx); err != nil {
			return err
		}
		if f.Siblings, err = charter.Siblings(ctx, tx, f.Chain); err != nil {
			return err
		}
		f.Accepted, f.Hold, err = client(ctx, tx)
		return err
	})
	return f, err
}

func client(ctx context.Context, tx *store.Tx) (a Accepted, h Hold, err error) {
	var root []byte
	var newest, at int64
	err = tx.QueryRow(ctx, q.Get("client_get")).Scan(&a.Size, &root, &a.Origin, &a.Epoch, &a.Note, &newest, (*string)(&h.Why), &h.A, &h.B, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Accepted{}, Hold{}, nil
	}
	if err != nil {
		return a, h, err
	}
	a.Newest, h.At = moment(newest), moment(at)
	a.Root, err = rootOf(root)
	return a, h, err
}

// moment reads Unix milliseconds; 0 is no time.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// rootOf reads a stored root; an empty one stands beside size 0.
func rootOf(raw []byte) (h tlog.Hash, err error) {
	switch len(raw) {
	case 0:
		return h, nil
	case tlog.HashSize:
		return tlog.Hash(raw), nil
	}
	return h, fmt.Errorf("continuity: a stored root has %d bytes", len(raw))
}

// Extend appends a charter, and seals with it.
func (s *SQL) Extend(ctx context.Context, d *charter.Document, seal *Sealing) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.seal(ctx, tx, seal); err != nil {
			return err
		}
		chain, err := charter.Load(ctx, tx)
		if err != nil {
			return err
		}
		if err := chain.Extend(d); err != nil {
			return err
		}
		return charter.Save(ctx, tx, chain)
	})
}

// seal comes first in its transaction: from here on whoever records a cosignature waits, and then finds the origin sealed.
func (s *SQL) seal(ctx context.Context, tx *store.Tx, seal *Sealing) error {
	if seal == nil {
		return nil
	}
	if seal.Binds() {
		if _, err := tx.Exec(ctx, q.Get("seal"), seal.Origin); err != nil {
			return fmt.Errorf("seal %s: %w", seal.Origin, err)
		}
	}
	if seal.Sign == nil {
		return nil
	}
	// Locked, so that the statement speaks of everything that is stored when it takes force.
	head, err := s.Log.Lock(ctx, tx)
	if err != nil {
		return err
	}
	stored := Tree{head.Size, head.Root()}
	_, cosigned, _, err := heads(ctx, tx, seal.Origin)
	if err == nil && !seal.Entered && cosigned.Size == 0 {
		stored, err = s.accepted(ctx, tx)
	}
	if err != nil {
		return err
	}
	note, err := seal.Sign(stored)
	if err != nil {
		return err
	}
	var nr int64
	if err := tx.QueryRow(ctx, q.Get("seal_count")).Scan(&nr); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, q.Get("seal_put"), nr, seal.Origin, seal.Charter, stored.Size, stored.Root[:], note)
	return err
}

// accepted is the view, as a tree: the empty one before the first.
func (s *SQL) accepted(ctx context.Context, tx *store.Tx) (Tree, error) {
	a, _, err := client(ctx, tx)
	if err == nil && a.Size == 0 {
		a.Root = ledger.Head{}.Root()
	}
	return a.Tree, err
}

// KeepSibling keeps a sibling and the hold.
func (s *SQL) KeepSibling(ctx context.Context, d *charter.Document, h Hold) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		chain, err := charter.Load(ctx, tx)
		if err != nil {
			return err
		}
		// A table full of siblings says no more than one of them; the hold counts.
		if err := charter.SaveSibling(ctx, tx, chain, d); err != nil && !errors.Is(err, charter.ErrSiblings) {
			return err
		}
		return putHold(ctx, tx, h)
	})
}

func putHold(ctx context.Context, tx *store.Tx, h Hold) error {
	_, err := tx.Exec(ctx, q.Get("client_hold"), string(h.Why), h.A, h.B, millis(h.At))
	return err
}

// Choose puts a sibling into the head's place.
func (s *SQL) Choose(ctx context.Context, d *charter.Document, seal *Sealing) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.seal(ctx, tx, seal); err != nil {
			return err
		}
		if _, err := charter.Choose(ctx, tx, d); err != nil {
			return err
		}
		return putHold(ctx, tx, Hold{})
	})
}

// Accept records a view.
func (s *SQL) Accept(ctx context.Context, a Accepted) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(ctx, q.Get("client_accept"), a.Size, a.Root[:], a.Origin, a.Epoch, a.Note, millis(a.Newest))
		return wrote(res, err, ErrStale)
	})
}

// wrote is otherwise when a statement that guards itself has written nothing.
func wrote(res sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = otherwise
	}
	return err
}

// Hold records a hold or its end.
func (s *SQL) Hold(ctx context.Context, h Hold, e *Evidence) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := putEvidence(ctx, tx, e); err != nil {
			return err
		}
		return putHold(ctx, tx, h)
	})
}

// Keep records evidence.
func (s *SQL) Keep(ctx context.Context, e Evidence) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error { return putEvidence(ctx, tx, &e) })
}

// maxEvidence bounds the table: who can make a thousand contradictions has been found out by the first.
const maxEvidence = 1000

func putEvidence(ctx context.Context, tx *store.Tx, e *Evidence) error {
	if e == nil {
		return nil
	}
	var have int64
	if err := tx.QueryRow(ctx, q.Get("evidence_count")).Scan(&have); err != nil {
		return err
	}
	if have >= maxEvidence {
		return nil
	}
	list := make([]string, len(e.Notes))
	for i, n := range e.Notes {
		list[i] = string(n)
	}
	notes, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, q.Get("evidence_put"), have, e.Name, string(e.Kind), e.Origin, e.Text, notes, millis(e.At))
	return err
}

// RootAt is the root of the first size stored leaves.
func (s *SQL) RootAt(ctx context.Context, size int64) (root tlog.Hash, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		root, err = s.Log.RootAt(ctx, tx, size)
		return err
	})
	return root, err
}

// Opening is the stored leaf that opened an epoch.
func (s *SQL) Opening(ctx context.Context, epoch int64) (o Opening, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		var index int64
		err := tx.QueryRow(ctx, q.Get("epoch_get"), epoch).Scan(&index)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("epoch %d: %w", epoch, ErrNotOpened)
		}
		if err != nil {
			return err
		}
		leaf, err := s.Log.Leaf(ctx, tx, index)
		if err != nil {
			return err
		}
		e, err := event.Open(index, leaf, nil)
		if err != nil {
			return err
		}
		var raw []byte
		if e.Body != nil {
			b, err := s.Log.Body(ctx, tx, index)
			if err != nil {
				return err
			}
			if raw, err = b.Bytes(); err != nil {
				return err
			}
		}
		o, err = OpeningOf(index, e.Event, raw)
		return err
	})
	return o, err
}

// Stored is the tree of every stored leaf. Leaves and what is folded from them are committed together.
func (s *SQL) Stored(ctx context.Context) (t Tree, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		head, err := s.Log.Head(ctx, tx)
		t = Tree{head.Size, head.Root()}
		return err
	})
	return t, err
}

// Heads are what was seen and cosigned last.
func (s *SQL) Heads(ctx context.Context, origin string) (seen, cosigned Signed, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		seen, cosigned, _, err = heads(ctx, tx, origin)
		return err
	})
	return seen, cosigned, err
}

func heads(ctx context.Context, tx *store.Tx, origin string) (seen, cosigned Signed, sealed bool, err error) {
	var a, b []byte
	var bit int64
	err = tx.QueryRow(ctx, q.Get("heads"), origin).Scan(&seen.Size, &a, &seen.Note, &cosigned.Size, &b, &cosigned.Note, &bit)
	if errors.Is(err, sql.ErrNoRows) {
		return Signed{}, Signed{}, false, nil
	}
	if err == nil {
		seen.Root, err = rootOf(a)
	}
	if err == nil {
		cosigned.Root, err = rootOf(b)
	}
	return seen, cosigned, bit == 1, err
}

// See records what the log signed.
func (s *SQL) See(ctx context.Context, origin string, n Signed) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, q.Get("see"), origin, n.Size, n.Root[:], n.Note)
		return err
	})
}

// Cosign records a cosignature; the statement decides.
func (s *SQL) Cosign(ctx context.Context, origin string, n Signed) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(ctx, q.Get("cosign"), origin, n.Size, n.Root[:], n.Note)
		if err = wrote(res, err, ErrStale); !errors.Is(err, ErrStale) {
			return err
		}
		_, cosigned, sealed, herr := heads(ctx, tx, origin)
		switch {
		case herr != nil:
			return herr
		case sealed:
			return ErrSealed
		case cosigned.Size == n.Size:
			return ErrFork
		}
		return err
	})
}

// Seals are the statements given, oldest first.
func (s *SQL) Seals(ctx context.Context) (out []Signed, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, q.Get("seals"))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below says it
		for rows.Next() {
			var n Signed
			var origin string
			var root []byte
			if err := rows.Scan(&origin, &n.Size, &root, &n.Note); err != nil {
				return err
			}
			if n.Root, err = rootOf(root); err != nil {
				return err
			}
			out = append(out, n)
		}
		return rows.Err()
	})
	return out, err
}

// Halt records a stop.
func (s *SQL) Halt(ctx context.Context, h Stop, e *Evidence) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := putEvidence(ctx, tx, e); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, q.Get("halt"), h.Origin, h.Size, string(h.Kind), h.Leaf, h.Reason, millis(h.At))
		return err
	})
}

// Halted is the stop of an origin.
func (s *SQL) Halted(ctx context.Context, origin string) (*Stop, error) {
	h := Stop{Origin: origin}
	var at int64
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, q.Get("halted"), origin).Scan(&h.Size, (*string)(&h.Kind), &h.Leaf, &h.Reason, &at)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	h.At = moment(at)
	return &h, err
}

// Cut keeps the reports and drops leaves.
func (s *SQL) Cut(ctx context.Context, size int64, reports [][]byte) error {
	if s.CutLog == nil {
		return ErrNoCut
	}
	for _, note := range reports {
		if err := s.PutReport(ctx, note); err != nil {
			return err
		}
	}
	return s.CutLog(ctx, size)
}

// Collected is the pending checkpoint with its mirrors' lines.
func (s *SQL) Collected(ctx context.Context, origin string) (Signed, error) {
	return s.signed(ctx, "collected_get", origin)
}

// Collect records it.
func (s *SQL) Collect(ctx context.Context, origin string, n Signed) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, q.Get("collected_put"), origin, n.Size, n.Root[:], n.Note)
		return err
	})
}

// Published is the newest published checkpoint of an origin.
func (s *SQL) Published(ctx context.Context, origin string) (Signed, error) {
	return s.signed(ctx, "published_get", origin)
}

// Signatures are what this copy remembers of an origin: the newest checkpoint that it saw, that it cosigned, and that it knows to be published.
func Signatures(ctx context.Context, tx *store.Tx, origin string) (seen, cosigned, published Signed, err error) {
	if seen, cosigned, _, err = heads(ctx, tx, origin); err != nil {
		return seen, cosigned, published, err
	}
	published, err = signed(ctx, tx, "published_get", origin)
	return seen, cosigned, published, err
}

func (s *SQL) signed(ctx context.Context, query, origin string) (n Signed, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error { n, err = signed(ctx, tx, query, origin); return err })
	return n, err
}

func signed(ctx context.Context, tx *store.Tx, query, origin string) (n Signed, err error) {
	var root []byte
	err = tx.QueryRow(ctx, q.Get(query), origin).Scan(&n.Size, &root, &n.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return Signed{}, nil
	}
	if err == nil {
		n.Root, err = rootOf(root)
	}
	return n, err
}

// Publish records a published checkpoint; the statement decides.
func (s *SQL) Publish(ctx context.Context, origin string, n Signed) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(ctx, q.Get("published_put"), origin, n.Size, n.Root[:], n.Note)
		if err = wrote(res, err, ErrStale); !errors.Is(err, ErrStale) {
			return err
		}
		var size int64
		var root, note []byte
		if err := tx.QueryRow(ctx, q.Get("published_get"), origin).Scan(&size, &root, &note); err != nil {
			return err
		}
		if size == n.Size {
			return ErrFork
		}
		return err
	})
}

// Evidence lists what was found, newest first, at most limit.
func (s *SQL) Evidence(ctx context.Context, limit int) (out []Evidence, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, q.Get("evidence_list"), limit)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below says it
		for rows.Next() {
			e, err := scanEvidence(rows)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	return out, err
}

// EvidenceNamed is one; ErrNotFound.
func (s *SQL) EvidenceNamed(ctx context.Context, name string) (e Evidence, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		e, err = scanEvidence(tx.QueryRow(ctx, q.Get("evidence_get"), name))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return e, err
}

func scanEvidence(row interface{ Scan(...any) error }) (Evidence, error) {
	var e Evidence
	var notes []byte
	var at int64
	if err := row.Scan(&e.Name, (*string)(&e.Kind), &e.Origin, &e.Text, &notes, &at); err != nil {
		return e, err
	}
	e.At = moment(at)
	var list []string
	if err := json.Unmarshal(notes, &list); err != nil {
		return e, fmt.Errorf("evidence %s: %w", e.Name, err)
	}
	for _, n := range list {
		e.Notes = append(e.Notes, []byte(n))
	}
	return e, nil
}

// PutReport keeps a seal that somebody handed over, for the handover.
func (s *SQL) PutReport(ctx context.Context, note []byte) error {
	sum := sha256.Sum256(note)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, q.Get("report_put"), hex.EncodeToString(sum[:]), note)
		return err
	})
}

// Reports are the seals that were handed over.
func (s *SQL) Reports(ctx context.Context) (out [][]byte, err error) {
	return s.notes(ctx, q.Get("report_list"))
}

// notes are the rows of a query for signed notes.
func (s *SQL) notes(ctx context.Context, list *store.Query, args ...any) (out [][]byte, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, list, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below says it
		for rows.Next() {
			var n []byte
			if err := rows.Scan(&n); err != nil {
				return err
			}
			out = append(out, n)
		}
		return rows.Err()
	})
	return out, err
}
