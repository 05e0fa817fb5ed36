package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
)

// authors answers as it is told.
type authors struct {
	err error
	got string
}

func (a *authors) SubmitEvent(_ context.Context, raw []byte) (program.Accepted, error) {
	a.got = string(raw)
	return program.Accepted{Hash: ledger.Hash{1}, Leaf: 7}, a.err
}

func (a *authors) NextFor(_ context.Context, id, cont, org string) (program.Next, error) {
	return program.Next{List: "l", ID: id, State: "RESERVED", First: true, Org: org + cont}, a.err
}

func (a *authors) PublicBlocks(context.Context) ([]registry.Block, error) {
	return []registry.Block{{Leaf: 3, Year: 2026, First: 30_001, Last: 31_000, Key: "a+b/c="}, {Leaf: 4, Year: 2026, First: 31_001, Last: 32_000, Key: "d", Owner: "o"}}, a.err
}

func askEvents(t *testing.T, a *authors, receipt func(context.Context, ledger.Hash) ([]byte, error), method, path, body string) (int, string) {
	t.Helper()
	h := relay.Events(a, receipt, slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(raw)
}

func TestEvents(t *testing.T) {
	a := &authors{}
	promise := func(_ context.Context, e ledger.Hash) ([]byte, error) {
		return fmt.Appendf(nil, "promised %x", e[:1]), nil
	}
	code, body := askEvents(t, a, promise, http.MethodPost, "/events", "signed")
	if code != http.StatusOK || a.got != "signed" || !strings.Contains(body, `"leaf":7,"known":false,"receipt":"promised 01"`) {
		t.Errorf("%d %s", code, body)
	}
	broken := func(context.Context, ledger.Hash) ([]byte, error) { return nil, errors.New("no key") }
	if code, body = askEvents(t, a, broken, http.MethodPost, "/events", "signed"); code != http.StatusOK || strings.Contains(body, "receipt") {
		t.Errorf("without a promise: %d %s", code, body)
	}
	if code, body = askEvents(t, a, nil, http.MethodGet, "/events/next/CVE-2026-1?org=x&cont=adp", ""); code != http.StatusOK || !strings.Contains(body, `"org":"xadp"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body = askEvents(t, a, nil, http.MethodGet, "/events/blocks?key=a%2Bb%2Fc%3D", ""); code != http.StatusOK || strings.Contains(body, "31001") || !strings.Contains(body, `"leaf":3`) {
		t.Errorf("%d %s", code, body)
	}
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/events", "", http.StatusMethodNotAllowed},
		{http.MethodPost, "/events/blocks", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "/events/none", "", http.StatusNotFound},
		{http.MethodGet, "/events/next/CVE-2026-1?cont=x", "", http.StatusBadRequest},
		{http.MethodPost, "/events", strings.Repeat("x", event.MaxSubmission+1), http.StatusRequestEntityTooLarge},
	} {
		if code, body := askEvents(t, a, nil, tc.method, tc.path, tc.body); code != tc.want {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, code, body)
		}
	}
}

// What is wrong is said by its kind, with a status of its own, and nothing of what was sent is repeated; what nobody foresaw is an
// internal error that says nothing.
func TestEventsRefused(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
		says string
	}{
		{fmt.Errorf("secret: %w: %w", event.ErrSubmission, event.ErrSignature), http.StatusUnauthorized, "does not verify"},
		{fmt.Errorf("secret: %w", event.ErrSubmission), http.StatusBadRequest, "not a signed event"},
		{fmt.Errorf("secret: %w", authority.ErrSigner), http.StatusForbidden, "does not speak"},
		{fmt.Errorf("secret: %w", program.ErrNotOwner), http.StatusForbidden, "may not"},
		{fmt.Errorf("secret: %w", authority.ErrSealed), http.StatusServiceUnavailable, "read-only"},
		{&registry.PrevError{ID: "secret", Newest: "5b1c", Leaf: 9}, http.StatusConflict, `"newest":"5b1c"`},
		{&registry.ClaimError{ID: "secret", What: "secret"}, http.StatusUnprocessableEntity, "what is not so"},
		{errors.New("secret"), http.StatusInternalServerError, "internal error"},
	} {
		code, body := askEvents(t, &authors{err: tc.err}, nil, http.MethodPost, "/events", "x")
		if code != tc.want || !strings.Contains(body, tc.says) || strings.Contains(body, "secret") {
			t.Errorf("%v: %d %s", tc.err, code, body)
		}
	}
}
