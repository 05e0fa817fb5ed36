package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/event"
	"tasuki/internal/lane"
	"tasuki/internal/ledger"
	"tasuki/spec/dsse"
)

// The files of an authority's own node, beside the journal, the outbox and what was sent.
const (
	laneAbout  = "node.json" // what the node is for
	laneSecret = "secret"    // keys the order of scattered lanes
	laneKeys   = "keys"      // a file for each life's key
	laneChain  = "charters"
)

// laneConfig says what an authority's node is for.
type laneConfig struct {
	List   string   `json:"list"`   // id, 64 hex digits
	Org    string   `json:"org"`    // UUID
	Short  string   `json:"short"`  // short name
	Node   string   `json:"node"`   // the authority's own name for this node
	Scheme string   `json:"scheme"` // CVE, or GCVE-<authority>
	URLs   []string `json:"urls"`   // where the list was seen: hints, not trust
}

// laneNode is an authority's own node, open.
type laneNode struct {
	*lane.Folder
	laneConfig
	env     lane.Env
	journal *lane.Journal
	outbox  *lane.Outbox
	keys    map[string]ed25519.PrivateKey // by public key
	now     func() time.Time

	mu    sync.Mutex     // of what is learned while others ask
	chain *charter.Chain // nil while the list was never asked
}

// openLaneFolder opens all but the journal.
func (p *Program) openLaneFolder(dir string) (n *laneNode, err error) {
	f, err := takeLaneFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no node of an authority is here; begin one with \"tasuki node init\"", dir)
	}
	if err != nil {
		return nil, err
	}
	n = &laneNode{Folder: f, outbox: &lane.Outbox{Disk: f}, keys: map[string]ed25519.PrivateKey{}, now: p.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	raw, err := f.Read(laneAbout)
	if err != nil {
		return nil, fmt.Errorf("%s: no node of an authority is here; begin one with \"tasuki node init\": %w", dir, err)
	}
	if err := json.Unmarshal(raw, &n.laneConfig); err != nil {
		return nil, fmt.Errorf("%s: %w", laneAbout, err)
	}
	secret, err := f.Read(laneSecret)
	if err != nil || len(secret) != 32 {
		return nil, errors.Join(err, fmt.Errorf("%s: not 32 bytes", laneSecret))
	}
	n.env = lane.Env{Disk: f, Place: f, Now: p.Now, Rand: p.Rand, Secret: [32]byte(secret)}
	names, err := f.List(laneKeys)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		k, err := charter.ReadRoleKey(filepath.Join(f.Path(), laneKeys, name), charter.RoleNode)
		if err != nil {
			return nil, err
		}
		n.keys[dsse.EncodeKey(k.Public())] = k.Private
	}
	return n, n.loadChain()
}

// takeLaneFolder opens the folder, and waits five seconds for another command that has it. For who has it for long and says so, nobody
// waits.
func takeLaneFolder(dir string) (*lane.Folder, error) {
	const tries = 100
	for n := 1; ; n++ {
		f, err := lane.OpenFolder(dir, false)
		var held *lane.HeldError
		if !errors.As(err, &held) || held.By != "" || n == tries {
			return f, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// openLane opens a node whose journal is at home here.
func (p *Program) openLane(dir string) (*laneNode, error) {
	n, err := p.openLaneFolder(dir)
	if err != nil {
		return nil, err
	}
	if n.journal, err = lane.Open(n.env); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// drawLaneKey makes the key of a life and keeps it.
func (n *laneNode) drawLaneKey(p *Program) (string, error) {
	private, err := charter.NewKey(p.Rand)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(n.Path(), laneKeys), 0o700); err != nil {
		return "", err
	}
	names, err := n.Folder.List(laneKeys)
	if err != nil {
		return "", err
	}
	k := &charter.RoleKey{Role: charter.RoleNode, Name: n.Short + "/" + n.Node, Private: private}
	if err := k.WriteFile(filepath.Join(n.Path(), laneKeys, fmt.Sprintf("%03d.key", len(names)+1))); err != nil {
		return "", err
	}
	public := dsse.EncodeKey(k.Public())
	n.keys[public] = private
	return public, nil
}

// present is the key of the present life.
func (n *laneNode) present() (string, ed25519.PrivateKey, error) {
	public := n.journal.Config().Key
	key, ok := n.keys[public]
	if !ok {
		return "", nil, fmt.Errorf("the journal's key is not under %s", filepath.Join(n.Path(), laneKeys))
	}
	return public, key, nil
}

// signerOf is the key that speaks for an identifier: the one that its block was granted to, else the present one.
func (n *laneNode) signerOf(id string) (ed25519.PrivateKey, error) {
	for _, b := range n.journal.Blocks() {
		e := event.Event{Year: b.Year, First: b.First, Last: b.Last}
		if key, ok := n.keys[b.Key]; ok && e.Covers(id) {
			return key, nil
		}
	}
	_, key, err := n.present()
	return key, err
}

func (n *laneNode) loadChain() error {
	names, err := n.Folder.List(laneChain)
	if err != nil || len(names) == 0 {
		return err
	}
	var docs [][]byte
	for _, name := range names {
		raw, err := n.Read(laneChain + "/" + name)
		if err != nil {
			return err
		}
		docs = append(docs, raw)
	}
	if n.chain, err = charter.ParseChain(docs...); err != nil {
		return fmt.Errorf("%s: %w", laneChain, err)
	}
	if n.chain.ListID() != n.laneConfig.List {
		return fmt.Errorf("%s: %w", laneChain, charter.ErrOtherList)
	}
	return nil
}

// servers are all that may know the list: the operator that the newest valid charter names first, then mirrors and hints.
func (n *laneNode) servers() (urls []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	add := func(u string) {
		if u = strings.TrimRight(u, "/"); u != "" && !slices.Contains(urls, u) {
			urls = append(urls, u)
		}
	}
	if n.chain != nil {
		c := n.chain.Head().Charter()
		add(c.Operator.URL)
		if c.Mirrors != nil {
			for _, m := range c.Mirrors.List {
				add(m.URL)
			}
		}
	}
	for _, u := range n.URLs {
		add(u)
	}
	return urls
}

// learn asks every server for charters, and keeps the chain as far as it goes. One server that answers is enough; a chain that is not
// longer than ours, or of other charters, changes nothing.
func (n *laneNode) learn(ctx context.Context, client *http.Client) error {
	var failed []error
	asked := false
	for _, u := range n.servers() {
		chain, err := mirror.NewPeer(u, client).Chain(ctx, n.laneConfig.List)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", u, err))
			continue
		}
		asked = true
		if err := n.extend(chain); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", u, err))
		}
	}
	if !asked {
		return errors.Join(append(failed, errors.New("no server of the list answers"))...)
	}
	return n.keepChain()
}

// keepChain writes charters down that are not on disk yet.
func (n *laneNode) keepChain() error {
	for i, d := range n.documents() {
		raw, err := d.Bytes()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s/%05d.json", laneChain, i+1)
		if _, err := n.Read(name); errors.Is(err, fs.ErrNotExist) {
			err = n.Replace(name, raw)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// extend goes on with a chain that somebody showed.
func (n *laneNode) extend(chain *charter.Chain) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.chain == nil {
		n.chain = chain
		return nil
	}
	docs := chain.Documents()
	for _, d := range docs[min(len(docs), len(n.chain.Documents())):] {
		if err := n.chain.Extend(d); err != nil {
			return err
		}
	}
	return nil
}

// documents are the charters that the node holds, none while the list was never asked.
func (n *laneNode) documents() []*charter.Document {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.chain == nil {
		return nil
	}
	return n.chain.Documents()
}

// maxLaneAnswer bounds what a server is listened to.
const maxLaneAnswer = 8 << 20

// laneClient asks servers; nothing it hears is believed without a signature.
func laneClient() *http.Client { return &http.Client{Timeout: 60 * time.Second} }

// statusError is an answer that is none of the 200s.
type statusError struct {
	Code int
	Body []byte
}

func (e *statusError) Error() string {
	var problem struct{ Detail string }
	if json.Unmarshal(e.Body, &problem) == nil && problem.Detail != "" {
		return fmt.Sprintf("%d: %s", e.Code, clean(problem.Detail))
	}
	return fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
}

func ask(ctx context.Context, client *http.Client, method, url string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tasuki-node")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxLaneAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxLaneAnswer:
		return nil, errors.New("the answer is too long")
	case resp.StatusCode != http.StatusOK:
		return nil, &statusError{resp.StatusCode, raw}
	}
	return raw, nil
}

// eventName is how an event is called on the screen.
func eventName(hash ledger.Hash) string { return fmt.Sprintf("%x", hash[:6]) }
