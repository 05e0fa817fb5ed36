// Package cveservices speaks the HTTP API of CVE Services, release line 2.x: to the CVE Program's own servers, to Tasuki, and to
// whatever else offers that API.
//
//	c, err := cveservices.New("https://cve.example.org", cveservices.Options{Org: "acme", User: "ann@acme.test", Key: key})
//	got, err := c.Reserve(ctx, cveservices.Reservation{Amount: 2, Year: 2026, Batch: cveservices.Sequential})
//	for id, err := range c.IDs(ctx, cveservices.IDFilter{State: "RESERVED"}) { … }
//
// An answer that is a refusal is returned as an *Error, with the server's code. What may be asked twice is asked again when the
// server is busy or the connection fails, ever more slowly. What may not, such as a reservation, is sent once; where nobody can
// tell whether it was carried out, the error wraps ErrUncertain.
//
// The key is sent to the one server the Client was made for: redirections are not followed, and plain HTTP is refused but to this
// machine. A Client may be used by many goroutines at once. The package imports the standard library alone.
package cveservices

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxBody is the longest body that CVE Services take: 3.8 MiB.
const MaxBody = 38 * 1024 * 1024 / 10

// maxAnswer bounds an answer: 500 records of the longest sort are not served in one by anybody.
const maxAnswer = 256 << 20

// Errors that callers branch on.
var (
	// ErrURL means a base URL that is none.
	ErrURL = errors.New("cveservices: the server's URL is not an http or https URL")
	// ErrClear means that a key would travel in clear text.
	ErrClear = errors.New("cveservices: the key would travel unencrypted: use https")
	// ErrCredentials means that only some of organisation, user and key are there, or that one cannot stand in a header.
	ErrCredentials = errors.New("cveservices: organisation, user and key belong together")
	// ErrTooLarge means a body beyond MaxBody. It was not sent.
	ErrTooLarge = errors.New("cveservices: the body is larger than CVE Services take")
	// ErrUncertain means that a change was sent and nobody knows whether it was carried out: look before sending it again.
	ErrUncertain = errors.New("cveservices: the server may have carried this out all the same")
	// ErrNoAnswer means that the server could not be reached, or that the connection ended before its answer did.
	ErrNoAnswer = errors.New("cveservices: no answer")
	// ErrAnswer means an answer that is not of this API.
	ErrAnswer = errors.New("cveservices: the answer is not of CVE Services")
	// ErrRedirect means that the server sends callers elsewhere. The key does not go there by itself.
	ErrRedirect = errors.New("cveservices: the server sends callers to another address")
)

// Options are what a Client may have beside its server.
type Options struct {
	// Org, User and Key are the credentials; all of them or none. Without them only what is public can be asked.
	Org, User, Key string
	// HTTP sends the requests; nil means http.DefaultClient. Its CheckRedirect is overruled.
	HTTP *http.Client
	// UserAgent names the caller; "" means "tasuki-cveservices".
	UserAgent string
	// Tries is how often something that may be asked twice is asked at most; 0 means 5, 1 never repeats.
	Tries int
	// AllowClear lets the key travel over plain HTTP to other machines.
	AllowClear bool
	// Wait waits between two tries; nil sleeps. It returns early with the context's error.
	Wait func(ctx context.Context, d time.Duration) error
}

// Client asks one server.
type Client struct {
	base           string // ends in "/api/"
	org, user, key string
	http           http.Client
	agent          string
	tries          int
	wait           func(ctx context.Context, d time.Duration) error
}

// New returns a client of the server at baseURL, such as "https://cve.example.org", with or without the API's own "/api".
// It fails with ErrURL, ErrClear or ErrCredentials, and sends nothing.
func New(baseURL string, o Options) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, ErrURL // not echoed: people put passwords into URLs
	}
	given := 0
	for _, s := range []string{o.Org, o.User, o.Key} {
		if s != "" {
			given++
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, ErrCredentials
		}
	}
	switch {
	case given != 0 && given != 3:
		return nil, ErrCredentials
	case given == 3 && u.Scheme == "http" && !o.AllowClear && !local(u.Hostname()):
		return nil, fmt.Errorf("%w (%s)", ErrClear, u.Host)
	}
	path := strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(path, "/api") {
		path += "/api"
	}
	c := &Client{base: u.Scheme + "://" + u.Host + path + "/", org: o.Org, user: o.User, key: o.Key, agent: o.UserAgent, tries: o.Tries, wait: o.Wait}
	if o.HTTP != nil {
		c.http = *o.HTTP
	}
	// Go would carry our headers, the key among them, to wherever a redirection leads.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.agent == "" {
		c.agent = "tasuki-cveservices"
	}
	if c.tries == 0 {
		c.tries = 5
	}
	if c.wait == nil {
		c.wait = sleep
	}
	return c, nil
}

// local says that a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// BaseURL is the address that paths of the API are appended to: it ends in "/api/".
func (c *Client) BaseURL() string { return c.base }

// Caller is whom the client asks for: short name and username, "" without credentials.
func (c *Client) Caller() (org, user string) { return c.org, c.user }

// Anonymous says that the client has no credentials.
func (c *Client) Anonymous() bool { return c.key == "" }

// escape joins the elements of a path, each escaped.
func escape(elements ...string) string {
	out := make([]string, len(elements))
	for i, e := range elements {
		out[i] = url.PathEscape(e)
	}
	return strings.Join(out, "/")
}
