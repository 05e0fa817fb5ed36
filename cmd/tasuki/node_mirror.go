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
	"strings"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/durable"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
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
	// Reader marks a client: without a key, and holding where its owner has to decide. Policy is what the owner decided beforehand, as text
	// (continuity.ClientPolicy).
	Reader bool   `json:"reader,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Offline says that nobody is asked: leaves come by bundles.
	Offline bool `json:"offline,omitempty"`

	charters *charter.Chain // of the first bundle: what such a copy is founded with
}

var (
	errOperatorsDir = errors.New("this data directory is a list's own, with its keys; a mirror gets another one")
	errMirrorsDir   = errors.New("this data directory is a mirror of another list")
	errOtherRole    = errors.New("this data directory is a client's and no mirror's, or the other way round")
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
	if want.Policy == "" {
		want.Policy = have.Policy
	}
	if have.List != "" && have.Reader != want.Reader && !want.Offline {
		return nil, errOtherRole
	}
	switch {
	case len(s.Mirror.Sources) > 0:
		want.Offline = false
	case have.List != "":
		want.Offline = have.Offline
	}
	if want.List == "" || len(want.Sources) == 0 && !want.Offline {
		return nil, errors.New("a new mirror needs --list, the id of the list, and the URL of a server to begin with")
	}
	return &want, want.save(s.Dir.Path)
}

// save writes the file.
func (r *mirrorRole) save(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, mirrorFile), append(raw, '\n'))
}

// foundMirror fetches the charter chain of the pinned list and stores it. It waits for a server that has it.
func (n *node) foundMirror(ctx context.Context) error {
	if n.role.Offline {
		return n.foundOffline(ctx)
	}
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

// foundOffline stores the charter chain that a bundle brought.
func (n *node) foundOffline(ctx context.Context) error {
	chain := n.role.charters
	switch {
	case chain == nil:
		return errors.New("this copy begins with its first bundle: tasuki bundle import --list ID FILE")
	case chain.ListID() != n.role.List:
		return charter.ErrOtherList
	case chain.Test() && !n.role.Test:
		return errTestList
	}
	if err := n.db.Update(ctx, func(tx *store.Tx) error { return charter.Save(ctx, tx, chain) }); err != nil {
		return err
	}
	return n.load(ctx)
}

// httpClient is how this node asks other copies of its list. Nothing is believed for where it comes from, so redirects are followed.
func (n *node) httpClient() *http.Client { return newHTTPClient() }

func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
}

// mirrorKey reads a mirror's key from a file and binds it to this store: nil without one. The binding is on disk before the key is used.
func (n *node) mirrorKey(ctx context.Context, file string) (*c2sp.Cosigner, *continuity.Key, error) {
	if file == "" {
		return nil, nil, nil
	}
	k, err := charter.ReadRoleKey(file, charter.RoleMirror)
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
	path := file + ".store"
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
	cosigner, key, err := n.mirrorKey(ctx, n.role.Key)
	if err != nil {
		return err
	}
	if cosigner != nil {
		n.mirrorVKey = cosigner.VKey().String()
	}
	tree, err := n.continuity.Stored(ctx)
	if err != nil {
		return err
	}
	n.stored.Store(tree.Size)
	policy, err := n.role.clientPolicy(n.role.Policy)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(n.dir.Path, mirrorFile), err)
	}
	n.policy.Store(&policy)
	n.continuity.CutLog = n.cutLog
	open := func(ctx context.Context) (*continuity.Mirror, error) {
		return continuity.OpenMirror(ctx, n.continuity, key, *n.policy.Load(), n.now)
	}
	if _, err := open(ctx); err != nil {
		return fmt.Errorf("%w: a key whose store was lost has forgotten what it promised; make a new one (tasuki mirror keygen) and let the charter name it", err)
	}
	n.follower = mirror.New(mirror.Options{Store: mirrorStore{n}, Open: open, Key: cosigner, Sources: n.role.Sources, Self: []string{n.cfg.BaseURL},
		HTTP: n.httpClient(), Now: n.now, Rand: rand.Float64, Log: n.log})
	return n.follower.Rules(ctx, func(*continuity.Mirror) error { return nil }) // a hold is known before the first answer
}

// mirrorStore is the node's store as the follow loop asks for it.
type mirrorStore struct{ *node }

func (n mirrorStore) Inspect(s gate.Stored) (*gate.Inspected, error) { return n.gate.Inspect(s) }

func (n mirrorStore) Follow(ctx context.Context, leaves []*gate.Inspected, to continuity.Tree) error {
	check := program.Checker{Service: n.acts, Chain: n.chain}
	err := n.gate.Follow(ctx, leaves, gate.Following{Check: check.Check, Size: to.Size, Root: to.Root})
	if err == nil && len(leaves) > 0 {
		n.stored.Store(leaves[len(leaves)-1].Entry().Index + 1)
	}
	return err
}

func (n mirrorStore) Stored(ctx context.Context) (continuity.Tree, error) {
	return n.continuity.Stored(ctx)
}

func (n mirrorStore) Seen(ctx context.Context, origin string) (int64, error) {
	seen, _, err := n.continuity.Heads(ctx, origin)
	return seen.Size, err
}

func (n mirrorStore) Scrub(ctx context.Context) error { return n.acts.Scrub(ctx) }

func (n mirrorStore) EscrowDue(ctx context.Context, recipients [32]byte, from int64, limit int) (due []int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = n.ledger.EscrowMissing(ctx, tx, recipients, from, limit)
		return err
	})
	return due, err
}

func (n mirrorStore) KeepEscrow(ctx context.Context, list []ledger.Sealed, replace bool) error {
	if len(list) == 0 {
		return nil
	}
	return n.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := n.ledger.Lock(ctx, tx); err != nil {
			return err
		}
		for _, s := range list {
			if err := n.ledger.KeepEscrow(ctx, tx, s, replace); err != nil {
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
	cp := ledger.Checkpoint{Origin: a.Origin, Size: a.Size, Root: a.Root, Note: a.Note, Time: a.Newest.UnixMilli()}
	if a.Newest.IsZero() {
		var err error
		if cp.Time, err = n.stampOf(ctx, a.Size-1); err != nil {
			return err
		}
	}
	n.checkpoint.Store(&cp)
	return nil
}

// stampOf is when a leaf entered the log, in Unix milliseconds: how fresh a checkpoint is that nobody cosigns.
func (n *node) stampOf(ctx context.Context, index int64) (at int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		raw, err := n.ledger.Leaf(ctx, tx, index)
		if err != nil {
			return err
		}
		leaf, err := ledger.ParseLeaf(raw)
		at = leaf.Stamp.Time
		return err
	})
	return at, err
}

// Chartered lets every surface know the charters that came in, and the branch that people chose.
func (n mirrorStore) Chartered(_ context.Context, chain *charter.Chain) error {
	have, docs := n.chain.Documents(), chain.Documents()
	if len(docs) < len(have) || docs[len(have)-1].Hash() != have[len(have)-1].Hash() {
		return n.chain.Become(chain)
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
	err := n.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := n.ledger.Lock(ctx, tx); err != nil {
			return err
		}
		return n.ledger.Cut(ctx, tx, size)
	})
	if err == nil {
		n.stored.Store(size)
	}
	return err
}

func (n mirrorStore) Refold(ctx context.Context) error {
	if err := n.refold(ctx); err != nil {
		return err
	}
	return n.catalogue.Reload(ctx)
}

// mirrored is the newest checkpoint that the log signed and all of whose leaves are here, by what this mirror remembers of an origin.
func (n *node) mirrored(ctx context.Context, tx *store.Tx, origin string) (c ledger.Checkpoint, err error) {
	seen, cosigned, published, err := continuity.Signatures(ctx, tx, origin)
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
