package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/store"
)

// AuthorityEraseCmd is `tasuki authority erase-person`.
type AuthorityEraseCmd struct {
	Org   string `arg:"" help:"Short name of the organisation."`
	User  string `arg:"" help:"Username; of somebody who was removed, the one they had."`
	Again bool   `help:"Erase nobody: only take old bytes out of the store's files, where that was impossible when a person was erased."`
	JSON  bool   `name:"json" help:"Print the result as JSON."`
}

// Help says what it cannot reach.
func (c *AuthorityEraseCmd) Help() string {
	return `Every private fact about the person loses its body; the entries of the log stay, and with them every root and every proof. Sessions, drafts,
contacts that name them and the audit trail about them go, too, and the store's files are rewritten.

What it cannot reach: backups that were written before, which are listed; copies of the store that somebody else made; and the write-ahead log of a
PostgreSQL server (and archives and standbys fed from it) until it is recycled, which CHECKPOINT and pg_switch_wal() hasten.`
}

// Run erases a person, here or in the running node.
func (c *AuthorityEraseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[erasedAnswer](ctx, p, s, access{}, "governance erase person", eraseRequest{Org: c.Org, User: c.User, Again: c.Again})
	if got.Leaves == 0 && err != nil {
		return err
	}
	if c.JSON {
		return errors.Join(err, p.json(got))
	}
	if !c.Again {
		fmt.Fprintf(p.Stdout, "erased: %s private facts lost their bodies; their entries in the log stay\n", thousands(int64(got.Leaves)))
	}
	if err == nil {
		fmt.Fprintf(p.Stdout, "the store's files hold nothing of it any more%s\n", got.Remains)
	}
	for _, b := range got.Backups {
		fmt.Fprintf(p.Stdout, "a backup of %s may hold the person still: %s\n", b.At, b.File)
	}
	return err
}

type eraseRequest struct {
	Org   string `json:"org"`
	User  string `json:"user"`
	Again bool   `json:"again,omitzero"`
}

type erasedAnswer struct {
	Leaves  int          `json:"leaves"`
	Backups []backupNote `json:"backups,omitempty"`
	Remains string       `json:"remains,omitzero"` // where the engine keeps some for a while
}

func (n *node) erasePerson(ctx context.Context, q eraseRequest, _ Reporter) (a erasedAnswer, err error) {
	if n.db.Engine() == store.Postgres {
		a.Remains = ", but for the server's write-ahead log until it is recycled"
	}
	if q.Again {
		return a, n.acts.Scrub(ctx)
	}
	got, err := n.acts.ErasePerson(ctx, operator("authority erase-person"), q.Org, q.User)
	a.Leaves = got.Leaves
	if got.Leaves == 0 {
		return a, err
	}
	// Whatever was written after the person's first fact, and before now, may hold them.
	list, lerr := n.backups(ctx)
	for _, b := range list {
		if b.Size > got.First {
			a.Backups = append(a.Backups, b)
		}
	}
	return a, errors.Join(err, lerr)
}

// backupNote remembers a backup that this node wrote.
type backupNote struct {
	File string `json:"file"`
	At   string `json:"at"`
	Size int64  `json:"size"` // leaves of the log inside
}

// backupsCursor keeps the backups that this store's nodes wrote, the newest last.
const backupsCursor = "node/backups"

// maxBackups is how many are remembered: those of three years, one a day.
const maxBackups = 1100

func (n *node) backups(ctx context.Context) (list []backupNote, err error) {
	raw, err := n.cursors.Load(ctx, backupsCursor)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	return list, json.Unmarshal(raw, &list)
}

// keepBackupList remembers a backup, so that whoever is erased can be told where they still are. That it could not is no reason to call the
// backup a failure.
func (n *node) keepBackupList(ctx context.Context, file string, size int64) {
	list, err := n.backups(ctx)
	if err == nil && n.sealed == "" {
		list = append(list, backupNote{File: file, At: n.now().UTC().Format(time.RFC3339), Size: size})
		var raw []byte
		if raw, err = json.Marshal(list[max(0, len(list)-maxBackups):]); err == nil {
			err = n.cursors.Save(ctx, backupsCursor, raw)
		}
	}
	if err != nil {
		n.log.WarnContext(ctx, "backup not remembered", "err", err)
	}
}
