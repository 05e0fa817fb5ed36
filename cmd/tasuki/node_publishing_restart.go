package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/mirror"
)

// office says whether this node acts as the list's operator now: signs, and takes in what others write. Where a quorum is asked for it begins closed, until
// enough mirrors were heard (continuity C.1), and it ends when the board names another.
type office struct {
	mu   sync.Mutex
	why  string // why it does not; "" while it does
	over bool   // and will not in this process
	news news
}

// state is why the node does not act now, "" when it does, and whether that is for good.
func (o *office) state() (why string, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.why, o.over
}

// close keeps the node from acting until it is opened. One that is over stays so, for the reason that it had first.
func (o *office) close(why string) { o.set(why, false) }

// end closes it for good.
func (o *office) end(why string) { o.set(why, true) }

// open lets the node act, unless that is over.
func (o *office) open() { o.set("", false) }

func (o *office) set(why string, over bool) {
	o.mu.Lock()
	if !o.over {
		o.why, o.over = why, over
	}
	o.mu.Unlock()
	o.news.tell()
}

// admitPatience is how long a write waits for the office to open: a start among mirrors that answer is over before.
const admitPatience = 5 * time.Second

// admit lets a command into the gate, or says why nothing may be written. A command line over a node that does not run writes at once: what it writes is
// signed when the node runs, by the same rule.
func (n *node) admit(ctx context.Context) error {
	patience := time.NewTimer(admitPatience)
	defer patience.Stop()
	for {
		changed := n.office.news.next()
		why, over := n.office.state()
		if why == "" || !over && !n.serving.Load() {
			return nil
		}
		refused := fmt.Errorf("%w: %s", authority.ErrSealed, why)
		if over {
			return refused
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return refused
		case <-changed:
		}
	}
}

// opened waits until the office opens for the first time, and says whether it did before ctx ended.
func (n *node) opened(ctx context.Context) bool {
	for {
		changed := n.office.news.next()
		if why, _ := n.office.state(); why == "" {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// readOnly is why nothing may be written, "" when it may.
func (n *node) readOnly() string {
	if why, _ := n.office.state(); n.sealed == "" {
		return why
	}
	return n.sealed
}

// maySign says whether the log key may be used now.
func (n *node) maySign() bool {
	why, _ := n.office.state()
	return n.signer != nil && why == ""
}

// asksFirst is why a node with mirrors does not sign yet.
const asksFirst = "this operator asks its mirrors before it signs"

// sign lets the signer work once it may, until ctx ends or the office does.
func (n *node) sign(ctx context.Context) error {
	if !n.maySign() {
		if err := n.askMirrors(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			changed := n.office.news.next()
			if _, over := n.office.state(); over {
				cancel()
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
		}
	}()
	if _, over := n.office.state(); over || ctx.Err() != nil {
		return nil
	}
	return n.signer.Run(ctx)
}

// How the mirrors are asked.
const (
	askPatience = 5 * time.Second        // for one answer
	askLate     = 500 * time.Millisecond // for answers beyond those that are enough: more ears hear more
	askPause    = 500 * time.Millisecond // before who did not answer is asked again
	askTold     = time.Minute            // between two complaints
)

// restart is the rule of this operator's start, and what was said.
type restart struct {
	n        *node
	rule     *continuity.Restart
	origin   string
	charter  string
	problems map[string]string // by mirror: why it was not heard
}

// askMirrors waits until the log may be signed: R mirrors were heard, and all that they have seen is here. What is behind them, or differs from what they
// have seen, is named, and the office ends: such a copy is older than the list, or another's.
func (n *node) askMirrors(ctx context.Context) error {
	var nonce [32]byte
	if _, err := io.ReadFull(n.rand, nonce[:]); err != nil {
		return err
	}
	head := n.chain.Head()
	rule, err := continuity.NewRestart(head, hex.EncodeToString(nonce[:]))
	if err != nil {
		return err
	}
	r := &restart{n, rule, n.chain.Opening().Origin(), strings.TrimSuffix(head.FileName(), ".json"), map[string]string{}}
	began, told := n.now(), n.now().Add(-askTold+10*time.Second)
	if err := r.own(ctx); err != nil {
		return err
	}
	for {
		err := r.round(ctx)
		if _, over := n.office.state(); over || ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil:
			n.office.open()
			n.log.InfoContext(ctx, "enough mirrors were heard: this operator signs", "origin", r.origin, "took", n.now().Sub(began))
			return nil
		case errors.Is(err, continuity.ErrBehind), errors.Is(err, continuity.ErrFork):
			n.office.end(fmt.Sprintf("it signs nothing, as this copy is not the list that its mirrors have seen: %v", err))
			n.log.ErrorContext(ctx, "this copy is older than the list, or differs from it: nothing is signed. Bring the newer copy back, or ask the board for a new epoch",
				"origin", r.origin, "err", err)
			return nil
		}
		why := r.unheard(err)
		n.office.close(why)
		if now := n.now(); now.Sub(told) >= askTold {
			told = now
			n.log.WarnContext(ctx, why)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askPause):
		}
	}
}

// unheard says what the start waits for.
func (r *restart) unheard(err error) string {
	var names []string
	for _, m := range r.rule.Ask() {
		why := r.problems[m.Name]
		if why == "" {
			why = "no answer yet"
		}
		names = append(names, m.Name+" ("+why+")")
	}
	return fmt.Sprintf("%s: %v; not heard: %s", asksFirst, err, strings.Join(names, ", "))
}

// own hears this operator's own mirror key, where it has one.
func (r *restart) own(ctx context.Context) error {
	p := r.n.publishing
	if p.own == nil {
		return nil
	}
	statement, seen, err := p.own.Holding(ctx, r.origin, r.rule.Nonce())
	if err == nil {
		_, err = r.rule.Heard(statement, seen)
	}
	return err
}

// round asks those that were not heard, all at once, and says what that came to. When enough are heard it waits a moment for the others, no longer.
func (r *restart) round(ctx context.Context) error {
	type answer struct {
		by   continuity.Party
		held mirror.Held
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	ask := slices.DeleteFunc(r.rule.Ask(), func(m continuity.Party) bool { return m.VKey == r.n.publishing.ownKey })
	answers := make(chan answer, len(ask))
	for _, m := range ask {
		go func() {
			held, err := mirror.NewPeer(m.URL, r.n.publishing.http).Holding(ctx, r.origin, r.rule.Nonce())
			answers <- answer{m, held, err}
		}()
	}
	may := r.may(ctx)
	var enough <-chan time.Time
	for range ask {
		if may == nil && enough == nil {
			enough = time.After(askLate)
		}
		select {
		case <-enough:
			return nil
		case a := <-answers:
			err := a.err
			if err == nil {
				_, err = r.rule.Heard(a.held.Statement, a.held.Seen)
			}
			delete(r.problems, a.by.Name)
			if err != nil {
				r.problems[a.by.Name] = brief(err)
			}
			if a.err == nil && a.held.Charter != r.charter && r.n.replacedBy(ctx, a.by.URL) {
				return nil // the office is over
			}
		}
		if may = r.may(ctx); may != nil && !errors.Is(may, continuity.ErrUnheard) {
			return may
		}
	}
	return may
}

// may asks the rule about the store as it is now: what other nodes of it signed meanwhile is in it.
func (r *restart) may(ctx context.Context) error {
	size, err := r.n.size(ctx)
	if err != nil {
		return err
	}
	return r.rule.MaySign(ctx, r.n.continuity, size)
}

// brief is why a mirror was not heard, in a few words without what it said.
func brief(err error) string {
	var busy *mirror.Busy
	var status *mirror.Status
	switch {
	case errors.Is(err, mirror.ErrAbsent):
		return "it does not know this origin, or has no mirror's key"
	case errors.As(err, &busy), errors.As(err, &status):
		return "it answers with an error"
	case errors.Is(err, continuity.ErrHolding), errors.Is(err, continuity.ErrUnsigned):
		return "its answer is not signed as it should be"
	}
	return "it cannot be reached"
}

// replacedBy looks whether a mirror knows of a charter that ends this node's epoch: then it ends here too, and this says so. One that came back from a disk
// or a backup may have slept through its own succession.
func (n *node) replacedBy(ctx context.Context, url string) bool {
	chain, err := mirror.NewPeer(url, n.publishing.http).Chain(ctx, n.chain.ListID())
	if err != nil {
		return false
	}
	n.handing.Lock()
	defer n.handing.Unlock()
	docs, have := chain.Documents(), n.chain.Documents()
	if len(docs) <= len(have) || docs[len(have)-1].Hash() != have[len(have)-1].Hash() {
		return false
	}
	if i := slices.IndexFunc(docs[len(have):], func(d *charter.Document) bool {
		return d.Charter().Operator.Epoch > n.chain.Head().Charter().Operator.Epoch
	}); i < 0 {
		return false
	}
	for _, d := range docs[len(have):] {
		if err := n.takeOffice(ctx, d); err != nil {
			n.log.ErrorContext(ctx, "charter of a mirror not taken in", "charter", d.Charter().V, "err", err)
			return false
		}
	}
	return true
}

// succeededEvery is how often an operator that gets no quorum asks whether it still is the operator: nobody can be told while it cannot be reached.
const succeededEvery = 10 * time.Second

// lookForSuccessor asks mirrors for a charter that ends this epoch, while something waits for its quorum for longer than usual.
func (n *node) lookForSuccessor(ctx context.Context) error {
	tick := time.NewTicker(succeededEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n.publishing.late(n.now()) < succeededEvery || !n.maySign() {
			continue
		}
		for _, m := range n.publishing.rules.Quorum().Mirrors() {
			ask, cancel := context.WithTimeout(ctx, askPatience)
			over := m.VKey != n.publishing.ownKey && n.replacedBy(ask, m.URL)
			cancel()
			if over {
				return nil
			}
		}
	}
}
