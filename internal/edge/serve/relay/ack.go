package relay

import (
	"bytes"
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"time"

	"tasuki/internal/gate"
	"tasuki/internal/ledger"
)

// Durability says when a commit is out of one operator's hands.
type Durability interface {
	// Quorum says whether the charter asks for more than the log's own signature. Without, no reply waits and none is marked.
	Quorum() bool
	// Wait returns nil once a published checkpoint covers the first size leaves, or the context's error.
	Wait(ctx context.Context, size int64) error
	// Promise is a note in which the log promises to have these events under a published checkpoint by a deadline (continuity C.3).
	Promise(ctx context.Context, events []ledger.Hash) ([]byte, error)
}

// Ack configures how replies to writers are acknowledged.
type Ack struct {
	Durability Durability
	Patience   time.Duration // how long a reply waits for the quorum; 0 means 5 s
	Strict     bool          // any write that is not durable in time is a 503, not only a reservation
	Refuse     func(w http.ResponseWriter, r *http.Request, status int, message string)
}

// DefaultPatience is how long a reply waits for the quorum.
const DefaultPatience = 5 * time.Second

// Header marks the reply to a write on a list with a quorum: "durable", or "local; receipt=<base64 of the log's promise>", which
// the writer keeps: nothing has to be asked for later from an operator that may be gone.
const Header = "Tasuki-Ack"

// Acknowledge lets replies to writes wait until what they wrote is durable. A reservation that is not durable in time is
// never told: its numbers are given to nobody, since a successor might give them out again. Another write is in the log of
// the operator and is said to be just that, with where its promise can be had.
func Acknowledge(next http.Handler, a Ack) http.Handler {
	if a.Patience == 0 {
		a.Patience = DefaultPatience
	}
	return &acknowledging{next: next, a: a}
}

type acknowledging struct {
	next http.Handler
	a    Ack
}

// LogPath passes on how the surface wants its paths logged.
func (h *acknowledging) LogPath(path string) string {
	if p, ok := h.next.(interface{ LogPath(string) string }); ok {
		return p.LogPath(path)
	}
	return path
}

func (h *acknowledging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions || !h.a.Durability.Quorum() {
		h.next.ServeHTTP(w, r)
		return
	}
	ctx, receipt := gate.WithReceipt(r.Context())
	held := &held{header: w.Header().Clone(), status: http.StatusOK}
	h.next.ServeHTTP(held, r.WithContext(ctx))
	if receipt.Size() > 0 {
		wait, cancel := context.WithTimeout(r.Context(), h.a.Patience)
		err := h.a.Durability.Wait(wait, receipt.Size())
		cancel()
		switch {
		case err == nil:
			held.header.Set(Header, "durable")
		case receipt.Reserved() || h.a.Strict:
			w.Header().Set("Retry-After", "10")
			h.a.Refuse(w, r, http.StatusServiceUnavailable, "not enough mirrors have confirmed this yet; nothing was given out")
			return
		default:
			ack := "local"
			if promise, err := h.a.Durability.Promise(r.Context(), receipt.Events()); err == nil {
				ack += "; receipt=" + base64.StdEncoding.EncodeToString(promise)
			}
			held.header.Set(Header, ack)
		}
	}
	clear(w.Header()) // the surface may have taken one away that the door had set
	maps.Copy(w.Header(), held.header)
	w.WriteHeader(held.status)
	_, _ = w.Write(held.body.Bytes()) // a writer who went away
}

// held is a reply that waits. Replies to writes are small: the surfaces bound how much one request may do.
type held struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(status int) {
	if !h.wrote && status >= 200 {
		h.status, h.wrote = status, true
	}
}

func (h *held) Write(p []byte) (int, error) {
	h.wrote = true
	return h.body.Write(p)
}
