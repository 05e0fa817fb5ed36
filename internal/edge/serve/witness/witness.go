// Package witness is a witness after c2sp.org/tlog-witness: it remembers the newest checkpoint of each log it knows, and
// cosigns a larger one only when it is proven to extend that. It holds no records, judges no rule and needs no database; what
// it says is "I saw this log only grow".
package witness

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/c2sp"
)

// MaxRequest bounds the body of a request in bytes: a proof of 63 hashes and a note with many signatures fit.
const MaxRequest = 64 << 10

// Logs are the logs that the witness knows.
type Logs interface {
	// Verifier is the key of the log of this origin; false for a log that is not known.
	Verifier(ctx context.Context, origin string) (note.Verifier, bool, error)
}

// State is the witness's memory.
type State interface {
	// Newest is the last checkpoint that was cosigned for an origin; false when none was.
	Newest(origin string) (c2sp.Checkpoint, bool, error)
	// Remember replaces it. It is on disk when Remember returns: a witness that forgets can be led two ways.
	Remember(cp c2sp.Checkpoint) error
}

// Options are what a witness is made of; all are required.
type Options struct {
	Cosigner *c2sp.Cosigner
	Logs     Logs
	State    State
	Now      func() time.Time
	Log      *slog.Logger
}

// Witness answers add-checkpoint at c2sp.AddCheckpointPath. It is safe for concurrent use.
type Witness struct {
	o  Options
	mu sync.Mutex // from looking at the memory until it is renewed
}

// New makes a witness.
func New(o Options) *Witness { return &Witness{o: o} }

// A refusal is an answer of the protocol other than a cosignature.
type refusal struct {
	status int
	why    string
	size   int64 // of a conflict: the newest cosigned size
}

func (r *refusal) Error() string { return "witness: " + r.why }

// ServeHTTP answers requests to add a checkpoint.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != c2sp.AddCheckpointPath {
		http.Error(rw, "a witness answers "+c2sp.AddCheckpointPath+" only", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		rw.Header().Set("Allow", http.MethodPost)
		http.Error(rw, "a checkpoint is posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, MaxRequest))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(rw, "longer than "+strconv.Itoa(MaxRequest)+" bytes", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(rw, "the request broke off", c2sp.WitnessBadRequest)
		return
	}
	line, err := w.AddCheckpoint(r.Context(), body)
	var no *refusal
	switch {
	case err == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(rw, line.String()) // an asker who went away
	case errors.As(err, &no) && no.status == c2sp.WitnessConflict:
		rw.Header().Set("Content-Type", c2sp.SizeContentType)
		rw.WriteHeader(no.status)
		_, _ = io.WriteString(rw, c2sp.FormatSize(no.size))
	case errors.As(err, &no):
		http.Error(rw, no.why, no.status)
	default:
		w.o.Log.ErrorContext(r.Context(), "checkpoint not cosigned", "err", err)
		http.Error(rw, "internal error", http.StatusInternalServerError)
	}
}

// AddCheckpoint reads a request, remembers its checkpoint and returns the cosignature.
func (w *Witness) AddCheckpoint(ctx context.Context, body []byte) (c2sp.Line, error) {
	req, cp, err := c2sp.ParseAddCheckpoint(body)
	if err != nil {
		return c2sp.Line{}, &refusal{status: c2sp.WitnessBadRequest, why: "not a request to add a checkpoint"}
	}
	verifier, known, err := w.o.Logs.Verifier(ctx, cp.Origin)
	switch {
	case err != nil:
		return c2sp.Line{}, err
	case !known:
		return c2sp.Line{}, &refusal{status: c2sp.WitnessUnknownOrigin, why: "a log that this witness does not know"}
	}
	signed, err := note.Open(req.Checkpoint, note.VerifierList(verifier))
	if err != nil {
		return c2sp.Line{}, &refusal{status: c2sp.WitnessUnsigned, why: "not signed by the log"}
	}
	if req.Old > cp.Size {
		return c2sp.Line{}, &refusal{status: c2sp.WitnessBadRequest, why: "the old size is above the checkpoint's"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	newest, _, err := w.o.State.Newest(cp.Origin)
	if err != nil {
		return c2sp.Line{}, err
	}
	if err := extends(req, newest, cp); err != nil {
		return c2sp.Line{}, err
	}
	if cp.Size != newest.Size || newest.Origin == "" {
		if err := w.o.State.Remember(c2sp.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root}); err != nil {
			return c2sp.Line{}, err
		}
	}
	return w.o.Cosigner.Cosign(signed.Text, w.o.Now())
}

// extends says whether cp, by the request's proof, extends what was cosigned last. The zero checkpoint is the empty tree.
func extends(req c2sp.AddCheckpoint, newest, cp c2sp.Checkpoint) error {
	switch {
	case req.Old != newest.Size:
		return &refusal{status: c2sp.WitnessConflict, why: "the old size is not the one cosigned last", size: newest.Size}
	case newest.Origin != "" && cp.Size == newest.Size && cp.Root != newest.Root:
		return &refusal{status: c2sp.WitnessConflict, why: "another root was cosigned for this size", size: newest.Size}
	case newest.Size == 0 && len(req.Proof) > 0, cp.Size == newest.Size && len(req.Proof) > 0:
		return &refusal{status: c2sp.WitnessInconsistent, why: "a proof where none is needed"}
	case newest.Size == 0, cp.Size == newest.Size:
		return nil
	}
	if err := tlog.CheckTree(req.Proof, cp.Size, cp.Root, newest.Size, newest.Root); err != nil {
		return &refusal{status: c2sp.WitnessInconsistent, why: "the proof does not lead from what was cosigned last to this checkpoint"}
	}
	return nil
}
