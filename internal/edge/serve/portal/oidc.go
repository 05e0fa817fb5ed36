package portal

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"tasuki/web/portal"
)

// Provider is an identity provider that people may sign in by (OpenID Connect Core 1.0, code flow with PKCE). Whose verified
// e-mail address there is a username of the organisation that they name here is that user.
type Provider struct {
	Issuer   string // its address, as it stands in its tokens
	ClientID string
	Secret   string
	Name     string // what people call it
	Client   *http.Client
}

// The way to the provider and back has to be gone within oidcFor.
const (
	oidcCookie = "tasuki-oidc"
	oidcFor    = 10 * time.Minute
)

// errProvider means that the provider's answer vouches for nobody here. The reasons are for the log.
var errProvider = errors.New("portal: the identity provider's answer is not taken")

// provider keeps what the issuer says of itself, once it has been reached.
type provider struct {
	Provider
	mu    sync.Mutex
	known *oidc.Provider
}

// outside is a context for requests to the provider: they are made by its own client, and what the library keeps of it outlives the
// request that it was first made for.
func (p *provider) outside(ctx context.Context) context.Context {
	return oidc.ClientContext(context.WithoutCancel(ctx), p.Client)
}

func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	found, err := oidc.NewProvider(p.outside(ctx), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p.known = found
	return found, nil
}

func (s *server) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: s.provider.ClientID, ClientSecret: s.provider.Secret, Endpoint: p.Endpoint(),
		RedirectURL: strings.TrimSuffix(s.BaseURL, "/") + "/portal/oidc/callback", Scopes: []string{oidc.ScopeOpenID, "email"}}
}

// wayOut is what the browser keeps while it is at the provider: the answer has to fit it.
type wayOut struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // RFC 7636
	Org      string `json:"org"`
	Next     string `json:"next"`
}

// toProvider sends the browser to the identity provider.
func (s *server) toProvider(w http.ResponseWriter, r *http.Request) {
	door := s.cookie(r, doorCookie)
	if door == "" || !sameToken(r, formToken(door)) {
		s.Refuse(w, r, formProblem)
		return
	}
	out := wayOut{Org: strings.TrimSpace(r.PostFormValue("org")), Next: local(r.PostFormValue("next"))}
	for _, text := range []*string{&out.State, &out.Nonce, &out.Verifier} {
		raw := make([]byte, 32)
		if _, err := io.ReadFull(s.Rand, raw); err != nil {
			s.Fail(w, r, err)
			return
		}
		*text = base64.RawURLEncoding.EncodeToString(raw)
	}
	p, err := s.provider.discover(r.Context())
	if err != nil {
		s.Log.WarnContext(r.Context(), "identity provider not reached", "err", err)
		s.Refuse(w, r, providerProblem)
		return
	}
	kept, err := json.Marshal(out)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.setOIDC(w, base64.RawURLEncoding.EncodeToString(kept), int(oidcFor/time.Second))
	// By a page, not by a redirect: the pages' policy lets forms lead to this origin alone.
	s.onward(w, r, s.oauth(p).AuthCodeURL(out.State, oidc.Nonce(out.Nonce), oauth2.S256ChallengeOption(out.Verifier)))
}

// setOIDC keeps the way out in the browser. The way back begins at another site, so that a strict cookie would not come along.
func (s *server) setOIDC(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(oidcCookie), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
}

// fromProvider takes the browser back.
func (s *server) fromProvider(w http.ResponseWriter, r *http.Request) {
	var out wayOut
	raw, err := base64.RawURLEncoding.DecodeString(s.cookie(r, oidcCookie))
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	s.setOIDC(w, "", -1) // one answer, whatever it is
	var email string
	if err == nil {
		email, err = s.vouched(r, out)
	}
	var token string
	if err == nil {
		token, err = s.Acts.Sessions().Vouch(r.Context(), out.Org, email, from(r))
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.Log.WarnContext(r.Context(), "not signed in by the identity provider", "err", err)
		}
		s.showSignIn(w, r, http.StatusForbidden, portal.SignIn{Next: local(out.Next), Org: out.Org, Refused: true})
		return
	}
	s.admit(w, r, token)
	// The session's cookie does not come along on a way that began at another site; from this page on it does.
	s.onward(w, r, local(out.Next))
}

// vouched is the e-mail address that the provider vouches for, if the answer is the one to what this browser asked.
func (s *server) vouched(r *http.Request, out wayOut) (email string, err error) {
	q := r.URL.Query()
	if out.State == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(out.State)) != 1 {
		return "", fmt.Errorf("%w: it answers another question", errProvider)
	}
	if q.Get("error") != "" {
		return "", fmt.Errorf("%w: it refuses", errProvider)
	}
	ctx, stop := context.WithTimeout(s.provider.outside(r.Context()), 20*time.Second)
	defer stop()
	p, err := s.provider.discover(ctx)
	if err != nil {
		return "", err
	}
	tokens, err := s.oauth(p).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(out.Verifier))
	if err != nil {
		return "", fmt.Errorf("%w: code: %w", errProvider, err)
	}
	text, _ := tokens.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: s.provider.ClientID, Now: s.Now}).Verify(ctx, text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errProvider, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(out.Nonce)) != 1 {
		return "", fmt.Errorf("%w: nonce", errProvider)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // true; a few providers write "true"
	}
	if err := id.Claims(&claims); err != nil {
		return "", fmt.Errorf("%w: claims: %w", errProvider, err)
	}
	if claims.Email == "" || claims.Verified != true && claims.Verified != "true" {
		return "", fmt.Errorf("%w: no verified e-mail address", errProvider)
	}
	return claims.Email, nil
}
