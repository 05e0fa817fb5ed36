package relay

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/problem"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
)

// EventPrefixes are the URL spaces of what authors hand in.
var EventPrefixes = []string{"/events", "/events/"}

// Authors is what authors' events are handed to. *program.Service is one.
type Authors interface {
	SubmitEvent(ctx context.Context, raw []byte) (program.Accepted, error)
	NextFor(ctx context.Context, id, cont, org string) (program.Next, error)
	PublicBlocks(ctx context.Context) ([]registry.Block, error)
}

// Accepted is the answer to a signed event.
type Accepted struct {
	Event   string `json:"event"` // hash, 64 hex digits
	Leaf    int64  `json:"leaf"`
	Known   bool   `json:"known"`             // it was in the log already
	Receipt string `json:"receipt,omitempty"` // the log's signed promise; "" where this copy makes none
}

// Next is what the next container for an identifier has to say.
type Next struct {
	List     string `json:"list"`
	ID       string `json:"id"`
	State    string `json:"state"`
	DV       string `json:"dv"`
	Prev     string `json:"prev"`
	First    bool   `json:"first"`
	Reserved string `json:"reserved,omitempty"`
	Org      string `json:"org,omitempty"`
}

// Block is a block as everybody sees it.
type Block struct {
	Year  int64  `json:"year"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	Key   string `json:"key"`
	Leaf  int64  `json:"leaf"`
	Open  bool   `json:"open"`
	Owner string `json:"owner,omitempty"` // once a publication has said it
}

type authors struct {
	authors Authors
	receipt func(ctx context.Context, event ledger.Hash) ([]byte, error)
	log     *slog.Logger
}

// Events answers for every one of EventPrefixes. receipt is the log's promise for an event; nil where none is made.
func Events(a Authors, receipt func(ctx context.Context, event ledger.Hash) ([]byte, error), log *slog.Logger) http.Handler {
	h := &authors{a, receipt, log}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", h.submit)
	mux.HandleFunc("GET /events/next/{id}", h.next)
	mux.HandleFunc("GET /events/blocks", h.blocks)
	return (&handler{log: log}).guard(mux)
}

func (h *authors) submit(w http.ResponseWriter, r *http.Request) {
	raw, ok := posted(w, r, event.MaxSubmission)
	if !ok {
		return
	}
	got, err := h.authors.SubmitEvent(r.Context(), raw)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	out := Accepted{Event: hex.EncodeToString(got.Hash[:]), Leaf: got.Leaf, Known: got.Known}
	if h.receipt != nil {
		note, err := h.receipt(r.Context(), got.Hash)
		if err != nil {
			// The event is in the log, and a reply without the promise says so: its author goes on waiting for a proof in any case.
			h.log.WarnContext(r.Context(), "no receipt for an event that was taken", "leaf", got.Leaf, "err", err)
		}
		out.Receipt = string(note)
	}
	object(w, out)
}

func (h *authors) next(w http.ResponseWriter, r *http.Request) {
	cont := r.URL.Query().Get("cont")
	if cont == "" {
		cont = cve.CNA
	}
	if cont != cve.CNA && cont != cve.ADP {
		problem.Refuse(w, r, http.StatusBadRequest, "cont is cna or adp")
		return
	}
	n, err := h.authors.NextFor(r.Context(), r.PathValue("id"), cont, r.URL.Query().Get("org"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	out := Next{List: n.List, ID: n.ID, State: string(n.State), DV: n.DV, Prev: n.Prev, First: n.First, Org: n.Org}
	if !n.Reserved.IsZero() {
		out.Reserved = n.Reserved.UTC().Format(ledger.TimeFormat)
	}
	object(w, out)
}

func (h *authors) blocks(w http.ResponseWriter, r *http.Request) {
	all, err := h.authors.PublicBlocks(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	key := r.URL.Query().Get("key")
	out := []Block{}
	for _, b := range all {
		if key == "" || b.Key == key {
			out = append(out, Block{Year: b.Year, First: b.First, Last: b.Last, Key: b.Key, Leaf: b.Leaf, Open: b.Open(), Owner: b.Owner})
		}
	}
	object(w, map[string]any{"blocks": out})
}

// problems are the errors that authors are told of. None of them repeats what was sent; the first that fits counts.
var problems = []struct {
	err    error
	status int
	detail string
}{
	{event.ErrSignature, http.StatusUnauthorized, "a signature does not verify"},
	{event.ErrUnknown, http.StatusUnprocessableEntity, "an event of a kind, or with a member, that this list does not know"},
	{event.ErrSubmission, http.StatusBadRequest, "not a signed event with its body; see docs/protocols/lane.md"},
	{event.ErrMalformed, http.StatusBadRequest, "the event is malformed"},
	{gate.ErrForeign, http.StatusUnprocessableEntity, "the event is of another list"},
	{program.ErrKind, http.StatusUnprocessableEntity, "events of this kind are not handed in by authors"},
	{program.ErrFuture, http.StatusUnprocessableEntity, "the event is dated after now: set your clock right and sign again"},
	{program.ErrForm, http.StatusUnprocessableEntity, "the container is not in the form that is signed: compact, of the current format, with its author as it is called now"},
	{authority.ErrNotSigned, http.StatusForbidden, "the organisation attests for itself: one of its keys has to sign"},
	{authority.ErrSigner, http.StatusForbidden, "the key does not speak for the organisation in this"},
	{authority.ErrSealed, http.StatusServiceUnavailable, "this copy of the list is read-only; hand the event to the operator that the newest charter names"},
	{registry.ErrClaim, http.StatusUnprocessableEntity, "the event says of its identifier what is not so here: since when it is reserved, whose it is, or what that is called"},
	{registry.ErrBlockClosed, http.StatusConflict, "the block is closed"},
	{registry.ErrBlockTaken, http.StatusConflict, "the numbers are not free to be granted"},
	{registry.ErrOutside, http.StatusUnprocessableEntity, "numbers that no list grants"},
	{registry.ErrNoBlock, http.StatusNotFound, "there is no such block"},
	{registry.ErrNotFound, http.StatusNotFound, "this list has not heard of the identifier"},
	{registry.ErrNoRecord, http.StatusConflict, "the identifier has no record"},
	{registry.ErrRejected, http.StatusConflict, "the record is rejected"},
	{authority.ErrKeyKnown, http.StatusConflict, "the key was added before"},
	{authority.ErrNoKey, http.StatusConflict, "the organisation has no such key in force"},
	{authority.ErrNoOrg, http.StatusForbidden, "the author is no organisation of this list"},
	{authority.ErrDenied, http.StatusForbidden, "the author may not do this"},
	{cve.ErrID, http.StatusNotFound, "not an identifier"},
}

func (h *authors) fail(w http.ResponseWriter, r *http.Request, err error) {
	var prev *registry.PrevError
	var invalid *program.InvalidRecord
	switch {
	case errors.As(err, &prev):
		problem.Write(w, http.StatusConflict, map[string]any{"detail": "the event does not follow the newest one of its identifier", "newest": prev.Newest, "leaf": prev.Leaf})
		return
	case errors.As(err, &invalid):
		problem.Write(w, http.StatusUnprocessableEntity, map[string]any{"detail": "the record does not comply with the format", "findings": invalid.Findings})
		return
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			if p.status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", "60")
			}
			problem.Refuse(w, r, p.status, p.detail)
			return
		}
	}
	if r.Context().Err() != nil {
		problem.Refuse(w, r, http.StatusServiceUnavailable, "the answer took too long")
		return
	}
	h.log.ErrorContext(r.Context(), "signed event not answered", "path", r.URL.Path, "err", err)
	problem.Refuse(w, r, http.StatusInternalServerError, "internal error")
}
