package portal

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// issuer is an identity provider on this machine. It signs whatever a test puts into claims, for one code.
type issuer struct {
	*httptest.Server
	key       *rsa.PrivateKey
	claims    map[string]any // over the usual ones
	forged    bool           // it signs with a key that it does not publish
	challenge string         // of the last authorization request
	asked     url.Values
}

const code = "the-code"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, claims: map[string]any{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		id, secret, _ := r.BasicAuth()
		if r.PostFormValue("code") != code || b64(sum[:]) != i.challenge || id != "portal" || secret != "hush" {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.token(t)})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token is what the issuer says of whoever signed in there.
func (i *issuer) token(t *testing.T) string {
	claims := map[string]any{"iss": i.URL, "aud": "portal", "sub": "1", "nonce": i.asked.Get("nonce"), "email": "ann@acme.test", "email_verified": true,
		"iat": float64(1795251600), "exp": float64(1795251600 + 600)}
	maps.Copy(claims, i.claims)
	head, body := b64([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)), ""
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	body = head + "." + b64(raw)
	key := i.key
	if i.forged {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Error(err)
		}
	}
	sum := sha256.Sum256([]byte(body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Error(err)
	}
	return body + "." + b64(sig)
}

// leave sends the sign-in form to the provider and returns what the browser is led to.
func (i *issuer) leave(t *testing.T, c *browser, org string) *url.URL {
	t.Helper()
	a := c.submit(t, "/portal/sign-in", "/portal/oidc", "org", org, "next", "/portal/ids")
	to, ok := strings.CutPrefix(a.header.Get("Refresh"), "0; url=")
	u, err := url.Parse(to)
	if a.status != http.StatusOK || !ok || err != nil || !strings.HasPrefix(to, i.URL+"/authorize?") {
		t.Fatalf("%d %q %v\n%s", a.status, a.header.Get("Refresh"), err, a.body)
	}
	i.asked = u.Query()
	i.challenge = i.asked.Get("code_challenge")
	return u
}

func TestOIDC(t *testing.T) {
	w := newWorld(t)
	i := newIssuer(t)
	w.opts.Provider = &Provider{Issuer: i.URL, ClientID: "portal", Secret: "hush", Name: "Example ID", Client: i.Client()}
	w.opts.BaseURL = "http://cve.test"
	w.Clock.Add(time.Unix(1795251600, 0).Sub(w.Clock.Now()))
	back := func(c *browser, q url.Values) answer { return c.get(t, "/portal/oidc/callback?"+q.Encode()) }

	c := w.visitor(t)
	a := c.get(t, "/portal/sign-in")
	a.has(t, "Sign in with Example ID")
	u := i.leave(t, c, "acme")
	q := u.Query()
	if q.Get("client_id") != "portal" || q.Get("response_type") != "code" || q.Get("redirect_uri") != "http://cve.test/portal/oidc/callback" || q.Get("scope") != "openid email" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("state")) != 43 || len(q.Get("nonce")) != 43 {
		t.Errorf("%v", q)
	}
	answered := url.Values{"code": {code}, "state": {q.Get("state")}}
	a = back(c, answered)
	if a.status != http.StatusOK || a.header.Get("Refresh") != "0; url=/portal/ids" {
		t.Fatalf("%d %q\n%s", a.status, a.header.Get("Refresh"), w.log.String())
	}
	if cookie := a.cookie(sessionCookie); cookie == nil || cookie.SameSite != http.SameSiteStrictMode || !cookie.HttpOnly {
		t.Errorf("%+v", cookie)
	}
	page := c.get(t, "/portal/account")
	page.has(t, "ann@acme.test", "OIDC")
	page.lacks(t, "Your present key")
	if a = back(w.visitor(t), answered); a.status != http.StatusForbidden {
		t.Errorf("the answer in another browser: %d", a.status)
	}
	if a = back(c, answered); a.status != http.StatusForbidden {
		t.Errorf("the answer twice: %d", a.status)
	}

	for name, tc := range map[string]struct {
		org    string
		claims map[string]any
		query  url.Values
		forged bool
	}{
		"unverified":         {claims: map[string]any{"email_verified": false}},
		"verified unsaid":    {claims: map[string]any{"email_verified": nil}},
		"no e-mail":          {claims: map[string]any{"email": ""}},
		"somebody else":      {claims: map[string]any{"email": "eve@acme.test"}},
		"letters' case":      {claims: map[string]any{"email": "Ann@acme.test"}},
		"other organisation": {org: "other"},
		"no organisation":    {org: "nowhere"},
		"another's token":    {claims: map[string]any{"aud": "other-client"}},
		"other issuer":       {claims: map[string]any{"iss": "https://evil.test"}},
		"old":                {claims: map[string]any{"exp": float64(1795251600 - 3600)}},
		"replayed nonce":     {claims: map[string]any{"nonce": "x"}},
		"forged":             {forged: true},
		"wrong code":         {query: url.Values{"code": {"guess"}}},
		"refused there":      {query: url.Values{"error": {"access_denied"}}},
		"wrong state":        {query: url.Values{"state": {"x"}}},
		"no state":           {query: url.Values{"state": nil}},
	} {
		i.claims, i.forged = tc.claims, tc.forged
		c := w.visitor(t)
		org := tc.org
		if org == "" {
			org = "acme"
		}
		q := i.leave(t, c, org).Query()
		answered := url.Values{"code": {code}, "state": {q.Get("state")}}
		maps.Copy(answered, tc.query)
		a := back(c, answered)
		if a.status != http.StatusForbidden || a.cookie(sessionCookie) != nil {
			t.Errorf("%s: %d", name, a.status)
		}
		a.has(t, "did not open an account", `value="`+org+`"`)
	}
	if log := w.log.String(); strings.Contains(log, "ann@") || strings.Contains(log, "eve@") || strings.Contains(log, code+`"`) {
		t.Errorf("the log knows too much: %s", log)
	}
	// A stranger's page cannot send anybody there.
	if a := c.post(t, "/portal/oidc", url.Values{"org": {"acme"}}); a.status != http.StatusForbidden {
		t.Errorf("without the form's token: %d", a.status)
	}
	// Who has one-time passwords to set up by this deployment's rule is not asked for them when the provider vouches.
	w.opts.RequireTOTP = true
	i.claims, i.forged = map[string]any{"email_verified": "true"}, false
	c = w.visitor(t)
	q = i.leave(t, c, "acme").Query()
	if a = back(c, url.Values{"code": {code}, "state": {q.Get("state")}}); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	if a = c.get(t, "/portal/"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.location)
	}
}

// A provider that does not answer is said so; it is asked again the next time.
func TestOIDCDown(t *testing.T) {
	w := newWorld(t)
	i := newIssuer(t)
	w.opts.Provider = &Provider{Issuer: i.URL, ClientID: "portal", Name: "Example ID", Client: i.Client()}
	w.opts.BaseURL = "http://cve.test"
	good := i.Config.Handler
	i.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	c := w.visitor(t)
	a := c.submit(t, "/portal/sign-in", "/portal/oidc", "org", "acme")
	if a.status != http.StatusBadGateway {
		t.Errorf("%d", a.status)
	}
	i.Config.Handler = good
	i.leave(t, c, "acme")
	// Without a provider there is no such door.
	w.opts.Provider = nil
	c = w.visitor(t)
	if a := c.post(t, "/portal/oidc", nil); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}

func TestTOTPRequired(t *testing.T) {
	w := newWorld(t)
	w.opts.RequireTOTP = true
	c := w.signIn(t, "ann@acme.test")
	for _, path := range []string{"/portal/", "/portal/ids", "/portal/account", "/portal/reserve"} {
		if a := c.get(t, path); a.status != http.StatusSeeOther || a.location != totpPath {
			t.Errorf("%s: %d %s", path, a.status, a.location)
		}
	}
	size := w.Size(t)
	if a := c.submit(t, totpPath, "/portal/reserve", "for", "acme", "amount", "1", "year", "2026", "batch", "sequential"); a.location != totpPath || w.Size(t) != size {
		t.Errorf("reserved without one-time passwords: %d", a.status)
	}
	w.setUp(t, c)
	if a := c.get(t, "/portal/"); a.status != http.StatusOK {
		t.Errorf("after setting them up: %d", a.status)
	}
}
