package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Listening is where and how the door stands open to the network.
type Listening struct {
	// Address is host:port; port 0 picks a free one.
	Address string
	// CertFile and KeyFile turn TLS on; both or neither.
	CertFile, KeyFile string
	// BehindProxy says that a named reverse proxy speaks TLS for us; Insecure that nobody does and that this is known.
	BehindProxy, Insecure bool
}

// ErrExposed refuses to listen in clear text where other machines can reach the node and nobody said that this is meant.
var ErrExposed = errors.New("front: other machines can reach this address: give a certificate (tls.cert, tls.key), name the reverse proxy (trusted_proxy), or insist (--insecure)")

// Open listens. It returns ErrExposed for a clear-text listener beyond loopback that was not asked for.
// The certificate is read again when its files change; now is asked how often to look.
func (l Listening) Open(ctx context.Context, now func() time.Time) (net.Listener, error) {
	withTLS := l.CertFile != "" || l.KeyFile != ""
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Address, err)
	}
	// Asked of the socket, not of the text: "localhost" is what the resolver makes of it.
	addr, ok := ln.Addr().(*net.TCPAddr)
	if exposed := !ok || !addr.IP.IsLoopback(); exposed && !withTLS && !l.BehindProxy && !l.Insecure {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", l.Address, ErrExposed), ln.Close())
	}
	if !withTLS {
		return ln, nil
	}
	secured, err := secure(ln, l.CertFile, l.KeyFile, now)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return secured, nil
}

// leaving is set from the first moment of shutdown, so that readiness turns before the door closes.
type leaving struct{ atomic.Bool }

// Leaving reports whether the door is closing.
func (f *Front) Leaving() bool { return f.leave.Load() }

// Serve answers on all listeners until ctx ends or one of them fails, then lets requests under way finish for at most grace
// and cuts the rest. It closes the listeners. A requested end returns nil.
//
// Listeners of unix sockets are the node's own: their requests enter as from Local.
func (f *Front) Serve(ctx context.Context, grace time.Duration, listeners ...net.Listener) error {
	failed := make(chan error, len(listeners))
	servers := make([]*http.Server, len(listeners))
	for i, ln := range listeners {
		var h http.Handler = f
		if ln.Addr().Network() == "unix" {
			h = f.Local()
		}
		servers[i] = &http.Server{
			Handler: h,
			// Bodies and replies have their deadlines per space; the header's time and size are bounded here.
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			// Broken handshakes and the like: strangers' noise.
			ErrorLog: slog.NewLogLogger(f.o.Log.Handler(), slog.LevelDebug),
		}
		go func() { failed <- servers[i].Serve(ln) }()
	}

	var err error
	running := len(servers)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	f.leave.Store(true)
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(until) != nil {
			// Grace is over. Close cuts what is left; its requests' contexts end, so that handlers stop.
			_ = s.Close()
		}
	}
	for ; running > 0; running-- {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
