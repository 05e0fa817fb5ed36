// Package web serves the pages: search and record view, rendered on the server in Japanese and English. It fills the view
// structs of the packages below web/ from the catalogue and knows neither SQL nor markup.
//
// Nothing a record holds is ever sent as markup: texts are escaped, HTML alternatives (supportingMedia) are left alone,
// and only http and https references become links. The pages load nothing from elsewhere, and their
// Content-Security-Policy says so.
package web

import (
	"context"
	"net/http"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/web/assets"
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

// Options are what the pages need. All but OpenAPI, Authority and Continuity are required; without the latter two there are no pages of theirs.
type Options struct {
	page.Kit
	Catalogue Catalogue
	Ledger    Ledger
	Intake    Intake
	Authority Authority
	// Continuity is who keeps the list: the charter, mirrors and witnesses, epochs, evidence.
	Continuity Continuity
	// OrgName is the short name of an organisation of this list by its UUID, "" where there is none. It may be nil.
	OrgName func(ctx context.Context, org string) string
	// OpenAPI is the document of the native API, which the page /api sets out.
	OpenAPI func() []byte
}

type server struct {
	Options
	standing standing
}

// Prefixes are the URL spaces that the handler owns; whatever no other surface owns may come here too, to get a page
// that says so. "/charter", "/evidence" and "/api" are pages; what lies below them is other surfaces'.
var Prefixes = []string{"/", assets.Prefix, "/charter", "/evidence", "/api"}

// Handler answers for the pages and their assets.
func Handler(o Options) http.Handler {
	s := &server{Options: o}
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, assets.URL("mark.svg"), http.StatusMovedPermanently)
	})
	s.finding(mux)
	if s.Authority != nil {
		s.governing(mux)
	}
	mux.HandleFunc("/cve/{id}", s.record)
	mux.HandleFunc("/cve/{id}/history", s.history)
	mux.HandleFunc("/cve/{id}/diff", s.diff)
	mux.HandleFunc("/changes", s.changes)
	mux.HandleFunc("/sources", s.sources)
	mux.HandleFunc("/log", s.log)
	mux.HandleFunc("/log/{index}", s.entry)
	mux.HandleFunc("/verify", s.verify)
	if s.Continuity != nil {
		mux.HandleFunc("/charter", s.charter)
		mux.HandleFunc("/mirrors", s.mirrors)
		mux.HandleFunc("/epochs", s.epochs)
		mux.HandleFunc("/evidence", s.evidence)
	}
	mux.HandleFunc("/api", s.apiPage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.Refuse(w, r, page.NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.Harden(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the pages are only read", http.StatusMethodNotAllowed)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// The pages that say what is not there or did not work.
var (
	entryProblem = page.Error{Status: http.StatusNotFound, Name: "entry"}
	proofProblem = page.Error{Status: http.StatusBadRequest, Name: "proof"}
	queryProblem = page.Error{Status: http.StatusBadRequest, Name: "query"}
)
