package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ErrNotLoopback means a target that is another machine. A load is a weapon there.
var ErrNotLoopback = errors.New("loadtest: not a loopback address")

// Target is an HTTP server on this machine.
type Target struct {
	base   string
	client *http.Client
}

// NewTarget returns the server at base ("http://127.0.0.1:8080"). Whatever base says, connections to other addresses than
// loopback ones fail with ErrNotLoopback.
func NewTarget(base string) *Target {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &Target{base: base, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !at.Addr().IsLoopback() {
				return nil, fmt.Errorf("%s: %w", address, ErrNotLoopback)
			}
			return dialer.DialContext(ctx, network, address)
		},
		MaxIdleConns: MaxAtOnce, MaxIdleConnsPerHost: MaxAtOnce, DisableCompression: true,
	}}}
}

// Get asks for a path with its query and reads the whole answer. Any status but 200 is an error.
func (t *Target) Get(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return nil
}

// Paths is a load that goes through paths in turn, from the first, as often as it takes.
func (t *Target) Paths(paths []string) func(ctx context.Context, n int) error {
	return func(ctx context.Context, n int) error { return t.Get(ctx, paths[n%len(paths)]) }
}

// Close drops the connections.
func (t *Target) Close() { t.client.CloseIdleConnections() }
