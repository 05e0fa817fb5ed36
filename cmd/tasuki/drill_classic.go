package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tasuki/internal/edge/serve/relay"
)

// drillClassic is an authority that has no keys: it signs in to the operator's API with a secret, as CNAs' tools do.
type drillClassic struct {
	d              *drill
	org, user, key string
	http           *http.Client
	dice           *rand.Rand

	mu    sync.Mutex
	held  []string // reserved before the loss and left alone until a successor is there
	spare []string // reserved for the moment of the loss
	texts int
}

func newDrillClassic(d *drill, org, user, key string) *drillClassic {
	return &drillClassic{d: d, org: org, user: user, key: key, http: &http.Client{Timeout: 20 * time.Second}, dice: d.dice(org)}
}

// errDrillAnswer is an answer of the API that is no success.
type errDrillAnswer struct {
	status int
	body   string
}

func (e *errDrillAnswer) Error() string { return fmt.Sprintf("%d: %.300s", e.status, e.body) }

// call asks the API. durable says that the answer was acknowledged as such.
func (c *drillClassic) call(ctx context.Context, method, address string, body []byte, into any) (durable bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("CVE-API-ORG", c.org)
	req.Header.Set("CVE-API-USER", c.user)
	req.Header.Set("CVE-API-KEY", c.key)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return false, err
	}
	if resp.StatusCode/100 != 2 {
		return false, &errDrillAnswer{resp.StatusCode, string(raw)}
	}
	ack := resp.Header.Get(relay.Header)
	if strings.HasPrefix(ack, "local") {
		c.d.drillTruth.promised.Add(1)
	}
	if into != nil {
		err = json.Unmarshal(raw, into)
	}
	return ack == "durable", err
}

// reserve asks the server at base for identifiers. Those that are told are given: they may never be given again.
func (c *drillClassic) reserve(ctx context.Context, base string, n int) (ids []string, err error) {
	before := !c.d.killed.Load()
	var got struct {
		IDs []struct {
			ID string `json:"cve_id"`
		} `json:"cve_ids"`
	}
	q := url.Values{"amount": {fmt.Sprint(n)}, "cve_year": {fmt.Sprint(c.d.program.Now().UTC().Year())}, "short_name": {c.org}}
	if n > 1 {
		q.Set("batch_type", "sequential")
	}
	durable, err := c.call(ctx, http.MethodPost, base+"/api/cve-id?"+q.Encode(), nil, &got)
	if err != nil {
		return nil, err
	}
	for _, one := range got.IDs {
		c.d.drillTruth.assign(one.ID, c.org)
		if durable {
			c.d.drillTruth.ack(drillWrite{id: one.ID, reservation: true, leaf: -1, before: before})
		}
		ids = append(ids, one.ID)
	}
	if !durable {
		err = errors.New("a reservation was told that is not durable")
	}
	return ids, err
}

// publish hands in a container for an identifier, the first or a later one.
func (c *drillClassic) publish(ctx context.Context, base, method, id string) (durable bool, err error) {
	c.mu.Lock()
	c.texts++
	text := fmt.Sprintf("The flaw of %s, said for the %dth time.", id, c.texts)
	c.mu.Unlock()
	durable, err = c.call(ctx, method, base+"/api/cve/"+id+"/cna", []byte(`{"cnaContainer":{`+drillContainer(text)+"}}"), nil)
	if durable {
		c.d.drillTruth.ack(drillWrite{id: id, text: text, leaf: -1, before: !c.d.killed.Load()})
	}
	return durable, err
}

// begin reserves what is kept for later.
func (c *drillClassic) begin(ctx context.Context) (err error) {
	if c.held, err = c.reserve(ctx, *c.d.at.Load(), 3); err != nil {
		return err
	}
	c.d.report.ReservedBeforeLoss = len(c.held)
	c.spare, err = c.reserve(ctx, *c.d.at.Load(), drillInFlight)
	return err
}

// work reserves, publishes and updates at random moments until it is asked to end. Where the operator does not answer it tries again, as people do.
func (c *drillClassic) work(ctx context.Context, end <-chan struct{}) {
	var free, published []string
	for goesOn(ctx, end, time.Duration(50+c.dice.IntN(500))*time.Millisecond) {
		base := *c.d.at.Load()
		switch what := c.dice.IntN(10); {
		case len(free) == 0 || what < 3:
			ids, err := c.reserve(ctx, base, 1+c.dice.IntN(3))
			c.odd(ctx, err)
			free = append(free, ids...)
		case len(published) > 0 && what == 9:
			_, err := c.publish(ctx, base, http.MethodPut, published[c.dice.IntN(len(published))])
			c.odd(ctx, err)
		default:
			i := c.dice.IntN(len(free))
			_, err := c.publish(ctx, base, http.MethodPost, free[i])
			c.odd(ctx, err)
			if err == nil {
				published = append(published, free[i])
				free = slices.Delete(free, i, i+1)
			} else if answer := (*errDrillAnswer)(nil); errors.As(err, &answer) && answer.status < 500 {
				free = slices.Delete(free, i, i+1) // it had got through after all
			}
		}
	}
}

// odd keeps an answer that an operator should not have given. That nobody answers, or not in time, is what a loss looks like; and whoever did not
// hear that a write got through is told when they try again.
func (c *drillClassic) odd(ctx context.Context, err error) {
	var answer *errDrillAnswer
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.As(err, &answer) && (answer.status == http.StatusServiceUnavailable || strings.Contains(answer.body, "CVE_RECORD_EXISTS")):
	case errors.As(err, &answer), !isNetwork(err):
		c.d.report.fail("classic authority: %v", err)
	}
}

func isNetwork(err error) bool {
	var u *url.Error
	return errors.As(err, &u) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// drillInFlight is how many publications are under way when the operator is killed.
const drillInFlight = 4

// rush publishes what was kept for it, all at once. The first channel closes when one request is with the operator; the second is closed when all
// have come back, in which way ever. unanswered counts those without an answer.
func (c *drillClassic) rush(ctx context.Context) (sent <-chan struct{}, wait func() (unanswered int)) {
	wrote := make(chan struct{})
	var once sync.Once
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { once.Do(func() { close(wrote) }) }})
	base, left := *c.d.at.Load(), make(chan bool, len(c.spare))
	for _, id := range c.spare {
		go func() {
			_, err := c.publish(ctx, base, http.MethodPost, id)
			left <- err != nil && isNetwork(err)
		}()
	}
	return wrote, func() (n int) {
		for range c.spare {
			if <-left {
				n++
			}
		}
		return n
	}
}

// after is what the authority finds at the successor: its secret opens the door, what it had reserved is its own, and can be published.
func (c *drillClassic) after(ctx context.Context, base string) error {
	for _, id := range c.held {
		var got struct {
			State string `json:"state"`
			Owner string `json:"owning_cna"`
		}
		if _, err := c.call(ctx, http.MethodGet, base+"/api/cve-id/"+id, nil, &got); err != nil {
			c.d.report.fail("%s at the successor, with the old key: %v", id, err)
			continue
		}
		if got.State == "RESERVED" && got.Owner == c.org {
			c.d.report.EscrowRestored++
		}
	}
	durable, err := c.publish(ctx, base, http.MethodPost, c.held[0])
	if err != nil {
		c.d.report.fail("publish %s at the successor, with the old key: %v", c.held[0], err)
	}
	c.d.report.ClassicPublished = durable
	return ctx.Err()
}
