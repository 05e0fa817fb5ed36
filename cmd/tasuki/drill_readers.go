package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// drillTruth is what was seen from outside, for the count at the end.
type drillTruth struct {
	mu         sync.Mutex
	began      []string          // identifiers that the list began with
	assigned   map[string]string // identifier → who gave it out
	duplicates []string
	acked      []drillWrite
	unseen     []string        // acknowledged, and not yet shown by q mirrors
	shown      []string        // what readers read
	known      map[string]bool // in shown or unseen
	holds      map[string]bool // servers that said HOLD

	killed   atomic.Bool
	promised atomic.Int64
	reads    atomic.Int64
	failed   atomic.Int64
	wrong    atomic.Int64 // answers that were not proven
	signed   atomic.Int64 // largest size that the first operator's log key was seen to sign
	quorum   atomic.Int64 // and that had its quorum
}

// drillWrite is a write that was acknowledged as durable.
type drillWrite struct {
	id          string
	event       string // first 12 digits of the event's hash, where the author knows it
	text        string // what the container says, where not
	reservation bool
	leaf        int64 // −1 where the author is not told
	before      bool  // the first operator was there
}

func (t *drillTruth) init() {
	t.assigned, t.known, t.holds = map[string]string{}, map[string]bool{}, map[string]bool{}
}

// assign notes that somebody gave an identifier out.
func (t *drillTruth) assign(id, who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, given := t.assigned[id]; given {
		t.duplicates = append(t.duplicates, fmt.Sprintf("%s by %s and %s", id, other, who))
	}
	t.assigned[id] = who
}

func (t *drillTruth) ack(w drillWrite) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked = append(t.acked, w)
	if !w.reservation && !t.known[w.id] {
		t.known[w.id] = true
		t.unseen = append(t.unseen, w.id)
	}
}

// drillReaders and drillPace make 50 reads a second, as long as the machine can.
const (
	drillReaders = 5
	drillPace    = 100 * time.Millisecond
)

// drillReader reads and believes nobody. What it knows beforehand is the list's id; where servers are, it learns from the charters in the proofs.
type drillReader struct {
	d    *drill
	http *http.Client
	dice *rand.Rand
}

// readerClient is what all readers share: connections.
func readerClient() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * drillReaders}}
}

// work reads at its pace.
func (r *drillReader) work(ctx context.Context, end <-chan struct{}) {
	tick := time.NewTicker(drillPace)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t := &r.d.drillTruth
		t.mu.Lock()
		id := t.shown[r.dice.IntN(len(t.shown))]
		t.mu.Unlock()
		if err := r.read(ctx, id); err != nil && ctx.Err() == nil {
			t.failed.Add(1)
			r.d.report.detail("%.1f s after the readers began: read of %s failed: %v", time.Since(r.d.opened).Seconds(), id, err)
		} else if err == nil {
			t.reads.Add(1)
		}
	}
}

// read asks one listed server after the other until one proves its answer.
func (r *drillReader) read(ctx context.Context, id string) error {
	var failed []error
	servers := listedServers(r.d.chain.Load().Head())
	r.dice.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	for _, server := range servers {
		err := r.prove(ctx, server, id)
		if err == nil {
			return nil
		}
		if errors.Is(err, errNotProven) && ctx.Err() == nil {
			r.d.drillTruth.wrong.Add(1)
			r.d.report.detail("unverified: %v", err)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// listedServers are those that a charter names.
func listedServers(d *charter.Document) []string {
	out := []string{d.Charter().Operator.URL}
	for _, m := range d.Charter().Mirrors.List {
		out = append(out, m.URL)
	}
	return out
}

// errNotProven is an answer that its proof does not show.
var errNotProven = errors.New("the answer is not proven")

// prove fetches a record with its proof and verifies both. Between the two requests the record may have changed; then they are asked for again.
func (r *drillReader) prove(ctx context.Context, server, id string) error {
	var err error
	for range 5 {
		var file, record []byte
		var header http.Header
		if file, header, err = r.getHeader(ctx, server, "/proof/"+id); err != nil {
			return err
		}
		if record, err = r.get(ctx, server, versionProved(id, header)); err != nil {
			return err
		}
		if err = r.check(ctx, server, id, file, record); err == nil {
			return nil
		}
		if !errors.Is(err, errOther) && !errors.Is(err, ledger.ErrBody) {
			break
		}
		if werr := pause(ctx, 20*time.Millisecond); werr != nil {
			return werr
		}
	}
	return fmt.Errorf("%s of %s: %w: %w", id, server, errNotProven, err)
}

func (r *drillReader) check(ctx context.Context, server, id string, file, record []byte) error {
	v, err := AllowTest{}.verifyProof(file, r.d.list)
	if err != nil {
		return err
	}
	r.d.learn(v.chain)
	proved, err := readParts(v.Parts)
	if err != nil {
		return err
	}
	if proved.base == nil && len(proved.puts) == 0 || proved.id() != id {
		return errParts
	}
	if err := proved.complete(record, func(path string) ([]byte, error) { return r.get(ctx, server, path) }); err != nil {
		return err
	}
	_, err = proved.made(record)
	return err
}

// learn takes a chain of the list that goes further than the known one.
func (d *drill) learn(c *charter.Chain) {
	for {
		have := d.chain.Load()
		if have != nil && have.Head().Charter().V >= c.Head().Charter().V || d.chain.CompareAndSwap(have, c) {
			return
		}
	}
}

// errAway is a server that has no answer.
var errAway = errors.New("no answer")

func (r *drillReader) get(ctx context.Context, server, path string) ([]byte, error) {
	raw, _, err := r.getHeader(ctx, server, path)
	return raw, err
}

func (r *drillReader) getHeader(ctx context.Context, server, path string) ([]byte, http.Header, error) {
	raw, header, err := drillGet(ctx, r.http, server+path)
	if why := header.Get("Tasuki-Hold"); why != "" {
		r.d.drillTruth.hold(server, why)
	}
	return raw, header, err
}

func (t *drillTruth) hold(who, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds[who+": "+why] = true
}

// drillGet is an answer of 200; everything else is errAway.
func drillGet(ctx context.Context, client *http.Client, url string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errAway, err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", url, resp.StatusCode)
	}
	if err != nil {
		return nil, resp.Header, fmt.Errorf("%w: %w", errAway, err)
	}
	return raw, resp.Header, nil
}

// discover lets readers hear of a new record once q mirrors show it: before that, the only one to show it may be the operator, who is about to be lost,
// and whoever saw it there has nobody else to ask until the next checkpoint.
func (d *drill) discover(ctx context.Context, end <-chan struct{}) {
	client := readerClient()
	for goesOn(ctx, end, 200*time.Millisecond) {
		d.drillTruth.mu.Lock()
		ids := slices.Clone(d.unseen[:min(20, len(d.unseen))])
		d.drillTruth.mu.Unlock()
		for _, id := range ids {
			n := 0
			for _, server := range listedServers(d.chain.Load().Head())[1:] {
				if _, _, err := drillGet(ctx, client, server+"/proof/"+id); err == nil {
					n++
				}
			}
			d.drillTruth.mu.Lock()
			d.unseen = slices.DeleteFunc(d.unseen, func(one string) bool { return one == id })
			if n >= d.plan.Q {
				d.shown = append(d.shown, id)
			} else {
				d.unseen = append(d.unseen, id)
			}
			d.drillTruth.mu.Unlock()
		}
	}
}

// watch looks how far the first operator's log key has signed, until it is killed.
func (d *drill) watch(ctx context.Context, end <-chan struct{}) {
	client := readerClient()
	raise := func(to *atomic.Int64, path string) {
		raw, _, err := drillGet(ctx, client, d.operator.url()+path)
		if err != nil {
			return
		}
		if n, err := c2sp.ParseNote(raw); err == nil {
			if cp, err := c2sp.ParseCheckpoint(n.Text); err == nil && cp.Size > to.Load() {
				to.Store(cp.Size)
			}
		}
	}
	for !d.killed.Load() && goesOn(ctx, end, 100*time.Millisecond) {
		raise(&d.signed, "/pending")
		raise(&d.quorum, "/checkpoint")
	}
}

// checkpointOf is what a server has published, with whether it counts; origin "" for nothing yet.
func (d *drill) checkpointOf(ctx context.Context, client *http.Client, base string) (cp c2sp.Checkpoint, counts bool) {
	raw, _, err := drillGet(ctx, client, base+"/checkpoint")
	if err != nil {
		return cp, false
	}
	n, err := c2sp.ParseNote(raw)
	if err == nil {
		cp, err = c2sp.ParseCheckpoint(n.Text)
	}
	if err != nil {
		return c2sp.Checkpoint{}, false
	}
	_, err = countedBy(d.chain.Load(), cp.Origin, raw)
	return cp, err == nil
}

// charters asks a server for the chain.
func (d *drill) charters(ctx context.Context, base string) (*charter.Chain, error) {
	raw, err := d.here(ctx, "charter", "chain", "--raw", base)
	if err != nil {
		return nil, err
	}
	var docs [][]byte
	for line := range strings.Lines(raw) {
		docs = append(docs, []byte(strings.TrimSpace(line)))
	}
	return charter.ParseChain(docs...)
}

// clientHolds asks the reader with a copy of its own whether it holds.
func (d *drill) clientHolds(ctx context.Context) error {
	out, err := d.tasuki(ctx, "--data", d.client.dir, "client", "status", "--json")
	if err != nil {
		return err
	}
	var got readerAnswer
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return err
	}
	if got.Hold != nil {
		d.drillTruth.hold("client", got.Hold.Why)
	}
	return nil
}
