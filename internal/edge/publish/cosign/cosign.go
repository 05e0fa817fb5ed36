// Package cosign asks witnesses to cosign checkpoints: the client of c2sp.org/tlog-witness. It decides nothing: when a witness
// may be asked (after enough mirrors, never before) is continuity's rule.
package cosign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/c2sp"
)

// Why a witness gave no cosignature.
var (
	// ErrAhead means that the witness has cosigned a larger tree of this origin: this copy of the log is an older one.
	ErrAhead = errors.New("cosign: the witness has seen a larger tree")
	// ErrFork means that the witness has cosigned another root for this size, or finds the proof wrong.
	ErrFork = errors.New("cosign: the witness has seen another tree")
	// ErrAnswer means an answer that is not one of the protocol's, or whose signature is not the witness's.
	ErrAnswer = errors.New("cosign: not an answer of this witness")
	// ErrRefused means that the witness does not know this log or its key.
	ErrRefused = errors.New("cosign: the witness does not serve this log")
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 10

// Prover proves that the tree of size to extends that of size from, 0 < from < to (RFC 6962 §2.1.2).
type Prover func(ctx context.Context, from, to int64) (tlog.TreeProof, error)

// Asker asks witnesses and remembers how far each has come, which saves a round trip. It is safe for concurrent use.
type Asker struct {
	client *http.Client
	mu     sync.Mutex
	seen   map[seenKey]int64
}

type seenKey struct{ key, origin string }

// New makes an asker. Every request of client must have an end: give it a timeout.
func New(client *http.Client) *Asker { return &Asker{client: client, seen: map[seenKey]int64{}} }

// DefaultTimeout is for one request to a witness.
const DefaultTimeout = 5 * time.Second

// Ask asks one witness to cosign a signed checkpoint of our own. cp is what signed says. The line that is returned verifies.
func (a *Asker) Ask(ctx context.Context, w c2sp.PolicyWitness, cp c2sp.Checkpoint, signed []byte, prove Prover) (c2sp.Line, time.Time, error) {
	key, err := c2sp.NewCosignatureVerifier(w.Key.String())
	if err != nil {
		return c2sp.Line{}, time.Time{}, err
	}
	at := seenKey{w.Key.String(), cp.Origin}
	a.mu.Lock()
	old := min(a.seen[at], cp.Size)
	a.mu.Unlock()
	for attempt := 0; ; attempt++ {
		line, when, size, err := a.post(ctx, w, key, old, cp, signed, prove)
		switch {
		case err == nil:
			a.remember(at, cp.Size)
			return line, when, nil
		case !errors.Is(err, errStale):
			return c2sp.Line{}, time.Time{}, fmt.Errorf("witness %s: %w", w.Name, err)
		}
		a.remember(at, size)
		switch {
		case size > cp.Size:
			return c2sp.Line{}, time.Time{}, fmt.Errorf("witness %s: %w: %d leaves, ours has %d", w.Name, ErrAhead, size, cp.Size)
		case size == old: // it stands where we said, so it is the root that differs
			return c2sp.Line{}, time.Time{}, fmt.Errorf("witness %s: %w at %d leaves", w.Name, ErrFork, size)
		case attempt == 2:
			return c2sp.Line{}, time.Time{}, fmt.Errorf("witness %s: %w: it names another size each time", w.Name, ErrAnswer)
		}
		old = size
	}
}

func (a *Asker) remember(at seenKey, size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[at] = size
}

// errStale means that the witness stands elsewhere than we thought.
var errStale = errors.New("cosign: stale")

func (a *Asker) post(ctx context.Context, w c2sp.PolicyWitness, key *c2sp.CosignatureVerifier, old int64, cp c2sp.Checkpoint, signed []byte, prove Prover) (
	line c2sp.Line, when time.Time, size int64, err error) {
	var proof tlog.TreeProof
	if old > 0 && old < cp.Size {
		if proof, err = prove(ctx, old, cp.Size); err != nil {
			return line, when, 0, err
		}
	}
	body := c2sp.AddCheckpoint{Old: old, Proof: proof, Checkpoint: signed}.Append(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(w.URL, "/")+c2sp.AddCheckpointPath, bytes.NewReader(body))
	if err != nil {
		return line, when, 0, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := a.client.Do(req)
	if err != nil {
		return line, when, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return line, when, 0, err
	}
	switch res.StatusCode {
	case c2sp.WitnessCosigned:
		lines, err := c2sp.ParseLines(answer)
		if err != nil {
			return line, when, 0, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		line, when, ok := key.Find(cp.String(), lines)
		if !ok {
			return line, when, 0, fmt.Errorf("%w: no cosignature of %s verifies", ErrAnswer, key.Name())
		}
		return line, when, 0, nil
	case c2sp.WitnessConflict:
		size, err := c2sp.ParseSize(answer)
		if err != nil {
			return line, when, 0, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		return line, when, size, errStale
	case c2sp.WitnessInconsistent:
		return line, when, 0, fmt.Errorf("%w: it finds our proof wrong", ErrFork)
	case c2sp.WitnessUnknownOrigin, c2sp.WitnessUnsigned:
		return line, when, 0, fmt.Errorf("%w (%d)", ErrRefused, res.StatusCode)
	}
	return line, when, 0, fmt.Errorf("%w: status %d", ErrAnswer, res.StatusCode)
}
