package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"tasuki/internal/authority"
	"tasuki/web/portal"
)

// Cookies of the portal, without the prefix "__Host-" that they have over https: then no other host, not even one below the same
// domain, and no clear-text page can set them (RFC 6265bis §4.1.3.2).
const (
	sessionCookie = "tasuki-session"
	doorCookie    = "tasuki-door" // of a browser that has not signed in: its sign-in form is bound to it
)

// signingIn mounts what is open to everybody.
func (s *server) signingIn() {
	s.mux.HandleFunc("GET /portal/sign-in", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		s.showSignIn(w, r, http.StatusOK, portal.SignIn{Next: local(q.Get("next")), Out: q["out"] != nil, Ended: q["ended"] != nil})
	})
	s.mux.HandleFunc("POST /portal/sign-in", s.signIn)
	if s.provider != nil {
		s.mux.HandleFunc("POST /portal/oidc", s.toProvider)
		s.mux.HandleFunc("GET /portal/oidc/callback", s.fromProvider)
	}
	s.handle("POST /portal/sign-out", s.signOut)
}

// showSignIn sends the form, bound to the browser by a cookie: nobody can sign a stranger's browser in to an account of their own.
func (s *server) showSignIn(w http.ResponseWriter, r *http.Request, status int, v portal.SignIn) {
	door := s.cookie(r, doorCookie)
	if door == "" {
		raw := make([]byte, 32)
		if _, err := io.ReadFull(s.Rand, raw); err != nil {
			s.Fail(w, r, err)
			return
		}
		door = base64.RawURLEncoding.EncodeToString(raw)
		s.set(w, doorCookie, door)
	}
	v.Page, _ = s.Page(w, r)
	v.Page.Title = v.Page.Lang.T("signin.title")
	v.Door = formToken(door)
	if s.provider != nil {
		v.Provider = s.provider.Name
	}
	s.Send(w, r, status, portal.SignInBody(v))
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	door := s.cookie(r, doorCookie)
	if door == "" || !sameToken(r, formToken(door)) {
		s.Refuse(w, r, formProblem)
		return
	}
	next := local(r.PostFormValue("next"))
	cr := authority.Credentials{Org: strings.TrimSpace(r.PostFormValue("org")), User: strings.TrimSpace(r.PostFormValue("user")),
		Key: strings.TrimSpace(r.PostFormValue("key")), Code: r.PostFormValue("code")}
	token, err := s.Acts.Sessions().Open(r.Context(), cr, from(r))
	switch {
	case errors.Is(err, authority.ErrUnauthorized):
		s.showSignIn(w, r, http.StatusForbidden, portal.SignIn{Next: next, Org: cr.Org, User: cr.User, Wrong: true})
		return
	case err != nil:
		s.Fail(w, r, err)
		return
	}
	s.admit(w, r, token)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// admit gives the browser its session. What it held before is worth nothing from then on: neither a session that somebody may
// have planted nor one of its own that it leaves behind.
func (s *server) admit(w http.ResponseWriter, r *http.Request, token string) {
	if old := s.cookie(r, sessionCookie); old != "" {
		if err := s.Acts.Sessions().End(r.Context(), old); err != nil {
			s.Log.WarnContext(r.Context(), "former session not ended", "err", err)
		}
	}
	s.drop(w, doorCookie)
	s.set(w, sessionCookie, token)
}

func (s *server) signOut(v *visit) error {
	if err := s.Acts.Sessions().End(v.r.Context(), s.cookie(v.r, sessionCookie)); err != nil {
		return err
	}
	s.drop(v.w, sessionCookie)
	return v.back("/portal/sign-in?out")
}

// toSignIn leads to the form, and from there back to where the browser was going.
func (s *server) toSignIn(w http.ResponseWriter, r *http.Request, ended bool) {
	q := url.Values{}
	if r.Method == http.MethodGet {
		q.Set("next", local(r.URL.RequestURI()))
	}
	if ended {
		q.Set("ended", "1")
	}
	http.Redirect(w, r, "/portal/sign-in?"+q.Encode(), http.StatusSeeOther)
}

// local is an address to go on to, when it is one of the portal's own; else the portal's first page. What is typed into an
// address, or sent by a stranger, leads nowhere else.
func local(next string) string {
	const home = "/portal/"
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || len(next) > 2000 {
		return home
	}
	if !strings.HasPrefix(u.Path, home) || strings.ContainsAny(u.Path, "\\\x00\r\n\t") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") {
		return home
	}
	q := u.Query()
	q.Del("lang")
	q.Del("theme")
	out := url.URL{Path: u.Path, RawQuery: q.Encode()}
	return out.String()
}

// formToken is what stands in the forms of whoever holds a cookie. It tells nothing of the cookie.
func formToken(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	io.WriteString(mac, "tasuki portal form")
	return hex.EncodeToString(mac.Sum(nil))
}

// sameToken says whether a form, or a script of the portal's own pages, bears the token.
func sameToken(r *http.Request, want string) bool {
	got := r.PostFormValue("csrf") // reads the form, for whoever acts on it
	if header := r.Header.Get("X-CSRF-Token"); header != "" {
		got = header
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// from is what is known of where a request comes from. The front door has put the client's own address there, past proxies.
func from(r *http.Request) authority.Client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return authority.Client{Source: host, Agent: r.UserAgent()}
}

func (s *server) cookieName(name string) string {
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

func (s *server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// set gives the browser a cookie that lives as long as the browser, is sent with nothing that another site began, and is not
// told to scripts.
func (s *server) set(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode})
}

func (s *server) drop(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(name), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode})
}
