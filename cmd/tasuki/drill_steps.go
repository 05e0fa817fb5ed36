package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"tasuki/internal/charter"
	"tasuki/spec/c2sp"
)

// drillShift is what works in the background: readers all the time, authors until everything is handed in.
type drillShift struct {
	readers, working sync.WaitGroup
	readersEnd       chan struct{}
	authorsEnd       chan struct{}
	opened           time.Time
	lostAt           time.Time
	given            int // identifiers assigned when the operator was lost
	http             *http.Client
	restored         string // new key of the authority that went on with a backup
	copied           bool   // there is a copy of the operator's disk
}

// length of a phase that lasts this many seconds in a drill of one minute.
func (d *drill) length(seconds float64) time.Duration {
	return time.Duration(seconds * d.plan.Minutes * float64(time.Second))
}

// firstQuorum waits until the list is published with its quorum and all mirrors show it, then lets authorities get their numbers.
func (d *drill) firstQuorum(ctx context.Context) error {
	chain, err := d.charters(ctx, d.operator.url())
	if err != nil {
		return err
	}
	d.learn(chain)
	began := wallClock()
	var first c2sp.Checkpoint
	err = d.until(ctx, 3*drillStep, "no quorum", func() (bool, error) {
		cp, counts := d.checkpointOf(ctx, d.http, d.operator.url())
		if counts && cp.Origin == chain.Head().Origin() && cp.Size >= int64(d.plan.Records) {
			first = cp
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, m := range append([]*drillPlace{&d.spare, &d.client}, d.mirrors...) {
		if err := d.reaches(ctx, m, first.Size); err != nil {
			return err
		}
	}
	d.say("%d leaves everywhere, %.1f s after everybody had started", first.Size, time.Since(began).Seconds())
	for _, a := range d.authors {
		if err := a.begin(ctx); err != nil {
			return err
		}
	}
	return d.classic.begin(ctx)
}

// reaches waits until a copy shows so many leaves.
func (d *drill) reaches(ctx context.Context, m *drillPlace, size int64) error {
	return d.until(ctx, 3*drillStep, fmt.Sprintf("%s does not come to %d leaves", m.name, size), func() (bool, error) {
		cp, counts := d.checkpointOf(ctx, d.http, m.url())
		return counts && cp.Size >= size, nil
	})
}

// load lets everybody work until the moment before the loss.
func (d *drill) load(ctx context.Context) error {
	dice := d.dice("load")
	d.shown = append(d.shown, d.drillTruth.began...)
	d.readersEnd, d.authorsEnd = make(chan struct{}), make(chan struct{})
	d.opened = wallClock()
	client := readerClient()
	for i := range drillReaders {
		r := &drillReader{d: d, http: client, dice: d.dice(fmt.Sprintf("reader %d", i))}
		d.readers.Go(func() { r.work(ctx, d.readersEnd) })
	}
	d.readers.Go(func() { d.discover(ctx, d.readersEnd) })
	d.readers.Go(func() { d.watch(ctx, d.readersEnd) })
	for _, a := range d.authors {
		d.working.Go(func() { a.work(ctx, d.authorsEnd) })
	}
	d.working.Go(func() { d.classic.work(ctx, d.authorsEnd) })
	long := d.length(10 + 10*dice.Float64())
	if err := pause(ctx, time.Duration(float64(long)*(0.2+0.6*dice.Float64()))); err != nil {
		return err
	}
	if err := d.authors[0].backUp(); err != nil {
		return err
	}
	left := time.Until(d.opened.Add(long))
	if err := pause(ctx, max(0, time.Duration(float64(left)*dice.Float64()))); err != nil {
		return err
	}
	if err := d.copyOperator(); err != nil {
		return err
	}
	return pause(ctx, max(200*time.Millisecond, time.Until(d.opened.Add(long))))
}

// lose kills the operator while publications are under way, and removes its disk; where the drill says so, a mirror's too.
func (d *drill) lose(ctx context.Context) error {
	dice := d.dice("loss")
	sent, back := d.classic.rush(ctx)
	select {
	case <-sent:
	case <-time.After(drillStart):
		return errors.New("no publication reached the operator")
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := pause(ctx, time.Duration(dice.IntN(20))*time.Millisecond); err != nil {
		return err
	}
	d.operator.process.kill()
	d.killed.Store(true)
	d.lostAt = wallClock()
	d.report.InFlight = back()
	if !d.copied {
		if err := copyDrillDir(d.operator.dir, d.path("zombie")); err != nil {
			return err
		}
	}
	d.drillTruth.mu.Lock()
	d.given = len(d.drillTruth.assigned)
	d.drillTruth.mu.Unlock()
	d.appoint(dice)
	if d.lost != nil {
		d.lost.process.kill()
		d.say("%s is lost too", d.lost.name)
		if err := errors.Join(os.RemoveAll(d.lost.dir), os.Remove(d.lost.key)); err != nil {
			return err
		}
	}
	_ = os.Remove(d.operator.dir + ".highwater") // it stood on the same disk
	return os.RemoveAll(d.operator.dir)
}

// appoint draws who is lost, who hears of the board's charter first, and who is to be the successor.
func (d *drill) appoint(dice *rand.Rand) {
	order := dice.Perm(len(d.mirrors))
	d.successor, d.handed = d.mirrors[order[0]], d.mirrors[order[1]]
	if d.alsoMirror {
		d.lost = d.mirrors[order[2]]
	}
}

// without lets time go by without an operator. An authority loses its machine, too, and goes on with a backup.
func (d *drill) without(ctx context.Context) (err error) {
	end := wallClock().Add(d.length(10))
	if d.restored, err = d.authors[0].restore(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Until(end)); err != nil {
		return err
	}
	d.drillTruth.mu.Lock()
	d.report.Offline = len(d.drillTruth.assigned) - d.given
	d.drillTruth.mu.Unlock()
	return nil
}

// succeed is the board's act and the successor's: a charter that one mirror is given, gossip, a new epoch, the private facts out of escrow.
func (d *drill) succeed(ctx context.Context) error {
	chain, key := d.path("chain.charters"), d.path("log3.key")
	raw, err := d.here(ctx, "charter", "chain", "--raw", d.handed.url())
	if err == nil {
		err = os.WriteFile(chain, []byte(raw), 0o600)
	}
	if err != nil {
		return err
	}
	logKey, err := d.here(ctx, "charter", "log-key", "--from", chain, "--slug", "second", key)
	if err != nil {
		return err
	}
	if _, err := d.here(ctx, "charter", "draft", "--from", chain, d.path("draft3.json"), "--operator-slug", "second", "--operator-url", d.successor.url(),
		"--log-key", strings.TrimSpace(logKey), "--remove-mirror", d.successor.name+".example/drill", "--mirror", d.spare.vkey+","+d.spare.url(),
		"--reason", "the operator is gone"); err != nil {
		return err
	}
	if err := d.sign(ctx, 3, chain, d.deciding(d.dice("board of charter 3"))); err != nil {
		return err
	}
	signed, err := os.ReadFile(d.path("charter3.json"))
	if err != nil {
		return err
	}
	began := wallClock()
	d.report.Seconds.KillToCharter = tenths(began.Sub(d.lostAt))
	if err := d.handIn(ctx, d.handed.url(), signed); err != nil {
		return err
	}
	next, err := charter.Parse(signed)
	if err != nil {
		return err
	}
	if err := d.until(ctx, drillStep, "the successor does not hear of the charter", func() (bool, error) {
		_, _, err := drillGet(ctx, d.http, d.successor.url()+"/charter/"+next.FileName())
		return err == nil, nil
	}); err != nil {
		return err
	}
	heard := wallClock()
	if err := d.extend(next); err != nil {
		return err
	}
	d.successor.process.stop()
	stopped := wallClock()
	promoted, err := d.tasuki(ctx, "--data", d.successor.dir, "--log-level", "warn", "promote", "--json", "--key", key, "--escrow-key", d.escrow, "--wait", "60s")
	if err != nil {
		return err
	}
	opened := wallClock()
	sum, err := readDrillJSON[PromoteSummary](promoted)
	if err != nil {
		return err
	}
	d.report.HandoverSize = sum.Size
	d.report.Seconds.CharterToOpen = tenths(opened.Sub(began))
	if d.successor.process, err = d.start(ctx, "successor", "--data", d.successor.dir, "--log-level", "info", "serve", "--listen", d.successor.addr); err != nil {
		return err
	}
	started := wallClock()
	if err := d.until(ctx, drillStep, "the successor gets no quorum", func() (bool, error) {
		cp, counts := d.checkpointOf(ctx, d.http, d.successor.url())
		return counts && cp.Origin == next.Origin(), nil
	}); err != nil {
		return err
	}
	d.report.Seconds.OpenToFirstQuorum = tenths(time.Since(opened))
	d.report.Seconds.CharterToFirstQuorum = tenths(time.Since(began))
	d.say("charter heard of after %.2f s, stopped %.2f, opened %.2f, serving %.2f, quorum %.2f", heard.Sub(began).Seconds(), stopped.Sub(began).Seconds(),
		opened.Sub(began).Seconds(), started.Sub(began).Seconds(), d.report.Seconds.CharterToFirstQuorum)
	d.moved(d.successor.url())
	if err := d.classic.after(ctx, d.successor.url()); err != nil {
		return err
	}
	a := d.authors[0]
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.granted(ctx, d.successor.dir, d.restored)
}

// handIn gives a signed charter to one server.
func (d *drill) handIn(ctx context.Context, base string, signed []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/charter", bytes.NewReader(signed))
	if err != nil {
		return err
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusCreated {
		said, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return errors.Join(fmt.Errorf("the charter is not taken: %d %s", resp.StatusCode, said), err)
	}
	return nil
}

// extend checks the board's charter against the chain, as everybody does.
func (d *drill) extend(next *charter.Document) error {
	longer, err := d.chain.Load().With(next)
	switch {
	case errors.Is(err, charter.ErrKnown):
		return nil // a reader has come across it
	case err != nil:
		return err
	}
	d.learn(longer)
	return nil
}

// settle ends the authors' work, and hands in what waits.
func (d *drill) settle(ctx context.Context) error {
	if err := pause(ctx, d.length(5)); err != nil {
		return err
	}
	close(d.authorsEnd)
	d.working.Wait()
	for _, a := range d.authors {
		if err := a.drain(ctx); err != nil {
			d.report.fail("%v", err)
		}
		waiting, err := a.waiting(ctx)
		if err != nil {
			return err
		}
		d.report.MissingAfterDrain += len(waiting)
	}
	close(d.readersEnd)
	d.readers.Wait()
	d.report.ReadsPerSecond = float64(int(10*float64(d.reads.Load())/time.Since(d.opened).Seconds())) / 10
	return ctx.Err()
}
