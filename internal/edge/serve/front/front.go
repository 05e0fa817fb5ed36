// Package front is the node's front door: what every request passes before a protocol sees it.
//
// It owns which surface answers which URL space, and everything that must be the same for all of them: request ids, the one
// log line per finished request, panics, the host allow-list against DNS rebinding, reverse proxies, size and time limits,
// compression, security headers, listening and leaving. It knows no protocol: when the door itself has to refuse a request,
// the space's own Refuse gives the refusal its protocol's shape.
//
// Surfaces do not import this package. What they may need from it travels in plain net/http terms: the request id is in the
// reply's X-Request-Id header and in the context's log attributes, the client's address is in Request.RemoteAddr.
package front

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Space is one URL space and the surface that owns it.
type Space struct {
	// Prefix is the space's path. One that ends in "/" owns everything below it and itself without the slash; any other
	// owns exactly that path. The longest matching prefix wins.
	Prefix string
	// Surface names the space in logs and metrics: "nvd", "cve-services". It must come from a small fixed set.
	Surface string
	// Handler answers. One whose paths name people has a method LogPath(path string) string: how a path is written into the log.
	Handler http.Handler
	// Refuse writes a refusal of the door (421, 413, 500, …) in the protocol's shape. Nil gives one line of plain text.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, message string)
	// AnyCase matches the prefix whatever its letter case, as CVE Services does. The path itself is handed on untouched.
	AnyCase bool
	// LocalOnly hides the space from every connection but the data directory's socket and in-process callers.
	LocalOnly bool
	// AnyHost exempts the space from the host allow-list. Only for answers that are worthless to a stranger's page.
	AnyHost bool
	// Plain keeps replies uncompressed and unbuffered: streams, and archives that are compressed already.
	Plain bool
	// Quiet logs successful requests at debug level: probes and scrapes.
	Quiet bool
	// BodyLimit is the largest request body in bytes; 0 takes Options.BodyLimit, negative lifts the limit.
	BodyLimit int64
	// ReadTimeout and WriteTimeout bound reading the request's body and writing the reply; 0 takes the Options' value,
	// negative lifts the limit.
	ReadTimeout, WriteTimeout time.Duration
}

// Options are what the door needs from its owner. Log, Now and Rand are required.
type Options struct {
	Log  *slog.Logger
	Now  func() time.Time
	Rand io.Reader // request ids
	// Hosts are the host names, without port, that the node is known by; loopback names always are.
	Hosts []string
	// Proxies are the networks of the reverse proxies whose forwarding headers are believed.
	Proxies []netip.Prefix
	// BodyLimit, ReadTimeout and WriteTimeout hold where a Space does not say otherwise. Zero takes 4 MiB, 30 s, 60 s.
	BodyLimit                 int64
	ReadTimeout, WriteTimeout time.Duration
	// Observe is told of every request; nil when nobody counts.
	Observe Observer
	// Mark sets what every answer of this node carries, whatever the surface; nil for nothing.
	Mark func(http.Header)
}

// Observer counts requests. Its methods are called concurrently.
type Observer interface {
	Begin(surface string)
	End(Finished)
}

// Finished is one request that was answered or broken off.
type Finished struct {
	Surface, Method string
	Status          int // 499 when the client left before the first byte
	Bytes           int64
	Took            time.Duration
}

// Front is the front door. It is an http.Handler; add all spaces before it serves.
type Front struct {
	o      Options
	hosts  hosts
	spaces []mounted
	leave  leaving
}

// New returns a door without spaces.
func New(o Options) *Front {
	if o.BodyLimit == 0 {
		o.BodyLimit = 4 << 20
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 30 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = time.Minute
	}
	return &Front{o: o, hosts: newHosts(o.Hosts)}
}
