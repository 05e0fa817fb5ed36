package lane

import (
	"net/http"
	"slices"
	"strings"
)

// Guard keeps web pages out but those of some origins: a page that somebody reads on this machine could else ask, in their browser,
// whose numbers these are. That no other name than a loopback name leads here is the front door's to see to.
type Guard struct {
	Next    http.Handler // one whose paths name people has a method LogPath
	Origins []string
	Refuse  func(w http.ResponseWriter, r *http.Request, status int, message string)
}

// ServeHTTP hands on what no strange page asks.
func (g Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin != "" && !slices.Contains(g.Origins, origin) || origin == "" && strings.HasPrefix(r.Header.Get("Sec-Fetch-Site"), "cross-") {
		g.Refuse(w, r, http.StatusBadRequest, "Pages of that origin may not ask here.")
		return
	}
	g.Next.ServeHTTP(w, r)
}

// LogPath is how a path is written into a log.
func (g Guard) LogPath(path string) string {
	if next, ok := g.Next.(interface{ LogPath(path string) string }); ok {
		return next.LogPath(path)
	}
	return path
}
