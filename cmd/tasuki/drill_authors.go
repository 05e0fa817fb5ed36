package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// drillAuthor is an authority with a node of its own: every act is a process, as its people would start one.
type drillAuthor struct {
	d          *drill
	short, org string
	folder     string
	dice       *rand.Rand

	mu        sync.Mutex // held through an act
	free      []string   // assigned, not published
	published []string
	signed    map[string]string // every event in this outbox or sent from it: first 12 digits of its hash → identifier
	lanes     map[int64]bool    // lanes that numbers came from
	texts     int
	problem   error // an act that must not fail did
}

// begin makes the node and has numbers granted to its key. The list is running.
func (a *drillAuthor) begin(ctx context.Context) error {
	init := []string{"node", "init", a.folder, "--list", a.d.list, "--org", a.org, "--short", a.short, "--name", "node-" + a.short, "--url", a.d.operator.url()}
	for _, m := range a.d.mirrors {
		init = append(init, "--url", m.url())
	}
	key, err := a.d.tasuki(ctx, init...)
	if err != nil {
		return err
	}
	a.signed, a.lanes = map[string]string{}, map[int64]bool{}
	return a.granted(ctx, a.d.operator.dir, strings.TrimSpace(key))
}

// granted lets the operator whose data directory this is grant numbers to a key, and takes them in.
func (a *drillAuthor) granted(ctx context.Context, operator, key string) error {
	_, err := a.d.tasuki(ctx, "--data", operator, "--log-level", "error", "authority", "block", "grant", "--org", a.short, "--key", key, "--size", "2000")
	if err != nil {
		return err
	}
	// Only what has the quorum is a grant to a node.
	return a.d.until(ctx, drillStep, a.short+" gets no numbers", func() (bool, error) {
		out, err := a.d.tasuki(ctx, "node", "blocks", a.folder)
		return err == nil && strings.Contains(out, "numbers"), ctx.Err()
	})
}

// work assigns and publishes at random moments until it is asked to end. Whether there is an operator is none of its business.
func (a *drillAuthor) work(ctx context.Context, end <-chan struct{}) {
	for goesOn(ctx, end, time.Duration(50+a.dice.IntN(900))*time.Millisecond) {
		a.mu.Lock()
		err := a.act(ctx)
		if err != nil && ctx.Err() == nil && a.problem == nil {
			a.problem = err
		}
		a.mu.Unlock()
	}
}

// act assigns, publishes or updates. a.mu is held.
func (a *drillAuthor) act(ctx context.Context) error {
	switch what := a.dice.IntN(10); {
	case len(a.free) == 0 || what < 4:
		return a.assign(ctx, 1+a.dice.IntN(3))
	case len(a.published) > 0 && what == 9:
		return a.publish(ctx, a.published[a.dice.IntN(len(a.published))])
	}
	i := a.dice.IntN(len(a.free))
	id := a.free[i]
	a.free = slices.Delete(a.free, i, i+1)
	a.published = append(a.published, id)
	return a.publish(ctx, id)
}

// assign gives numbers out. It works without anybody else, so it never fails.
func (a *drillAuthor) assign(ctx context.Context, n int) error {
	args := []string{"node", "assign", a.folder, "--json", "-n", strconv.Itoa(n)}
	if n > 1 {
		args = append(args, "--batch", []string{"sequential", "non-sequential"}[a.dice.IntN(2)])
	}
	out, err := a.d.tasuki(ctx, args...)
	for line := range strings.Lines(out) {
		var num struct {
			ID   string
			Lane int64
		}
		if json.Unmarshal([]byte(line), &num) == nil {
			a.d.drillTruth.assign(num.ID, a.folder)
			a.free = append(a.free, num.ID)
			a.lanes[num.Lane] = true
		}
	}
	return err
}

// publish signs a container for an identifier and hands in what waits. Only lines that say "durable" count: then the node holds a proof under a
// checkpoint with the quorum.
func (a *drillAuthor) publish(ctx context.Context, id string) error {
	a.texts++
	file := a.d.path(a.short + ".container")
	if err := os.WriteFile(file, []byte("{"+drillContainer(fmt.Sprintf("The flaw of %s, said for the %dth time.", id, a.texts))+"}"), 0o600); err != nil {
		return err
	}
	return a.hand(ctx, "--wait", "5s", a.folder, id, file)
}

// hand runs "node publish" and reads what it says. That nobody takes events now is no failure.
func (a *drillAuthor) hand(ctx context.Context, args ...string) error {
	out, err := a.d.tasuki(ctx, append([]string{"node", "publish"}, args...)...)
	before := !a.d.killed.Load()
	for line := range strings.Lines(out) {
		var id, event string
		var leaf int64
		if n, _ := fmt.Sscanf(line, "%s signed, event %s", &id, &event); n == 2 {
			a.signed[event] = id
		} else if n, _ := fmt.Sscanf(line, "%s durable at leaf %d", &event, &leaf); n == 2 {
			a.d.drillTruth.ack(drillWrite{id: a.signed[event], event: event, leaf: leaf, before: before})
		}
	}
	var failed *errDrillCommand
	if errors.As(err, &failed) && (strings.Contains(failed.stderr, "wait on") || strings.Contains(failed.stderr, "waits on")) {
		return nil
	}
	return err
}

// drain hands in until nothing waits.
func (a *drillAuthor) drain(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.problem != nil {
		return fmt.Errorf("%s: %w", a.short, a.problem)
	}
	return a.d.until(ctx, drillStep, a.short+": events wait on", func() (bool, error) {
		if err := a.hand(ctx, a.folder); err != nil {
			return false, err
		}
		waiting, err := a.waiting(ctx)
		return len(waiting) == 0, err
	})
}

// waiting are the hashes of the events that have no proof yet.
func (a *drillAuthor) waiting(ctx context.Context) (hashes []string, err error) {
	out, err := a.d.tasuki(ctx, "node", "outbox", a.folder, "--json")
	for line := range strings.Lines(out) {
		var item struct{ Event string }
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			return nil, err
		}
		hashes = append(hashes, item.Event)
	}
	return hashes, err
}

// backUp copies the folder, as a backup at night does.
func (a *drillAuthor) backUp() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return copyDrillDir(a.folder, a.folder+".backup")
}

// restore loses the machine and goes on with the backup on another one: the program has to refuse the copy, and after "node restore" to
// give out numbers from other lanes. It returns the new key.
func (a *drillAuthor) restore(ctx context.Context) (key string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What waited on the lost machine is gone with it, and was never said to be durable.
	waiting, err := a.waiting(ctx)
	if err != nil {
		return "", err
	}
	for _, hash := range waiting {
		delete(a.signed, hash[:12])
	}
	if err := os.RemoveAll(a.folder); err != nil {
		return "", err
	}
	used := a.lanes
	a.folder, a.free, a.published, a.lanes = a.folder+".restored", nil, nil, map[int64]bool{}
	if err := copyDrillDir(strings.TrimSuffix(a.folder, ".restored")+".backup", a.folder); err != nil {
		return "", err
	}
	_, err = a.d.tasuki(ctx, "node", "assign", a.folder)
	var failed *errDrillCommand
	a.d.report.CopyRefused = errors.As(err, &failed) && strings.Contains(failed.stderr, "is a copy")
	if key, err = a.d.tasuki(ctx, "node", "restore", a.folder); err != nil {
		return "", err
	}
	if err := a.assign(ctx, 3); err != nil {
		return "", err
	}
	for lane := range a.lanes {
		if used[lane] {
			a.d.report.LanesReused++
		}
	}
	return strings.TrimSpace(key), nil
}
