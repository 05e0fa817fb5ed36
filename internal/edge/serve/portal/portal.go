// Package portal serves the pages of those who are signed in: what a CNA, a Root or the Secretariat does with this list, by hand.
// It calls the acts of internal/program and decides nothing: who may do what is said there, inside the transaction.
//
// A session is a cookie of 256 random bits. Whatever changes something is a POST from the portal's own pages: the browser has
// to say that it comes from this origin, and the form has to bear a token of this session. Nothing here is cached by anybody.
package portal

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/web/portal"
)

// Prefixes are the URL spaces that the handler owns.
var Prefixes = []string{"/portal/"}

// Options are what the portal needs. Kit, Acts and Rand are required.
type Options struct {
	page.Kit
	Acts *program.Service
	Rand io.Reader // what a browser holds before it has signed in
	// RequireTOTP asks everybody who signs in by a key for one-time passwords: who has none yet sets them up first.
	RequireTOTP bool
	// Provider is an identity provider; nil for none. It needs the BaseURL.
	Provider *Provider
	// Editing is what the record editor needs; nil for a portal without one.
	Editing *Editing
}

type server struct {
	Options
	provider *provider // nil for none
	origin   *http.CrossOriginProtection
	mux      *http.ServeMux
}

// Handler answers below /portal/.
func Handler(o Options) http.Handler {
	s := &server{Options: o, origin: http.NewCrossOriginProtection(), mux: http.NewServeMux()}
	s.Secure = s.Secure || strings.HasPrefix(s.BaseURL, "https://")
	if s.BaseURL != "" {
		// A proxy in front may hand on another Host than the browser named.
		if err := s.origin.AddTrustedOrigin(strings.TrimSuffix(s.BaseURL, "/")); err != nil {
			s.Log.Warn("the base URL is no origin; forms are taken under the host of the request alone", "err", err)
		}
	}
	if o.Provider != nil {
		s.provider = &provider{Provider: *o.Provider}
	}
	s.signingIn()
	s.handle("GET /portal/{$}", s.overview)
	s.aboutIDs()
	if s.Editing != nil {
		s.editing()
	}
	s.aboutOrgs()
	s.aboutUsers()
	s.aboutAccount()
	s.aboutGrants()
	s.aboutCases()
	s.aboutKeys()
	s.handle("GET /portal/trail", s.trail)
	s.mux.HandleFunc("/portal/", func(w http.ResponseWriter, r *http.Request) { s.Refuse(w, r, page.NotFound) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.Harden(w.Header())
		w.Header().Set("X-Frame-Options", "DENY")
		// Not "no-referrer": forms would then say that they come from nowhere (Fetch §3.2), which the check of their origin refuses
		// where a browser has no Sec-Fetch-Site.
		w.Header().Set("Referrer-Policy", "same-origin")
		w = &private{w}
		if err := s.origin.Check(r); err != nil {
			s.Refuse(w, r, formProblem)
			return
		}
		s.mux.ServeHTTP(w, r)
	})
}

// private keeps everything that leaves the portal out of every cache, whoever wrote it.
type private struct{ http.ResponseWriter }

func (p *private) WriteHeader(status int) {
	h := p.Header()
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	p.ResponseWriter.WriteHeader(status)
}

func (p *private) Write(b []byte) (int, error) {
	p.Header().Set("Cache-Control", "no-store")
	p.Header().Del("ETag")
	return p.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (p *private) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// The pages that say what did not work.
var (
	formProblem     = page.Error{Status: http.StatusForbidden, Name: "form"}
	deniedProblem   = page.Error{Status: http.StatusForbidden, Name: "denied"}
	absentProblem   = page.Error{Status: http.StatusNotFound, Name: "absent"}
	providerProblem = page.Error{Status: http.StatusBadGateway, Name: "provider"}
	sealedProblem   = page.Error{Status: http.StatusServiceUnavailable, Name: "sealed"}
)

// refusals is the one table from the acts' errors to pages; what is absent is a fault of ours. A page that can say more of an
// error, at the field that it comes from, does so before it comes here.
var refusals = []struct {
	err  error
	page page.Error
}{
	{authority.ErrDenied, deniedProblem},
	{authority.ErrSealed, sealedProblem},
	{authority.ErrNoOrg, absentProblem},
	{authority.ErrNoUser, absentProblem},
	{authority.ErrNoGrant, absentProblem},
	{registry.ErrNotFound, absentProblem},
	{governance.ErrNoCase, absentProblem},
}

// visit is one request of somebody who is signed in.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	me      authority.Standing
	session authority.Session
	frame   portal.Frame
}

// handle gives a pattern to a page of the portal: who asks is signed in, and a POST came from a form of this session.
func (s *server) handle(pattern string, h func(v *visit) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := s.enter(w, r)
		if v == nil {
			return
		}
		err := h(v)
		if err == nil {
			return
		}
		if errors.Is(err, authority.ErrUnauthorized) {
			s.toSignIn(w, r, true) // switched off, or moved, since this request began
			return
		}
		for _, known := range refusals {
			if errors.Is(err, known.err) {
				s.Refuse(w, r, known.page)
				return
			}
		}
		s.Fail(w, r, err)
	})
}

// enter finds out who asks. It answers by itself, and returns nil, where nobody is signed in and where a form is not the session's.
func (s *server) enter(w http.ResponseWriter, r *http.Request) *visit {
	token := s.cookie(r, sessionCookie)
	if token == "" {
		if r.Method == http.MethodGet && crossSite(r) {
			s.again(w, r)
			return nil
		}
		s.toSignIn(w, r, false)
		return nil
	}
	session, me, err := s.Acts.Resume(r.Context(), token)
	switch {
	case errors.Is(err, authority.ErrNoSession):
		s.drop(w, sessionCookie)
		s.toSignIn(w, r, true)
		return nil
	case err != nil:
		s.Fail(w, r, err)
		return nil
	}
	v := &visit{w: w, r: r, me: me, session: session}
	csrf := formToken(token)
	if r.Method == http.MethodPost && !sameToken(r, csrf) {
		s.Refuse(w, r, formProblem)
		return nil
	}
	if s.mustSetUp(v) && r.URL.Path != totpPath && r.URL.Path != "/portal/sign-out" {
		http.Redirect(w, r, totpPath, http.StatusSeeOther)
		return nil
	}
	p, _ := s.Page(w, r)
	p.Scripts = []string{"portal.js"}
	v.frame = portal.Frame{Page: p, User: me.User.Username, Org: me.Org.Short, CSRF: csrf, Places: s.places(&me, r.URL.Path)}
	return v
}

// places are the parts of the portal that somebody has.
func (s *server) places(me *authority.Standing, path string) (out []portal.Place) {
	add := func(key, href string) {
		out = append(out, portal.Place{Key: key, Href: href, Here: here(href, path)})
	}
	add("overview", "/portal/")
	if me.MustBeCNA() == nil {
		add("ids", "/portal/ids")
		add("reserve", "/portal/reserve")
		if s.Editing != nil {
			add("writing", "/portal/templates")
		}
	}
	add("org", orgPath(me.Org.Short))
	if me.IsSecretariat() {
		add("orgs", "/portal/orgs")
	}
	if me.Can(authority.ApproveScope) {
		add("grants", "/portal/grants")
	}
	add("cases", "/portal/cases")
	add("keys", keysPath)
	add("trail", "/portal/trail")
	if slices.ContainsFunc(out, func(p portal.Place) bool { return p.Here == "page" }) {
		for i := range out { // one's own organisation is among all of them, and a place of its own
			if out[i].Here == "true" {
				out[i].Here = ""
			}
		}
	}
	return out
}

// here says whether a page is a place of the portal, or part of it.
func here(place, path string) string {
	switch {
	case path == place:
		return "page"
	case place != "/portal/" && strings.HasPrefix(path, place+"/"), place == "/portal/reserve" && path == "/portal/reserved", place == "/portal/ids" && strings.HasPrefix(path, "/portal/records/"):
		return "true"
	}
	return ""
}

// title names the page in the window's head.
func (v *visit) title(text string) { v.frame.Page.Title = text }

// back sends the browser on after a change, so that loading again does not change twice.
func (v *visit) back(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// crossSite says whether the browser was led here from elsewhere.
func crossSite(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "cross-site" || from == "same-site"
}

// again lets a browser that was led here from elsewhere ask once more from here: a link in a mail comes without the session's
// cookie (SameSite=Strict), what this page asks for comes with it.
func (s *server) again(w http.ResponseWriter, r *http.Request) {
	s.onward(w, r, local(r.URL.RequestURI()))
}

// onward leads the browser on by itself, from a page of this origin.
func (s *server) onward(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Refresh", "0; url="+to)
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("signin.title")
	s.Send(w, r, http.StatusOK, portal.OnwardBody(portal.Onward{Page: p, To: to}))
}
