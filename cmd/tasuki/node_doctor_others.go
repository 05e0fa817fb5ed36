package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// How long somebody may take to answer the doctor, and how far clocks may be off.
const (
	doctorPatience = 8 * time.Second
	skewWarn       = 5 * time.Second
	skewFail       = escrowSkew // a mirror's requests are not taken beyond
)

// heard is what another copy says of itself.
type heard struct {
	skew      time.Duration
	charters  []string // file names
	published int64
	err       error
}

// visitor asks others on behalf of a node.
type visitor struct {
	*node
	http *http.Client
}

// lookAtOthers asks everybody that the charter names, all at once.
func (n *node) lookAtOthers(ctx context.Context, out *doctorAnswer) {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	head := n.chain.Head()
	c := head.Charter()
	q, err := continuity.QuorumOf(head)
	if err != nil {
		out.say(levelFail, "charter", "ask the board for the next one", "its quorum cannot be read: %v", err)
		return
	}
	visit := visitor{n, n.httpClient()}
	defer visit.http.CloseIdleConnections()
	var looks []func() doctorAnswer
	add := func(look func(*doctorAnswer)) {
		looks = append(looks, func() (part doctorAnswer) { look(&part); return part })
	}
	for _, name := range c.Names {
		add(func(part *doctorAnswer) { lookAtName(ctx, part, name, c.Operator.URL) })
	}
	own := n.ownURL()
	if n.role != nil {
		add(func(part *doctorAnswer) { visit.lookAtCopy(ctx, part, "operator", c.Operator.Slug, c.Operator.URL) })
	}
	for _, m := range q.Mirrors() {
		if m.URL != own {
			add(func(part *doctorAnswer) { visit.lookAtCopy(ctx, part, "mirror", m.Name, m.URL) })
		}
	}
	votes := map[string]time.Time{}
	if cp := n.checkpoint.Load(); cp != nil {
		v := q.Check(cp.Note)
		for _, vote := range append(v.Mirrors, v.Witnesses...) {
			votes[vote.VKey] = vote.At
		}
	}
	for _, w := range q.Witnesses() {
		add(func(part *doctorAnswer) { visit.lookAtWitness(ctx, part, w, votes[w.VKey]) })
	}
	parts := make([]doctorAnswer, len(looks))
	var asked sync.WaitGroup
	for i, look := range looks {
		asked.Go(func() { parts[i] = look() })
	}
	asked.Wait()
	for _, part := range parts {
		out.Findings = append(out.Findings, part.Findings...)
	}
}

// lookAtName checks that a name of the charter leads to the operator.
func lookAtName(ctx context.Context, out *doctorAnswer, name, operator string) {
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		out.say(levelFail, "name", "whoever holds the name for the board must let it point to the operator", "%s does not resolve", name)
		return
	}
	u, err := url.Parse(operator)
	if err != nil || u.Hostname() == "" {
		out.ok("name", "%s points to %s", name, strings.Join(addresses, ", "))
		return
	}
	of, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
	if err == nil && !slices.ContainsFunc(addresses, func(a string) bool { return slices.Contains(of, a) }) {
		out.say(levelWarn, "name", "see whether it is a proxy of the operator's; else let it point to the operator", "%s points to %s, the operator %s to %s", name,
			strings.Join(addresses, ", "), u.Hostname(), strings.Join(of, ", "))
		return
	}
	out.ok("name", "%s points to the operator, %s", name, strings.Join(addresses, ", "))
}

// lookAtCopy asks another copy for its charters and what it publishes.
func (n visitor) lookAtCopy(ctx context.Context, out *doctorAnswer, role, name, base string) {
	who := fmt.Sprintf("%s (%s)", name, base)
	h := n.hear(ctx, base)
	if h.err != nil {
		out.say(levelFail, role, "see whether it runs and whether the address is right", "%s does not answer as a copy of the list", who)
		return
	}
	head := n.chain.Head()
	newest, beside := int64(0), 0
	for _, file := range h.charters {
		v, err := strconv.ParseInt(strings.SplitN(file, "-", 2)[0], 10, 64)
		if err != nil {
			continue
		}
		newest = max(newest, v)
		if v == head.Charter().V && file != head.FileName() {
			beside++
		}
	}
	text := fmt.Sprintf("%s: charter %d, %s leaves published", who, newest, thousands(h.published))
	mine := int64(0)
	if cp := n.checkpoint.Load(); cp != nil {
		mine = cp.Size
	}
	switch {
	case beside > 0:
		out.say(levelFail, role, "ask the board which of the two is meant", "%s; it holds another charter %d than this copy", text, head.Charter().V)
	case newest > head.Charter().V:
		out.say(levelWarn, role, "this copy takes it in by itself while it runs; an operator is no longer the list's if it opens an epoch",
			"%s; that charter is newer than this copy's", text)
	case newest < head.Charter().V:
		out.say(levelWarn, role, "hand the charter to it (tasuki charter publish --server)", "%s; that charter is older than this copy's", text)
	case h.published < mine:
		out.say(levelWarn, role, "it catches up by itself; if not, its \"mirror status\" says why", "%s, %s fewer than here", text, thousands(mine-h.published))
	default:
		out.ok(role, "%s", text)
	}
	out.skew(who, h.skew)
}

func (a *doctorAnswer) skew(who string, skew time.Duration) {
	level := levelWarn
	if skew.Abs() > skewFail {
		level = levelFail
	}
	if skew.Abs() > skewWarn {
		a.say(level, "clock", "set both clocks by NTP", "that of %s is %s off from here", who, skew.Round(time.Second))
	}
}

// lookAtWitness sees whether a witness is there. Witnesses answer one kind of request only, so any answer will do.
func (n visitor) lookAtWitness(ctx context.Context, out *doctorAnswer, w continuity.Party, voted time.Time) {
	last := "it has not cosigned the newest checkpoint"
	if !voted.IsZero() {
		last = "it cosigned the newest checkpoint at " + stampText(voted)
	}
	if w.URL == "" {
		out.ok("witness", "%s comes by itself; %s", w.Name, last)
		return
	}
	_, skew, err := n.askFor(ctx, w.URL, 64<<10)
	var status answerStatus
	if err != nil && !errors.As(err, &status) {
		out.say(levelFail, "witness", "see whether it runs and whether the address in the policy is right", "%s (%s) does not answer; %s", w.Name, w.URL, last)
		return
	}
	out.ok("witness", "%s (%s) answers; %s", w.Name, w.URL, last)
	out.skew(w.Name, skew)
}

// answerStatus is an answer without content.
type answerStatus int

func (s answerStatus) Error() string { return "status " + strconv.Itoa(int(s)) }

// askFor reads what is at an address, and how far the clock there is ahead: to the second, as the Date of an answer has it.
func (n visitor) askFor(ctx context.Context, address string, limit int64) (body []byte, skew time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		skew = at.Add(500 * time.Millisecond).Sub(n.now())
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = answerStatus(resp.StatusCode)
	}
	return body, skew, err
}

func (n visitor) hear(ctx context.Context, base string) (h heard) {
	base = strings.TrimRight(base, "/")
	raw, skew, err := n.askFor(ctx, base+"/charter/", 4<<20)
	var list struct {
		Charters []string `json:"charters"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err == nil && !slices.Contains(list.Charters, "/charter/"+n.chain.Genesis().FileName()) {
		err = charter.ErrOtherList
	}
	if err != nil {
		return heard{err: err}
	}
	h.skew = skew
	for _, path := range list.Charters {
		h.charters = append(h.charters, strings.TrimPrefix(path, "/charter/"))
	}
	raw, _, err = n.askFor(ctx, base+"/checkpoint", 64<<10)
	var status answerStatus
	if errors.As(err, &status) {
		return h // nothing is published there yet
	}
	if err != nil {
		return heard{err: err}
	}
	// What counts under no charter that is known here is not a size to compare with.
	for _, d := range slices.Backward(n.chain.Documents()) {
		if v, err := countedBy(n.chain, d.Origin(), raw); err == nil {
			h.published = v.Checkpoint.Size
			break
		}
	}
	return h
}
