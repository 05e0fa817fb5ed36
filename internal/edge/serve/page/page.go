// Package page is what every page stands on: the reader's language and theme, the frame with the line about this list, the
// headers, and the pages that say what did not work. Surfaces that serve pages embed a Kit; they are strangers to each other.
package page

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

	"tasuki/web/i18n"
	"tasuki/web/layout"
	"tasuki/web/notice"
)

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
	Successor  string  // base URL of who runs the list now, at a node that did; "" at others
	Covered    int64   // leaves that the newest checkpoint covers
	Mirrors    Signers // of the newest checkpoint
	Witnesses  Signers
	Copy       *Copy  // of a copy that follows somebody's list; nil for a list's own node
	Hold       string // why this copy holds its last view until people decide: siblings, fork, continues; "" while it moves
	Test       bool   // a test list, for good
	Sources    []Source
}

// Signers are mirrors or witnesses: how many the charter lists, and how many of them have signed.
type Signers struct{ Signed, Listed int }

// Copy is a node that follows somebody's list.
type Copy struct {
	Operator string // base URL of who runs the list
	Behind   int64  // leaves that it knows of and does not hold yet
	Client   bool   // a reader's own copy, not a mirror
	Stopped  bool   // it found something wrong and cosigns nothing more
}

// Source is one place that data comes from.
type Source struct {
	Name    string
	Checked time.Time // its last answer; zero: never
	Stale   bool      // it has not answered for longer than it should
	Note    string
	Counts  map[string]int64 // of an import by hand: what became of its documents, by verdict
}

// Kit is what every surface of pages is given. All but BaseURL and Secure are required.
type Kit struct {
	Status Status
	Log    *slog.Logger
	Now    func() time.Time
	// BaseURL is where the node is reached, for the commands that a page shows; without a slash at the end.
	BaseURL string
	// Secure marks cookies for https only.
	Secure bool
}

// Harden sets the headers that every page has: nothing is loaded from elsewhere, framed, or told where a reader came from.
func Harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// Page is the frame for one request, in the reader's language and theme.
func (k *Kit) Page(w http.ResponseWriter, r *http.Request) (layout.Page, Node) {
	node, err := k.Status.Status(r.Context())
	if err != nil && r.Context().Err() == nil {
		k.Log.WarnContext(r.Context(), "status not known", "err", err)
	}
	lang, theme := k.Preferences(w, r)
	p := layout.Page{
		Lang:  lang,
		Theme: theme,
		Now:   k.Now(),
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
			Covered:    node.Covered,
			Signers:    signers(lang, node),
		},
	}
	if c := node.Copy; c != nil {
		p.Node.Notices = append(p.Node.Notices, copyNotice(lang, c))
	}
	if node.Test {
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.test"), Href: "/charter"})
	}
	if node.Importing != "" {
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.importing", node.Importing)})
	}
	switch {
	case node.Successor != "":
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.former", node.Successor), Href: "/charter"})
	case node.ReadOnly:
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.readonly")})
	}
	switch node.Hold {
	case "":
	case "siblings":
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.hold.siblings"), Href: "/charter"})
	default:
		p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.hold"), Href: "/evidence"})
	}
	for _, src := range node.Sources {
		if src.Stale && !src.Checked.IsZero() {
			p.Node.Notices = append(p.Node.Notices, layout.Notice{Text: lang.T("node.stale", JobWords(lang, src.Name), lang.Date(src.Checked)), Href: "/sources"})
		}
	}
	return p, node
}

// signers says who stands behind the newest checkpoint.
func signers(l i18n.Lang, n Node) string {
	m, w := n.Mirrors, n.Witnesses
	switch {
	case m.Listed > 0 && w.Listed > 0:
		return l.T("foot.signed.both", l.Count(int64(m.Signed)), l.Count(int64(m.Listed)), l.Count(int64(w.Signed)), l.Count(int64(w.Listed)))
	case m.Listed > 0:
		return l.T("foot.signed.mirrors", l.Count(int64(m.Signed)), l.Count(int64(m.Listed)))
	case w.Listed > 0:
		return l.T("foot.signed.witnesses", l.Count(int64(w.Signed)), l.Count(int64(w.Listed)))
	}
	return l.T("foot.signed.alone")
}

// copyNotice is the sentence of a copy: whose list this is, and how far behind.
func copyNotice(l i18n.Lang, c *Copy) layout.Notice {
	out := layout.Notice{Href: "/mirrors", Calm: true}
	what := l.T("node.mirror", c.Operator)
	if c.Client {
		what = l.T("node.client", c.Operator)
	}
	switch {
	case c.Stopped:
		out.Text, out.Calm = what+l.T("node.copy.stopped"), false
	case c.Behind > 0:
		out.Text = what + l.N("node.copy.behind", c.Behind)
	default:
		out.Text = what + l.T("node.copy.current")
	}
	return out
}

// Send renders a page whole before the first byte goes out, so that a fault in the middle still becomes an error page.
func (k *Kit) Send(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	var buf bytes.Buffer
	if err := body.Render(r.Context(), &buf); err != nil {
		if r.Context().Err() == nil {
			k.Log.ErrorContext(r.Context(), "page not rendered", "path", r.URL.Path, "err", err)
		}
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	k.Write(w, r, status, "text/html; charset=utf-8", buf.Bytes())
}

// Write sends a body with a tag made of it, or says that the reader has it already.
func (k *Kit) Write(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
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

// Error is a page that says what is not there or did not work: its HTTP status, and the middle of the glossary keys
// "notice.<name>.title" and "notice.<name>.text".
type Error struct {
	Status int
	Name   string
}

// NotFound is the page of an address that nothing has.
var NotFound = Error{http.StatusNotFound, "page"}

// refusals is the one table from our errors to pages; what is absent is "broken".
var refusals = []struct {
	err  error
	page Error
}{
	{context.DeadlineExceeded, Error{http.StatusServiceUnavailable, "slow"}},
	{context.Canceled, Error{http.StatusServiceUnavailable, "slow"}},
}

// Fail answers an error with its page; a fault of ours is logged and tells the reader no more than the request's id.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			k.Refuse(w, r, known.page)
			return
		}
	}
	k.Log.ErrorContext(r.Context(), "page not answered", "path", r.URL.Path, "err", err)
	k.Refuse(w, r, Error{http.StatusInternalServerError, "broken"})
}

// Refuse answers with the page of an error.
func (k *Kit) Refuse(w http.ResponseWriter, r *http.Request, e Error) {
	p, _ := k.Page(w, r)
	v := notice.View{Page: p, Heading: p.Lang.T("notice." + e.Name + ".title"), Text: p.Lang.T("notice." + e.Name + ".text")}
	v.Page.Title = v.Heading
	if e.Status >= 500 {
		v.Detail = w.Header().Get("X-Request-Id")
	}
	k.Send(w, r, e.Status, notice.Body(v))
}

// JobWords is what a job or a source is called in the reader's language.
func JobWords(l i18n.Lang, name string) string {
	if i18n.Has("job." + name) {
		return l.T("job." + name)
	}
	return name
}
