package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// mirrorFile marks a data directory as a copy that follows somebody else's list, and says which.
const mirrorFile = "mirror.json"

// mirrorRole is what that file says.
type mirrorRole struct {
	List    string   `json:"list"`    // list id, pinned
	Sources []string `json:"sources"` // base URLs, asked before those that the charter names
	Key     string   `json:"key,omitempty"`
	Test    bool     `json:"test,omitempty"` // a test list is welcome
}

var (
	errOperatorsDir = errors.New("this data directory is a list's own, with its keys; a mirror gets another one")
	errMirrorsDir   = errors.New("this data directory is a mirror of another list")
	errOtherList    = errors.New("the server is of another list")
)

// role reads what a data directory is: nil for a list's own. What the command line says is written down first.
func (s Setup) role() (*mirrorRole, error) {
	path := filepath.Join(s.Dir.Path, mirrorFile)
	var have mirrorRole
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.Mirror == nil:
		return nil, nil //nolint:nilnil // said above
	case errors.Is(err, fs.ErrNotExist):
		for _, name := range []string{logKeyFile, logKeyFile + pending, boardKeyFile} {
			if _, err := os.Lstat(filepath.Join(s.Dir.Path, name)); !errors.Is(err, fs.ErrNotExist) {
				return nil, errors.Join(errOperatorsDir, err)
			}
		}
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(raw, &have); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if s.Mirror == nil {
		return &have, nil
	}
	want := *s.Mirror
	if want.List == "" {
		want.List = have.List
	}
	if have.List != "" && have.List != want.List {
		return nil, fmt.Errorf("%w: %.16s…", errMirrorsDir, have.List)
	}
	if len(want.Sources) == 0 {
		want.Sources = have.Sources
	}
	if want.Key == "" {
		want.Key = have.Key
	}
	if want.List == "" || len(want.Sources) == 0 {
		return nil, errors.New("a new mirror needs --list, the id of the list, and the URL of a server to begin with")
	}
	if raw, err = json.MarshalIndent(want, "", "  "); err != nil {
		return nil, err
	}
	if err := writeSynced(path+".tmp", append(raw, '\n')); err != nil {
		return nil, err
	}
	return &want, errors.Join(os.Rename(path+".tmp", path), syncDir(s.Dir.Path))
}

// foundMirror fetches the charter chain of the pinned list and stores it. It waits for a server that has it.
func (n *node) foundMirror(ctx context.Context) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		var all error
		for _, url := range n.role.Sources {
			chain, err := mirror.NewPeer(url, n.httpClient()).Chain(ctx, n.role.List)
			if err == nil && chain.Test() && !n.role.Test {
				return errTestList
			}
			if err == nil {
				n.log.InfoContext(ctx, "a mirror was founded", "list", chain.ListID(), "charter", chain.Head().Charter().V, "source", url)
				if err := n.db.Update(ctx, func(tx *store.Tx) error { return charter.Save(ctx, tx, chain) }); err != nil {
					return err
				}
				return n.load(ctx)
			}
			all = errors.Join(all, fmt.Errorf("%s: %w", url, err))
			if errors.Is(err, charter.ErrOtherList) {
				return errors.Join(errOtherList, all)
			}
		}
		n.log.WarnContext(ctx, "no server has the charters yet", "err", all)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), all)
		case <-time.After(wait):
		}
	}
}

// httpClient is how this node asks other copies of its list. Nothing is believed for where it comes from, so redirects are followed.
func (n *node) httpClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
}

// mirrorKey reads the key of this mirror and binds it to this store: nil without one. The binding is on disk before the key is used.
func (n *node) mirrorKey(ctx context.Context) (*c2sp.Cosigner, *continuity.Key, error) {
	if n.role.Key == "" {
		return nil, nil, nil
	}
	k, err := charter.ReadRoleKey(n.role.Key, charter.RoleMirror)
	if err != nil {
		return nil, nil, err
	}
	cosigner, err := k.Cosigner()
	if err != nil {
		return nil, nil, err
	}
	id, err := n.continuity.ID(ctx)
	if err != nil {
		return nil, nil, err
	}
	path := n.role.Key + ".store"
	bound, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		bound = []byte(id)
		err = errors.Join(writeSynced(path, []byte(id+"\n")), syncDir(filepath.Dir(path)))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("bind the mirror's key to its store: %w", err)
	}
	return cosigner, &continuity.Key{Signer: cosigner, Store: strings.TrimSpace(string(bound))}, nil
}

// openFollower makes the follow loop; Run starts it.
func (n *node) openFollower(ctx context.Context) error {
	cosigner, key, err := n.mirrorKey(ctx)
	if err != nil {
		return err
	}
	n.continuity.CutLog = n.cutLog
	open := func(ctx context.Context) (*continuity.Mirror, error) {
		return continuity.OpenMirror(ctx, n.continuity, key, continuity.ClientPolicy{}, n.now)
	}
	if _, err := open(ctx); err != nil {
		return fmt.Errorf("%w: a key whose store was lost has forgotten what it promised; make a new one (tasuki mirror keygen) and let the charter name it", err)
	}
	n.follower = mirror.New(mirror.Options{Store: mirrorStore{n}, Open: open, Key: cosigner, Sources: n.role.Sources, Self: []string{n.cfg.BaseURL},
		HTTP: n.httpClient(), Now: n.now, Rand: rand.Float64, Log: n.log})
	return nil
}

// mirrorStore is the node's store as the follow loop asks for it.
type mirrorStore struct{ *node }

func (n mirrorStore) Inspect(s gate.Stored) (*gate.Inspected, error) { return n.gate.Inspect(s) }

func (n mirrorStore) Follow(ctx context.Context, leaves []*gate.Inspected, to continuity.Tree) error {
	return n.gate.Follow(ctx, leaves, gate.Following{Size: to.Size, Root: to.Root})
}

func (n mirrorStore) Stored(ctx context.Context) (continuity.Tree, error) {
	return n.continuity.Stored(ctx)
}

func (n mirrorStore) Scrub(ctx context.Context) error { return n.acts.Scrub(ctx) }

func (n mirrorStore) EscrowDue(ctx context.Context, recipients [32]byte, from int64, limit int) (due []int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = n.ledger.EscrowMissing(ctx, tx, recipients, from, limit)
		return err
	})
	return due, err
}

func (n mirrorStore) KeepEscrow(ctx context.Context, list []ledger.Sealed) error {
	if len(list) == 0 {
		return nil
	}
	return n.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := n.ledger.Lock(ctx, tx); err != nil {
			return err
		}
		for _, s := range list {
			if err := n.ledger.KeepEscrow(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// Accepted publishes here what counts by the charter's quorum.
func (n mirrorStore) Accepted(ctx context.Context, a continuity.Accepted) error {
	if err := n.continuity.Publish(ctx, a.Origin, continuity.Signed{Tree: a.Tree, Note: a.Note}); err != nil && !errors.Is(err, continuity.ErrStale) {
		return err
	}
	n.checkpoint.Store(&ledger.Checkpoint{Origin: a.Origin, Size: a.Size, Root: a.Root, Note: a.Note, Time: cosignedAt(a)})
	return nil
}

func cosignedAt(a continuity.Accepted) int64 {
	if a.Newest.IsZero() {
		return 0
	}
	return a.Newest.UnixMilli()
}

// Chartered lets every surface know the charters that came in. A chain whose head was replaced by choice of people is read when the node starts again.
func (n mirrorStore) Chartered(_ context.Context, chain *charter.Chain) error {
	have, docs := n.chain.Documents(), chain.Documents()
	if len(docs) < len(have) || docs[len(have)-1].Hash() != have[len(have)-1].Hash() {
		return errNewCharter
	}
	for _, d := range docs[len(have):] {
		if err := n.chain.Extend(d); err != nil && !errors.Is(err, charter.ErrKnown) {
			return err
		}
	}
	return nil
}

// SaveTail writes the leaves from an index on into a file of entries (as in a tile bundle, without its limit), so that what the list does not continue
// can still be looked at, and what its authors signed handed in again.
func (n mirrorStore) SaveTail(ctx context.Context, from int64) error {
	var out []byte
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return n.ledger.Scan(ctx, tx, from, func(_ int64, leaf []byte, _ *ledger.Body) (err error) {
			out, err = c2sp.AppendEntry(out, leaf)
			return err
		})
	})
	if err != nil || len(out) == 0 {
		return err
	}
	name := fmt.Sprintf("tail-%d-%s", from, n.now().UTC().Format("20060102T150405Z"))
	if err := writeSynced(filepath.Join(n.dir.Path, name), out); err != nil {
		return fmt.Errorf("save leaves that will be dropped: %w", err)
	}
	return syncDir(n.dir.Path)
}

// cutLog drops leaves. The derived tables are marked as another version's first: if this dies on the way, they are folded anew at the next start.
func (n *node) cutLog(ctx context.Context, size int64) error {
	if err := n.cursors.Save(ctx, foldsCursor, []byte("cut")); err != nil {
		return err
	}
	return n.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := n.ledger.Lock(ctx, tx); err != nil {
			return err
		}
		return n.ledger.Cut(ctx, tx, size)
	})
}

func (n mirrorStore) Refold(ctx context.Context) error {
	if err := n.refold(ctx); err != nil {
		return err
	}
	return n.catalogue.Reload(ctx)
}

// mirrored is the newest checkpoint that the log signed and all of whose leaves are here, by what this mirror remembers of an origin.
func (n *node) mirrored(ctx context.Context, tx *store.Tx, origin string) (c ledger.Checkpoint, err error) {
	seen, cosigned, err := n.continuity.Heads(ctx, origin)
	if err != nil {
		return c, err
	}
	published, err := n.continuity.Published(ctx, origin)
	if err != nil {
		return c, err
	}
	head, err := n.ledger.Head(ctx, tx)
	if err != nil {
		return c, err
	}
	for _, s := range []continuity.Signed{seen, cosigned, published} {
		if s.Size > 0 && s.Size <= head.Size && s.Size > c.Size {
			c = ledger.Checkpoint{Origin: origin, Size: s.Size, Root: s.Root, Note: s.Note}
		}
	}
	if c.Size == 0 {
		return c, ledger.ErrNotFound
	}
	return c, nil
}

// sources names the servers that this copy begins with.
func (r *mirrorRole) sources() string { return strings.Join(slices.Clone(r.Sources), ", ") }
