package relay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/store/storetest"
)

// mirrors that confirm at once, or never.
type mirrors struct {
	quorum, confirm bool
	waited          int64
}

func (m *mirrors) Quorum() bool { return m.quorum }

func (m *mirrors) Wait(ctx context.Context, size int64) error {
	m.waited = size
	if m.confirm {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (m *mirrors) Promise(_ context.Context, events []ledger.Hash) ([]byte, error) {
	return fmt.Appendf(nil, "promise of %d", len(events)), nil
}

func TestAcknowledge(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	write := func(kind event.Kind) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			err := w.Gate.Do(r.Context(), authority.Caller{Role: authority.Operator}, gate.Command{Action: authority.Govern,
				Decide: func(ctx context.Context, turn *gate.Turn) error {
					if kind == "" {
						return nil
					}
					e := &event.Event{Kind: kind}
					if kind == event.IDReserved {
						if _, err := turn.Emit(ctx, &event.Event{Kind: event.RangeOpened, Year: 2026, Last: 50_000_000}, nil); err != nil {
							return err
						}
						e.ID = "CVE-2026-20000"
					}
					_, err := turn.Emit(ctx, e, nil)
					return err
				}})
			if err != nil {
				t.Error(err)
			}
			rw.Header().Set("X-Own", "1")
			rw.WriteHeader(http.StatusCreated)
			_, _ = rw.Write([]byte("done"))
		}
	}
	ask := func(m *mirrors, strict bool, kind event.Kind, method string) *httptest.ResponseRecorder {
		h := relay.Acknowledge(write(kind), relay.Ack{Durability: m, Patience: time.Millisecond, Strict: strict,
			Refuse: func(rw http.ResponseWriter, _ *http.Request, status int, message string) {
				http.Error(rw, message, status)
			}})
		rec := httptest.NewRecorder()
		rec.Header().Set("X-Door", "1")
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody))
		return rec
	}
	for _, c := range []struct {
		name            string
		quorum, confirm bool
		strict          bool
		kind            event.Kind
		method          string
		status          int
		ack             string
	}{
		{"a private list is not kept waiting", false, false, false, event.Heartbeat, "POST", 201, ""},
		{"durable", true, true, false, event.Heartbeat, "POST", 201, "durable"},
		{"not confirmed", true, false, false, event.Heartbeat, "POST", 201, "local; receipt=cHJvbWlzZSBvZiAx"},
		{"not confirmed, strict", true, false, true, event.Heartbeat, "POST", 503, ""},
		{"a number that is not durable is not told", true, false, false, event.IDReserved, "POST", 503, ""},
		{"nothing was written", true, false, true, "", "POST", 201, ""},
		{"a read", true, false, true, "", "GET", 201, ""},
	} {
		m := &mirrors{quorum: c.quorum, confirm: c.confirm}
		rec := ask(m, c.strict, c.kind, c.method)
		ack := rec.Header().Get(relay.Header)
		if rec.Code != c.status || !strings.HasPrefix(ack, c.ack) || c.ack == "" && ack != "" || rec.Header().Get("X-Door") != "1" {
			t.Errorf("%s: %d, %q, door %q", c.name, rec.Code, ack, rec.Header().Get("X-Door"))
		}
		told := rec.Body.String() == "done" && rec.Header().Get("X-Own") == "1"
		if told != (c.status == 201) {
			t.Errorf("%s: the caller was told %q", c.name, rec.Body)
		}
		if c.quorum && c.kind != "" && m.waited != w.Size(t) {
			t.Errorf("%s: waited for size %d of %d", c.name, m.waited, w.Size(t))
		}
	}
}
