// Package web serves the pages: search and record view, rendered on the server in Japanese and English. It fills the view
// structs of the packages below web/ from the catalogue and knows neither SQL nor markup.
//
// Nothing a record holds is ever sent as markup: texts are escaped, HTML alternatives (supportingMedia) are left alone,
// and only http and https references become links. The pages load nothing from elsewhere, and their
// Content-Security-Policy says so.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tasuki/internal/catalogue"
	"tasuki/web/assets"
	"tasuki/web/layout"
	"tasuki/web/notice"
)

// Catalogue is the merged view of all records.
type Catalogue interface {
	Get(ctx context.Context, id string) (*catalogue.View, error)
	Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error)
	Complete(ctx context.Context, text string, cursor, n int) (*catalogue.Completion, error)
	Versions(ctx context.Context, id string) ([]catalogue.Version, error)
	Version(ctx context.Context, id string, index int64) (*catalogue.View, error)
	GetAt(ctx context.Context, id string, at catalogue.At) (*catalogue.View, error)
	Changes(ctx context.Context, s catalogue.Span) (*catalogue.Changes, error)
}

var _ Catalogue = (*catalogue.Service)(nil)

// Status says which list this is and how fresh. It is asked for every page, so it has to be cheap.
type Status interface {
	Status(ctx context.Context) (Node, error)
}

// Node is what Status says.
type Node struct {
	ListID     string    // hex, whole
	Origin     string    // the checkpoint's first line
	Records    int64     // records in the catalogue
	Size       int64     // leaves in the log
	Checkpoint time.Time // when the newest checkpoint was signed; zero when none was
	Verified   bool      // and its signature is one of the log key that the charters name
	Importing  string    // progress of a running import in a few words, or ""
	ReadOnly   bool
	Sources    []Source
}

// Source is one place that data comes from.
type Source struct {
	Name    string
	Checked time.Time // its last answer; zero: never
	Stale   bool      // it has not answered for longer than it should
	Note    string
	Counts  map[string]int64 // of an import by hand: what became of its documents, by verdict
}

// Options are what the pages need. All but BaseURL, Secure and OpenAPI are required.
type Options struct {
	Catalogue Catalogue
	Status    Status
	Ledger    Ledger
	Intake    Intake
	// OpenAPI is the document of the native API, which the page /api sets out.
	OpenAPI func() []byte
	Log     *slog.Logger
	Now     func() time.Time
	// BaseURL is where the node is reached, for the commands that a page shows; without a slash at the end.
	BaseURL string
	// Secure marks cookies for https only.
	Secure bool
}

type server struct {
	Options
	standing standing
}

// Prefixes are the URL spaces that the handler owns; whatever no other surface owns may come here too, to get a page
// that says so. "/charter" and "/api" are pages; what lies below them is other surfaces'.
var Prefixes = []string{"/", assets.Prefix, "/charter", "/api"}

// Handler answers for the pages and their assets.
func Handler(o Options) http.Handler {
	s := &server{Options: o}
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, assets.URL("mark.svg"), http.StatusMovedPermanently)
	})
	s.finding(mux)
	mux.HandleFunc("/cve/{id}", s.record)
	mux.HandleFunc("/cve/{id}/history", s.history)
	mux.HandleFunc("/cve/{id}/diff", s.diff)
	mux.HandleFunc("/changes", s.changes)
	mux.HandleFunc("/sources", s.sources)
	mux.HandleFunc("/log", s.log)
	mux.HandleFunc("/log/{index}", s.entry)
	mux.HandleFunc("/verify", s.verify)
	mux.HandleFunc("/charter", s.charter)
	mux.HandleFunc("/api", s.apiPage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, pageProblem) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the pages are only read", http.StatusMethodNotAllowed)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// page is the frame for one request, in the reader's language and theme.
func (s *server) page(w http.ResponseWriter, r *http.Request) (layout.Page, Node) {
	node, err := s.Status.Status(r.Context())
	if err != nil && r.Context().Err() == nil {
		s.Log.WarnContext(r.Context(), "status not known", "err", err)
	}
	lang, theme := s.preferences(w, r)
	p := layout.Page{
		Lang:  lang,
		Theme: theme,
		Now:   s.Now(),
		Path:  r.URL.Path,
		Here: func(name, value string) string {
			q := r.URL.Query()
			q.Del("lang")
			q.Del("theme")
			q.Set(name, value)
			return r.URL.EscapedPath() + "?" + q.Encode()
		},
		Node: layout.Node{
			List:       node.ListID[:min(8, len(node.ListID))],
			Records:    node.Records,
			Checkpoint: node.Checkpoint,
			Verified:   node.Verified,
		},
	}
	if node.Importing != "" {
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.importing", node.Importing)})
	}
	if node.ReadOnly {
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.readonly")})
	}
	for _, src := range node.Sources {
		if src.Stale && !src.Checked.IsZero() {
			p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.stale", jobWords(lang, src.Name), lang.Date(src.Checked)), Href: "/sources"})
		}
	}
	return p, node
}

// send renders a page whole before the first byte goes out, so that a fault in the middle still becomes an error page.
func (s *server) send(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	var buf bytes.Buffer
	if err := body.Render(r.Context(), &buf); err != nil {
		if r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "err", err)
		}
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	s.write(w, r, status, "text/html; charset=utf-8", buf.Bytes())
}

// write sends a body with a tag made of it, or says that the reader has it already.
func (s *server) write(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	if status == http.StatusOK {
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h.Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away
	}
}

// A pageError is a page that says what is not there or did not work: glossary keys and a status.
type pageError struct {
	status int
	name   string
}

var (
	pageProblem  = pageError{http.StatusNotFound, "page"}
	entryProblem = pageError{http.StatusNotFound, "entry"}
	proofProblem = pageError{http.StatusBadRequest, "proof"}
	queryProblem = pageError{http.StatusBadRequest, "query"}
)

// refusals is the one table from our errors to pages; what is absent is "broken".
var refusals = []struct {
	err  error
	page pageError
}{
	{context.DeadlineExceeded, pageError{http.StatusServiceUnavailable, "slow"}},
	{context.Canceled, pageError{http.StatusServiceUnavailable, "slow"}},
}

// fail answers an error with its page; a fault of ours is logged and tells the reader no more than the request's id.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			s.refuse(w, r, known.page)
			return
		}
	}
	s.Log.ErrorContext(r.Context(), "page not answered", "path", r.URL.Path, "err", err)
	s.refuse(w, r, pageError{http.StatusInternalServerError, "broken"})
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, e pageError) {
	p, _ := s.page(w, r)
	v := notice.View{Page: p, Heading: p.Lang.T("notice." + e.name + ".title"), Text: p.Lang.T("notice." + e.name + ".text")}
	v.Page.Title = v.Heading
	if e.status >= 500 {
		v.Detail = w.Header().Get("X-Request-Id")
	}
	s.send(w, r, e.status, notice.Body(v))
}
