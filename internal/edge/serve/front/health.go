package front

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

// Health answers the two questions of those who run the node: may traffic come, and how is it.
type Health struct {
	// Ready returns nil when the node can answer, else the reason in one line; nil means always.
	Ready func(ctx context.Context) error
	// Status is the JSON status: any value that marshals to an object.
	Status func(ctx context.Context) any
}

// HandleHealth adds /healthz, the readiness (200 "ok", or 503 with the reason, from the first moment of shutdown too), and
// /health, the status. Both answer under any host name: they tell a stranger's page nothing, and probes come by address.
func (f *Front) HandleHealth(h Health) {
	ready := func(ctx context.Context) error {
		if f.Leaving() {
			return fmt.Errorf("shutting down")
		}
		if h.Ready == nil {
			return nil
		}
		return h.Ready(ctx)
	}
	f.Handle(Space{Prefix: "/healthz", Surface: "health", Quiet: true, AnyHost: true, Plain: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			if err := ready(r.Context()); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				fmt.Fprintln(w, err)
				return
			}
			fmt.Fprintln(w, "ok")
		})})
	f.Handle(Space{Prefix: "/health", Surface: "health", Quiet: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var status any = struct{}{}
			if h.Status != nil {
				status = h.Status(r.Context())
			}
			body, err := json.Marshal(status)
			if err != nil {
				f.o.Log.ErrorContext(r.Context(), "status does not marshal", "err", err)
				http.Error(w, "internal error", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			if ready(r.Context()) != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = w.Write(append(body, '\n'))
		})})
}
