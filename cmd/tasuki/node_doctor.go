package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// doctor looks at everything that this copy of the list depends on: first what is here, then who is elsewhere.
func (n *node) doctor(ctx context.Context, _ struct{}, _ Reporter) (doctorAnswer, error) {
	out := doctorAnswer{Role: "operator", List: n.chain.ListID(), Findings: []finding{}}
	switch {
	case n.role != nil && n.role.Reader:
		out.Role = "client"
	case n.role != nil:
		out.Role = "mirror"
	case n.former():
		out.Role = string(continuity.RoleFormer)
	}
	if n.serving.Load() {
		out.ok("node", "it runs, as the list's %s", out.Role)
	} else {
		out.say(levelWarn, "node", "start it (tasuki serve)", "it does not run; this is what its store says")
	}
	for _, look := range []func(context.Context, *doctorAnswer) error{n.lookAtStore, n.lookAtCharter, n.lookAtKeys, n.lookAtCheckpoint,
		n.lookAtConflicts, n.lookAtBackups} {
		if err := look(ctx, &out); err != nil {
			return out, err
		}
	}
	out.disk(n.dir.Path)
	n.lookAtOthers(ctx, &out)
	return out, nil
}

func (n *node) lookAtStore(ctx context.Context, out *doctorAnswer) error {
	var head ledger.Head
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		head, err = n.ledger.Head(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	out.ok("store", "%s, %s leaves", n.db.Engine(), thousands(head.Size))
	if ahead := time.UnixMilli(head.Time).Sub(n.now()); head.Size > 0 && ahead > time.Minute {
		out.say(levelFail, "clock", "set this machine's clock", "it is %s behind the newest entry of the log", ahead.Round(time.Second))
	}
	if n.role != nil {
		return nil
	}
	path := Setup{Config: n.cfg, Dir: n.dir}.highWater()
	if path == "" {
		out.say(levelWarn, "high-water", "let high_water name a file on another disk",
			"switched off: a copy of the data directory from an older day would not be noticed")
		return nil
	}
	mark, err := ledger.ReadHighWater(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.say(levelWarn, "high-water", "it is written with the next checkpoint; if it was there before, find out who took it away", "%s is not there", path)
	case err != nil:
		out.say(levelFail, "high-water", "find out who wrote to it", "%v", err)
	case mark.Size > head.Size:
		out.say(levelFail, "high-water", "this is an older copy of a list that went on: do not start it", "%s signed %s leaves, and %s are here",
			mark.Origin, thousands(mark.Size), thousands(head.Size))
	default:
		out.ok("high-water", "%s leaves were signed, by %s", thousands(mark.Size), path)
	}
	return nil
}

// mandateNotice is how long before a mandate's end the doctor speaks of it.
const mandateNotice = 60 * 24 * time.Hour

func (n *node) lookAtCharter(ctx context.Context, out *doctorAnswer) error {
	head := n.chain.Head()
	c := head.Charter()
	out.ok("charter", "%d, %s, issued %s; operator %s, epoch %d", c.V, head.Hash(), c.Issued, c.Operator.Slug, c.Operator.Epoch)
	if c.Test {
		out.say(levelWarn, "charter", "nothing in it counts, for good; found another list for real work", "this is a test list")
	}
	if c.Mandate != nil {
		until, err := time.Parse(time.DateOnly, c.Mandate.Until)
		left := until.Add(24 * time.Hour).Sub(n.now())
		switch {
		case err != nil:
			return err
		case left < 0:
			out.say(levelWarn, "mandate", "ask the board for the next charter", "the operator's mandate ended on %s", c.Mandate.Until)
		case left < mandateNotice:
			out.say(levelWarn, "mandate", "ask the board for the next charter", "the operator's mandate ends on %s", c.Mandate.Until)
		default:
			out.ok("mandate", "from %s until %s", c.Mandate.From, c.Mandate.Until)
		}
	}
	known := func(f string) bool { return slices.Contains(features, f) }
	if unknown := slices.DeleteFunc(slices.Clone(c.Features), known); len(unknown) > 0 {
		out.say(levelFail, "features", "install a newer tasuki", "the charter lets the list hold what this program does not know: %s", strings.Join(unknown, ", "))
	} else if missing := slices.DeleteFunc(slices.Clone(features), func(f string) bool { return slices.Contains(c.Features, f) }); len(missing) > 0 {
		out.say(levelWarn, "features", "let the next charter name them (tasuki charter draft)",
			"this program knows what the charter does not allow: %s", strings.Join(missing, ", "))
	} else {
		out.ok("features", "%s", strings.Join(c.Features, ", "))
	}
	if n.role != nil && n.role.Reader {
		return nil
	}
	return n.lookAtEscrow(ctx, out, c)
}

func (n *node) lookAtEscrow(ctx context.Context, out *doctorAnswer, c charter.Charter) error {
	if len(c.Escrow) == 0 {
		out.say(levelWarn, "escrow", "let the next charter name recipients (tasuki escrow keygen)",
			"none: owners of reserved identifiers, accounts and quotas would be lost with this operator")
		return nil
	}
	e, err := ledger.NewEscrow(c.Escrow)
	if err != nil {
		out.say(levelFail, "escrow", "let the next charter name others", "its recipients cannot be used: %v", err)
		return nil
	}
	var state ledger.EscrowState
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		state, err = n.ledger.EscrowState(ctx, tx, e)
		return err
	})
	switch {
	case err != nil:
		return err
	case state.Closed > 0:
		out.say(levelWarn, "escrow", "an operator that has them in clear encrypts them; what was lost with one stays lost",
			"%s private facts are neither here nor encrypted to the present recipients", thousands(state.Closed))
	case state.Due > 0:
		out.say(levelWarn, "escrow", "it goes on by itself while the node runs",
			"%s private facts are not encrypted to the present recipients yet", thousands(state.Due))
	default:
		out.ok("escrow", "%d recipients, %s ciphertexts", len(c.Escrow), thousands(state.Current))
	}
	return nil
}

func (n *node) lookAtKeys(ctx context.Context, out *doctorAnswer) error {
	check := func(path string) bool {
		info, err := os.Stat(path)
		if err != nil {
			out.say(levelFail, "keys", "bring it back, or let the charter name another", "%v", err)
			return false
		}
		out.mode(path, info)
		return true
	}
	switch {
	case n.role != nil && n.role.Key == "":
	case n.role != nil:
		if !check(n.role.Key) {
			return nil
		}
		id, err := n.continuity.ID(ctx)
		if err != nil {
			return err
		}
		bound, err := os.ReadFile(n.role.Key + ".store")
		switch listed := n.ownURL(); {
		case err != nil || strings.TrimSpace(string(bound)) != id:
			out.say(levelFail, "keys", "make a new key (tasuki mirror keygen) and let the charter name it",
				"the mirror's key is bound to another store: it has forgotten what it promised")
		case listed == "":
			out.say(levelWarn, "keys", "let the charter name it, or the one that it names be used",
				"the charter lists no mirror with this key: it stores and serves, and cosigns nothing")
		default:
			out.ok("keys", "the mirror's key is the charter's, at %s, and bound to this store", listed)
		}
	case n.keyed:
		check(filepath.Join(n.dir.Path, logKeyFile))
		if n.former() {
			out.ok("keys", "the log key is of an epoch that is over: it signs nothing any more")
			break
		}
		out.ok("keys", "the log key is that of epoch %d", n.chain.Head().Charter().Operator.Epoch)
	case n.db.Engine() == store.Postgres && n.sealed == "":
		out.ok("keys", "another node of this store holds the log key")
	}
	if _, err := os.Stat(filepath.Join(n.dir.Path, boardKeyFile)); err == nil {
		out.say(levelWarn, "keys", "move it to a machine without a network, and let other people hold keys beside it",
			"a board key lies in the data directory: who breaks in here can replace the operator")
	}
	return nil
}

// silent is after how long without a checkpoint something is wrong: there is a heartbeat every 23 hours.
const silent = 25 * time.Hour

func (n *node) lookAtCheckpoint(_ context.Context, out *doctorAnswer) error {
	cp := n.checkpoint.Load()
	if cp == nil {
		out.say(levelWarn, "checkpoint", "start the node; if it runs, the lines below say who is missing", "nothing is published yet")
	} else {
		age := n.now().Sub(time.UnixMilli(cp.Time)).Round(time.Second)
		text := fmt.Sprintf("%s leaves published, %s ago", thousands(cp.Size), age)
		if age > silent {
			out.say(levelWarn, "checkpoint", "an operator says something every day: see whether it runs, and whether news reach you", "%s", text)
		} else {
			out.ok("checkpoint", "%s", text)
		}
	}
	if n.publishing == nil || !n.serving.Load() {
		return nil
	}
	late := n.publishing.late(n.now())
	next := n.publishing.next()
	if late == 0 {
		return nil
	}
	missing, witnesses := next.Verdict.Missing()
	if len(missing) == 0 { // witnesses are asked when the mirrors have cosigned
		missing = witnesses
	}
	var names []string
	for _, party := range missing {
		names = append(names, party.Name)
	}
	level := levelOK
	if late > 10*time.Second {
		level = levelFail
	}
	out.say(level, "quorum", "what is written meanwhile is kept, and counts once enough of them are back", "%s leaves wait since %s; not cosigned by %s",
		thousands(next.Tree.Size), late.Round(time.Second), strings.Join(names, ", "))
	return nil
}

// lookAtConflicts says what has stopped, and what was found wrong with others.
func (n *node) lookAtConflicts(ctx context.Context, out *doctorAnswer) error {
	if n.role == nil && n.sealed != "" {
		out.say(levelFail, "writes", "see docs/operations.md; \"tasuki promote\" or \"tasuki restore\" opens an epoch", "refused: %s", n.sealed)
	}
	if why, over := n.office.state(); over {
		out.say(levelFail, "signing", "see docs/continuity.md; a copy that is behind is replaced by the newer one", "%s", why)
	} else if why != "" && n.serving.Load() {
		out.say(levelWarn, "signing", "it goes on by itself once enough of them answer; nothing is written meanwhile", "%s", why)
	}
	if n.follower != nil {
		if err := n.lookAtFollower(ctx, out); err != nil {
			return err
		}
	}
	list, err := n.evidence(ctx, shownEvidence)
	if err != nil {
		return err
	}
	siblings := 0
	for _, e := range list {
		if e.Kind == continuity.EvidenceSibling {
			siblings++
		}
	}
	if siblings > 0 {
		out.say(levelWarn, "siblings", "ask the board; tasuki evidence list has the documents", "the board has signed %d charters beside the chain", siblings)
	}
	if more := len(list) - siblings; more > 0 {
		out.say(levelWarn, "evidence", "tasuki evidence list", "%d pieces of evidence against somebody are kept", more)
	} else if siblings == 0 {
		out.ok("evidence", "none against anybody")
	}
	return nil
}

func (n *node) lookAtFollower(ctx context.Context, out *doctorAnswer) error {
	err := n.follower.Rules(ctx, func(m *continuity.Mirror) error {
		if m.Hold.Held() {
			out.say(levelFail, "hold", "decide: tasuki client choose HASH, or ask the board", "%s since %s: %s %s", m.Hold.Why, stampText(m.Hold.At),
				m.Hold.A, m.Hold.B)
		}
		if age, ok := m.Stale(); ok && age > continuity.StaleAfter {
			out.say(levelWarn, "staleness", "ask other servers: somebody may be keeping news back", "no witness has looked for %s", age.Round(time.Minute))
		}
		stop, err := m.Stopped(ctx)
		if stop != nil {
			out.say(levelFail, "stopped", "tasuki evidence list; tell the board", "at %s leaves since %s: %s", thousands(stop.Size), stampText(stop.At), stop.Reason)
		}
		return err
	})
	if s := n.follower.State(); s.Problem != "" {
		out.say(levelWarn, "following", "see who of the others below answers", "%s, since %s", s.Problem, stampText(s.Since))
	}
	return err
}

// backupEvery is how old the newest backup may be.
const backupEvery = 7 * 24 * time.Hour

func (n *node) lookAtBackups(ctx context.Context, out *doctorAnswer) error {
	if n.role != nil {
		return nil // the list is its backup
	}
	list, err := n.backups(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		out.say(levelWarn, "backup", "tasuki backup FILE, on another machine's disk, every day", "none was written from here")
		return nil
	}
	last := list[len(list)-1]
	at, err := time.Parse(time.RFC3339, last.At)
	if err != nil {
		return err
	}
	if age := n.now().Sub(at); age > backupEvery {
		out.say(levelWarn, "backup", "tasuki backup FILE, every day", "the newest is %d days old", int(age.Hours()/24))
	} else {
		out.ok("backup", "%s, of %s leaves", last.At, thousands(last.Size))
	}
	return nil
}
