package front

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// sender is who sent a request, as far as it can be believed.
type sender struct {
	addr      string // host:port for Request.RemoteAddr; the port is 0 when only a proxy knows it
	host      string // the address alone, for the log
	secure    bool   // the client spoke TLS, to us or to a believed proxy
	requestID string // given by a believed proxy
}

// believe works out the sender and removes the forwarding headers, so that no surface can take a stranger's word by mistake.
// X-Forwarded-For is read from the right, passing over believed proxies: everything left of the first unknown address may be
// made up.
func (f *Front) believe(r *http.Request) sender {
	s := sender{addr: r.RemoteAddr, host: r.RemoteAddr, secure: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	switch {
	case err == nil:
		s.host = peer.Addr().Unmap().String()
	case s.host == "" || s.host == "@":
		s.host = "socket"
	}
	if err == nil && f.proxy(peer.Addr()) {
		chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(chain) - 1; i >= 0; i-- {
			a, err := netip.ParseAddr(strings.TrimSpace(chain[i]))
			if err != nil {
				break
			}
			s.host = a.Unmap().WithZone("").String()
			s.addr = net.JoinHostPort(s.host, "0")
			if !f.proxy(a) {
				break
			}
		}
		s.secure = s.secure || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
		if id := r.Header.Get("X-Request-Id"); tame(id) {
			s.requestID = id
		}
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		r.Header.Del(name)
	}
	return s
}

func (f *Front) proxy(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range f.o.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// tame accepts request ids that can stand in a log and a header as they are.
func tame(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// harden sets the headers that are right for every reply unless its surface knows better: a surface overwrites them.
func harden(h http.Header, secure bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
