package front

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// mounted is a space with its handler behind compression.
type mounted struct {
	Space
	handler http.Handler
}

// Handle gives a URL space to a surface. A second owner for the same prefix is a programmer's error and panics.
func (f *Front) Handle(s Space) {
	if !strings.HasPrefix(s.Prefix, "/") || s.Handler == nil || s.Surface == "" {
		panic(fmt.Sprintf("front: space %q needs a path, a surface and a handler", s.Prefix))
	}
	for _, have := range f.spaces {
		if strings.EqualFold(have.Prefix, s.Prefix) {
			panic(fmt.Sprintf("front: %s and %s both claim %q", have.Surface, s.Surface, s.Prefix))
		}
	}
	if s.Refuse == nil {
		s.Refuse = plainRefusal
	}
	m := mounted{Space: s, handler: s.Handler}
	if !s.Plain {
		m.handler = compress(s.Handler)
	}
	f.spaces = append(f.spaces, m)
	// The longest prefix comes first; of "/charter" and "/charter/" the one that is exactly the path.
	slices.SortStableFunc(f.spaces, func(a, b mounted) int {
		return cmp.Or(cmp.Compare(b.span(), a.span()), cmp.Compare(len(a.Prefix), len(b.Prefix)))
	})
}

// span is how much of a path the prefix speaks for.
func (s *Space) span() int { return len(strings.TrimSuffix(s.Prefix, "/")) }

// route returns the space that owns the request's path, or nowhere.
func (f *Front) route(r *http.Request) *mounted {
	for i := range f.spaces {
		s := &f.spaces[i]
		if s.owns(r.URL.Path) && (!s.LocalOnly || isLocal(r.Context())) {
			return s
		}
	}
	return &nowhere
}

func (s *Space) owns(path string) bool {
	p := s.Prefix
	if strings.HasSuffix(p, "/") {
		switch {
		case len(path) > len(p):
			path = path[:len(p)]
		case len(path) == len(p)-1:
			path += "/"
		}
	}
	if s.AnyCase {
		return strings.EqualFold(path, p)
	}
	return path == p
}

// nowhere answers paths that no space owns.
var nowhere = mounted{
	Space: Space{Surface: "none", Refuse: plainRefusal},
	handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plainRefusal(w, r, http.StatusNotFound, "nothing is served at this path")
	}),
}

func plainRefusal(w http.ResponseWriter, _ *http.Request, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, message)
}
