package cveservices

import (
	"errors"
	"net/http"
	"net/netip"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
)

// call is one request on its way to an answer.
type call struct {
	*handler
	w http.ResponseWriter
	r *http.Request

	words  map[string]string // parts of the path by name, and what checked parameters add for messages
	query  query
	body   jsontext.Value // an object or a list
	tree   any            // body as values; see inBody
	caller authority.Caller
	me     authority.Standing // what the caller was when the request came; acts ask again inside the transaction
	wrong  []detail           // failed checks
}

// answer leads the request through its stations, in the order of the reference (§1, §2): the body's size and syntax, who is asking,
// whether they may, then the endpoint with its parameters.
func (c *call) answer(rt *route) {
	if rt.scarce && !c.limit.take(c.w.Header()) {
		tooMany.write(c.w, c.r, nil)
		return
	}
	var bad *problem
	if c.body, bad = readBody(c.r); bad != nil {
		bad.write(c.w, c.r, nil)
		return
	}
	if rt.who != anyone && !c.authenticate(rt.who) {
		return
	}
	for _, may := range rt.may {
		if err := may(&c.me); err != nil {
			if rt.method != http.MethodGet {
				err = c.acts.Deny(c.r.Context(), c.caller, err) // as it would be if the act had refused
			}
			c.fail(err)
			return
		}
	}
	c.query = parseQuery(c.r.URL.RawQuery)
	rt.do(c)
}

// authenticate names the caller by the three headers; false when it has answered.
func (c *call) authenticate(who access) bool {
	var given [3]string
	for i, name := range [...]string{"CVE-API-ORG", "CVE-API-USER", "CVE-API-KEY"} {
		if given[i] = c.r.Header.Get(name); given[i] != "" {
			continue
		}
		if who == either {
			return true
		}
		problem{status: http.StatusBadRequest, code: "BAD_REQUEST", message: "The " + name + " header is required."}.write(c.w, c.r, nil)
		return false
	}
	me, err := c.acts.Enter(c.r.Context(), given[0], given[1], given[2], source(c.r.RemoteAddr))
	if err == nil {
		c.caller, c.me, c.words["me"] = me.Caller, me, me.Org.Short
		return true
	}
	if who == either && errors.Is(err, authority.ErrUnauthorized) {
		return true
	}
	if c.Copy && c.r.Method != http.MethodGet && errors.Is(err, authority.ErrUnauthorized) {
		err = authority.ErrSealed
	}
	c.fail(err)
	return false
}

// source is where a request comes from, for slowing guesses: an address, or the network that one household has in IPv6.
func source(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := at.Addr().Unmap()
	if addr.Is6() {
		if net, err := addr.WithZone("").Prefix(64); err == nil {
			return net.String()
		}
	}
	return addr.String()
}

// fail answers with the problem that an error is; own are the endpoint's readings of errors that the table reads otherwise. What
// nobody knows is logged, and the caller learns nothing of it.
func (c *call) fail(err error, own ...problem) { c.failWith(err, nil, own...) }

// failWith is fail with the member "details".
func (c *call) failWith(err error, details any, own ...problem) {
	p, known := find(err, own)
	if !known && c.r.Context().Err() == nil {
		c.Log.ErrorContext(c.r.Context(), "cve services request not answered", "method", c.r.Method, "path", c.LogPath(c.r.URL.Path), "err", err)
	}
	p.with(c.w, c.r, c.words, details)
}

// refuse answers with a problem that is no error of ours.
func (c *call) refuse(status int, code, message string) {
	problem{status: status, code: code, message: message}.write(c.w, c.r, c.words)
}

// word makes a text that passed its checks known to messages.
func (c *call) word(name, text string) { c.words[name] = text }

// inBody is the body as values, for checks.
func (c *call) inBody() any {
	if c.tree == nil {
		if err := json.Unmarshal(c.body, &c.tree); err != nil {
			c.tree = map[string]any{} // well-formed, but with a number that is none here
		}
	}
	return c.tree
}
