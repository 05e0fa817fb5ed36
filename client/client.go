// Package client asks a Tasuki node: its native API below /api/v1/, over HTTP. It holds the shapes of the API's answers, which
// the node itself uses, and one method per question.
//
//	c, err := client.New("http://localhost:8080", client.Options{})
//	for hit, err := range c.Search(ctx, client.Query{Q: "vendor:jetbrains severity>=high"}) { … }
//
// An answer that is a problem (RFC 9457) is returned as a *Problem. A Client may be used by many goroutines at once.
// The package imports the standard library and github.com/go-json-experiment/json, nothing else.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Prefix is the path of the API on a node.
const Prefix = "/api/v1/"

// Client asks one node.
type Client struct {
	base  string
	http  *http.Client
	agent string
	retry time.Duration
}

// Options are what a caller may want to have otherwise. The zero value is fine.
type Options struct {
	// HTTP sends the requests; nil means http.DefaultClient. A Timeout in it would also end Watch and Export: prefer contexts.
	HTTP *http.Client
	// UserAgent names the caller; "" means "tasuki-client".
	UserAgent string
	// Retry is how long Watch waits before it connects again; 0 means two seconds. It doubles, up to a minute, while
	// connecting fails.
	Retry time.Duration
}

// ErrURL means a base URL that is none.
var ErrURL = errors.New("client: the node's URL is not an http or https URL")

// ErrCut means that a stream ended before its end.
var ErrCut = errors.New("client: the answer was cut")

// New returns a client of the node at baseURL, such as "https://cve.example.org".
func New(baseURL string, o Options) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: %q", ErrURL, baseURL)
	}
	c := &Client{base: strings.TrimRight(baseURL, "/"), http: o.HTTP, agent: o.UserAgent, retry: o.Retry}
	if c.http == nil {
		c.http = http.DefaultClient
	}
	if c.agent == "" {
		c.agent = "tasuki-client"
	}
	if c.retry == 0 {
		c.retry = 2 * time.Second
	}
	return c, nil
}

// At is a moment in the life of the list; the zero value is now.
type At struct {
	// Moment is a day ("2024-03-05": all of it, UTC) or an instant (RFC 3339).
	Moment string
	// Size means the list as its first Size leaves tell it, in place of Moment.
	Size int64
	// Clock is "log" (when this list learnt something; the default) or "source" (when its source said so).
	Clock string
}

// Time is the moment t.
func Time(t time.Time) At { return At{Moment: t.UTC().Format(time.RFC3339Nano)} }

// Size is the list as its first n leaves tell it.
func Size(n int64) At { return At{Size: n} }

func (at At) values(v url.Values) url.Values {
	set(v, "at", at.Moment)
	if at.Size != 0 {
		v.Set("size", strconv.FormatInt(at.Size, 10))
	}
	set(v, "clock", at.Clock)
	return v
}

// String is the moment as from= and to= take it.
func (at At) String() string {
	if at.Size != 0 {
		return strconv.FormatInt(at.Size, 10)
	}
	return at.Moment
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// path joins the elements of a path below Prefix, each escaped.
func path(elements ...string) string {
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	return strings.Join(elements, "/")
}

// open sends a question. The caller closes the answer's body; an answer that is not a success is an error.
func (c *Client) open(ctx context.Context, path string, v url.Values, header http.Header) (*http.Response, error) {
	address := c.base + Prefix + path
	if len(v) > 0 {
		address += "?" + v.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", path, err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, fmt.Errorf("client: %s: %w", path, readProblem(resp))
}

// readProblem makes an error of an answer that is not a success; what is in between and speaks no problem details (a proxy)
// becomes one with its status.
func readProblem(resp *http.Response) error {
	p := &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && kind == "application/problem+json" && json.Unmarshal(text, p) == nil {
		return p
	}
	p.Detail = strings.TrimSpace(string(text[:min(len(text), 200)]))
	return p
}

// ask reads a JSON answer.
func ask[T any](ctx context.Context, c *Client, path string, v url.Values) (*T, error) {
	resp, err := c.open(ctx, path, v, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := new(T)
	// Loose in what is inside: records are passed on as they were published, odd ones too.
	err = json.UnmarshalRead(resp.Body, out, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("client: %s: the node's answer: %w", path, err)
	}
	return out, nil
}

// text reads an answer as it came.
func (c *Client) text(ctx context.Context, path string, v url.Values) ([]byte, error) {
	resp, err := c.open(ctx, path, v, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", path, err)
	}
	return raw, nil
}
