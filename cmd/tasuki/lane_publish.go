package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/event"
	"tasuki/internal/lane"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/spec/c2sp"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// errNotDurable means a proof below a checkpoint without the charter's quorum, or of something else.
var errNotDurable = errors.New("the proof does not show the event below a checkpoint with the charter's quorum")

// errNotGiven means a number that the node may still give to somebody else.
var errNotGiven = errors.New("it was not given out, and could be given to somebody else later; assign one first (tasuki node assign)")

// NodePublishCmd is `tasuki node publish`.
type NodePublishCmd struct {
	Dir     string        `arg:"" type:"existingdir" help:"The node's folder."`
	ID      string        `arg:"" optional:"" name:"cve-id" help:"Identifier to publish, or to update. Without it, what waits in the outbox is handed in."`
	File    string        `arg:"" optional:"" type:"path" help:"The record or CNA container, or - for standard input."`
	Reject  bool          `help:"The container says why the identifier is rejected."`
	Offline bool          `help:"Sign and keep it; hand nothing in."`
	Wait    time.Duration `default:"15s" placeholder:"TIME" help:"How long to wait for proofs that what was handed in is durable (default ${default})."`
	Out     string        `type:"path" placeholder:"FILE" help:"Also write the signed event to a file, to be carried or uploaded."`
}

// Run signs, keeps, and hands in what waits.
func (c *NodePublishCmd) Run(ctx context.Context, p *Program) (err error) {
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	client := laneClient()
	if c.ID != "" {
		if err := c.sign(ctx, p, n, client); err != nil {
			return err
		}
	}
	if c.Offline {
		return nil
	}
	return n.drain(ctx, p, client, c.Wait)
}

func (c *NodePublishCmd) sign(ctx context.Context, p *Program, n *laneNode, client *http.Client) error {
	if c.File == "" {
		return errors.New("which record? give a FILE, or - for standard input")
	}
	d, err := p.readDocument(c.File, false, n.Short)
	if err != nil {
		return err
	}
	if d.id != "" && d.id != c.ID {
		return fmt.Errorf("%s: %w: /cveMetadata/cveId is not %s", d.file, errDocument, c.ID)
	}
	if (d.kind == schema.CNARejected) != c.Reject {
		return fmt.Errorf("%s: %w: rejectedReasons and --reject come together", d.file, errDocument)
	}
	if c.Offline {
		client = nil
	}
	e, err := n.next(ctx, client, c.ID)
	if err != nil {
		return err
	}
	e.Kind, e.Cont = event.RecordPut, cve.CNA
	if c.Reject {
		e.Kind, e.Cont = event.RecordRejected, ""
	}
	body, err := program.SignedBody(d.container, n.Org, n.Short)
	if err != nil {
		return err
	}
	sub, err := n.seal(e, body)
	if err != nil {
		return err
	}
	raw, err := sub.Marshal()
	if err != nil {
		return err
	}
	if err := n.outbox.Put(sub.Hash(), raw); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s signed, event %s\n", c.ID, eventName(sub.Hash()))
	if c.Out != "" {
		return os.WriteFile(c.Out, raw, 0o600)
	}
	return nil
}

// seal binds a body to an event, and signs it with the key that speaks for the identifier.
func (n *laneNode) seal(e *event.Event, body []byte) (*event.Submission, error) {
	key, err := n.signerOf(e.ID)
	if err != nil {
		return nil, err
	}
	return event.Seal(n.env.Rand, e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
}

// next is the event that the node says about an identifier next: after its own that waits; else as the list says, which may have heard
// of the identifier from elsewhere; else, where nobody can be asked, after its own that was sent, or as the first of a number of its
// blocks. Without a client, the list is not asked.
func (n *laneNode) next(ctx context.Context, client *http.Client, id string) (*event.Event, error) {
	now := n.now().UTC().Truncate(time.Millisecond)
	e := &event.Event{At: now, By: n.Org, List: n.laneConfig.List, ID: id, DV: schema.Current}
	waiting, err := n.outbox.Waiting()
	if err == nil {
		e.Prev, err = newest(waiting, id)
	}
	if err != nil || e.Prev != "" {
		return e, err
	}
	known, asked := n.ask(ctx, client, id)
	if asked == nil && !known.First {
		e.Prev = known.Prev
		return e, nil
	}
	sent, err := n.outbox.Sent()
	if err == nil {
		e.Prev, err = newest(sent, id)
	}
	if err != nil || e.Prev != "" {
		return e, err
	}
	e.Short = n.Short
	for _, b := range n.journal.Blocks() {
		if (&event.Event{Year: b.Year, First: b.First, Last: b.Last}).Covers(id) {
			if c, err := cve.ParseID(id); err == nil && n.journal.MayGive(int64(c.Year), int64(c.Number)) {
				return nil, fmt.Errorf("%s: %w", id, errNotGiven)
			}
			e.Reserved = n.assigned(id, now)
			return e, nil
		}
	}
	if asked != nil {
		return nil, fmt.Errorf("%s is no number of this node, and the list cannot be asked about it: %w", id, asked)
	}
	e.Org = known.Org
	if e.Reserved, err = time.Parse(ledger.TimeFormat, known.Reserved); err != nil {
		return nil, fmt.Errorf("%s: the list does not say since when it is reserved", id)
	}
	return e, nil
}

// newest is the hash of the newest of these events about an identifier, "" when there is none.
func newest(items []lane.Item, id string) (string, error) {
	follows, hashes := map[string]bool{}, []string{}
	for _, item := range items {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil {
			return "", fmt.Errorf("event %s: %w", item.Name(), err)
		}
		if e.ID == id {
			follows[e.Prev] = true
			hashes = append(hashes, item.Name())
		}
	}
	for _, h := range hashes {
		if !follows[h] {
			return h, nil
		}
	}
	return "", nil
}

// assigned is when the node gave an identifier out; now for one that it has no account of.
func (n *laneNode) assigned(id string, now time.Time) time.Time {
	at := now
	n.journal.Given(func(g lane.Given, numbers []lane.Number) {
		for _, num := range numbers {
			if num.ID == id {
				at = g.At
			}
		}
	})
	return at
}

func (n *laneNode) ask(ctx context.Context, client *http.Client, id string) (next relay.Next, err error) {
	if client == nil {
		return next, errors.New("nobody is asked offline")
	}
	var failed []error
	for _, u := range n.servers() {
		var raw []byte
		var err error
		if raw, err = ask(ctx, client, http.MethodGet, u+"/events/next/"+url.PathEscape(id)+"?cont=cna&org="+url.QueryEscape(n.Org), nil); err == nil {
			if err = json.Unmarshal(raw, &next); err == nil && next.List != n.laneConfig.List {
				err = charter.ErrOtherList
			}
		}
		if err == nil {
			return next, nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", u, err))
	}
	if len(failed) == 0 {
		return next, errors.New("no server is known")
	}
	return next, errors.Join(failed...)
}

// drain hands in what waits, oldest event first, to the operator that the newest valid charter names, and lets go of what is proved to
// be durable. What is refused, and what nobody answers for, waits on.
func (n *laneNode) drain(ctx context.Context, p *Program, client *http.Client, wait time.Duration) error {
	waiting, err := n.outbox.Waiting()
	if err != nil || len(waiting) == 0 {
		return err
	}
	if err := n.learn(ctx, client); err != nil {
		return fmt.Errorf("%d events wait on: %w", len(waiting), err)
	}
	order, err := inOrder(waiting)
	if err != nil {
		return err
	}
	servers := n.servers()
	leaves, refused := map[[32]byte]int64{}, 0
	for _, item := range order {
		got, err := submit(ctx, client, servers, item.Submission)
		var answer *statusError
		switch {
		case errors.As(err, &answer):
			refused++
			fmt.Fprintf(p.Stderr, "%s refused: %v\n", eventName(item.Hash), answer)
			continue
		case err != nil:
			return fmt.Errorf("nobody takes events now; what was not taken waits on: %w", err)
		}
		leaves[item.Hash] = got.Leaf
		if got.Receipt != "" {
			if err := n.outbox.Promised(item.Hash, []byte(got.Receipt)); err != nil {
				return err
			}
		}
	}
	proved, err := n.await(ctx, client, servers, order, leaves, wait)
	for _, item := range proved {
		fmt.Fprintf(p.Stdout, "%s durable at leaf %d\n", eventName(item.Hash), leaves[item.Hash])
	}
	left := len(leaves) - len(proved)
	switch {
	case err != nil:
		return err
	case left > 0:
		fmt.Fprintf(p.Stderr, "%d events were taken and are not durable yet; they wait in the outbox: run this again\n", left)
	}
	if refused > 0 {
		fmt.Fprintf(p.Stderr, "what is refused waits on; what never will be taken: tasuki node outbox %s --drop EVENT\n", n.Path())
		return exitError{exitSomeRefused}
	}
	return nil
}

// inOrder sorts events so that each comes after the one that it follows.
func inOrder(items []lane.Item) ([]lane.Item, error) {
	prev := map[[32]byte]string{}
	at := map[[32]byte]time.Time{}
	byName := map[string]bool{}
	for _, item := range items {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", item.Name(), err)
		}
		prev[item.Hash], at[item.Hash], byName[item.Name()] = e.Prev, e.At, true
	}
	var out []lane.Item
	for len(out) < len(items) {
		best := -1
		for i, item := range items {
			if byName[item.Name()] && !byName[prev[item.Hash]] && (best < 0 || at[item.Hash].Before(at[items[best].Hash])) {
				best = i
			}
		}
		if best < 0 {
			return nil, errors.New("events in the outbox follow each other in a circle")
		}
		out = append(out, items[best])
		delete(byName, items[best].Name())
	}
	return out, nil
}

// submit hands an event to the first server that answers for it: the operator that the newest valid charter names; else, for a charter
// may name a place that cannot be reached from here, whoever is known. It may be handed to any number of them: it is one leaf, and
// arrived when the quorum says so. A *statusError is what an operator says of the event itself.
func submit(ctx context.Context, client *http.Client, servers []string, submission []byte) (got relay.Accepted, err error) {
	var failed []error
	for _, u := range servers {
		raw, err := ask(ctx, client, http.MethodPost, u+"/events", bytes.NewReader(submission))
		if err == nil {
			return got, json.Unmarshal(raw, &got)
		}
		var answer *statusError
		if errors.As(err, &answer) && !answer.elsewhere() {
			return got, answer
		}
		failed = append(failed, fmt.Errorf("%s: %v", u, err))
	}
	return got, errors.Join(failed...)
}

// elsewhere says that the answer is the server's and not about what was asked: it takes no events, or not now.
func (e *statusError) elsewhere() bool {
	return e.Code >= 500 || e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed || e.Code == http.StatusTooManyRequests
}

// await asks for proofs until all are there or the time is over, and lets go of what is proved.
func (n *laneNode) await(ctx context.Context, client *http.Client, servers []string, items []lane.Item, leaves map[[32]byte]int64, wait time.Duration) (proved []lane.Item, err error) {
	over, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	done := map[[32]byte]bool{}
	for {
		for _, item := range items {
			leaf, taken := leaves[item.Hash]
			if !taken || done[item.Hash] {
				continue
			}
			for _, u := range servers {
				proof, err := ask(ctx, client, http.MethodGet, u+"/log/"+strconv.FormatInt(leaf, 10)+".tlog-proof", nil)
				if err != nil {
					continue
				}
				err = n.outbox.Arrived(item.Hash, proof, n.durable)
				if err == nil {
					done[item.Hash] = true
					proved = append(proved, item)
					break
				}
				if !errors.Is(err, errNotDurable) {
					return proved, err
				}
			}
		}
		if len(done) == len(leaves) || over.Err() != nil {
			return proved, nil
		}
		select {
		case <-ctx.Done():
			return proved, context.Cause(ctx)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// durable says that a proof shows an event in this list, below a checkpoint with the quorum of a charter of the chain.
func (n *laneNode) durable(hash [32]byte, _, proof []byte) error {
	part, err := n.prove(proof)
	if err != nil {
		return err
	}
	if ledger.EventHash(part.Leaf.Event) != hash {
		return fmt.Errorf("%w: it is of another event", errNotDurable)
	}
	return nil
}

// prove verifies a proof of one leaf against the chain that this node holds, quorum and all.
func (n *laneNode) prove(proof []byte) (part ledger.VerifiedPart, err error) {
	bad := func(err error) (ledger.VerifiedPart, error) { return part, fmt.Errorf("%w: %w", errNotDurable, err) }
	v, err := ledger.VerifyProof(proof, ledger.ProofOptions{Trust: AllowTest{AllowTest: true}.trustChain, ListID: n.laneConfig.List})
	if err != nil {
		return bad(err)
	}
	files, err := c2sp.ParseProofs(proof, 1)
	if err != nil || len(v.Parts) != 1 {
		return bad(errors.Join(err, errors.New("not the proof of one leaf")))
	}
	part = v.Parts[0]
	docs := n.documents()
	if len(docs) == 0 {
		return bad(errors.New("the charters of the list are not here yet"))
	}
	for _, d := range docs {
		if d.Origin() != part.Checkpoint.Origin {
			continue
		}
		q, err := continuity.QuorumOf(d)
		if err != nil {
			return bad(err)
		}
		if verdict := q.Check(files[0].Checkpoint); verdict.OK() {
			return part, nil
		}
	}
	return bad(errors.New("no quorum"))
}
