package front

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// hosts is the allow-list against DNS rebinding: a page of a stranger's whose name was made to point at this machine still
// sends the stranger's name in Host, and that is how it is told apart.
type hosts map[string]bool

func newHosts(names []string) hosts {
	h := hosts{}
	for _, n := range names {
		if n = bareHost(n); n != "" {
			h[n] = true
		}
	}
	return h
}

// allow reports whether the request's Host is one of ours: a configured name, a loopback name, or the very address that the
// connection came in on (an address cannot be re-bound). A missing Host is HTTP/1.0, which no browser speaks.
func (h hosts) allow(r *http.Request) bool {
	if isLocal(r.Context()) {
		return true
	}
	name := bareHost(r.Host)
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || h[name] {
		return true
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if addr = addr.Unmap(); addr.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap().WithZone("") == addr.WithZone("")
}

// bareHost is the host without port, brackets, final dot and letter case.
func bareHost(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

type localKey struct{}

// Local returns the door as seen from inside: for callers in this process and for the data directory's socket, who passed
// the file system's permissions and may enter LocalOnly spaces under any host name.
func (f *Front) Local() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), localKey{}, true)))
	})
}

func isLocal(ctx context.Context) bool {
	local, _ := ctx.Value(localKey{}).(bool)
	return local
}
