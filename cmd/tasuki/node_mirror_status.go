package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
)

var errNoMirror = errors.New("this data directory is a list's own, not a mirror")

// mirrorStatus says how far this mirror is.
func (n *node) mirrorStatus(ctx context.Context, _ struct{}, _ Reporter) (out mirrorAnswer, err error) {
	if n.follower == nil {
		return out, errNoMirror
	}
	tree, err := n.continuity.Stored(ctx)
	if err != nil {
		return out, err
	}
	state := n.follower.State()
	out = mirrorAnswer{List: n.role.List, Size: tree.Size, Source: state.Source, Problem: state.Problem, Since: stampText(state.Since)}
	if state.Problem == "" {
		out.Since = ""
	}
	cosigner, _, err := n.mirrorKey(ctx, n.role.Key)
	if err != nil {
		return out, err
	}
	if cosigner != nil {
		out.Key = cosigner.VKey().String()
	}
	err = n.follower.Rules(ctx, func(m *continuity.Mirror) error {
		head := m.Chain.Head()
		out.Origin, out.Charter = head.Origin(), head.Charter().V
		out.Published, out.PublishedAt = m.Accepted.Size, stampText(m.Accepted.Newest)
		if m.Hold.Held() {
			out.Hold = fmt.Sprintf("%s %s %s, since %s: people must decide", m.Hold.Why, m.Hold.A, m.Hold.B, stampText(m.Hold.At))
		}
		stop, err := m.Stopped(ctx)
		if err != nil {
			return err
		}
		if stop != nil {
			out.Stopped = fmt.Sprintf("at %s leaves, since %s: %s", thousands(stop.Size), stampText(stop.At), stop.Reason)
		}
		_, cosigned, err := n.continuity.Heads(ctx, head.Origin())
		out.Cosigned = cosigned.Size
		return err
	})
	if err != nil {
		return out, err
	}
	out.Sealed, err = n.sealedOrigins(ctx)
	return out, err
}

// sealedOrigins are the origins of the statements that this mirror gave, oldest first.
func (n *node) sealedOrigins(ctx context.Context) (out []string, err error) {
	list, err := n.continuity.Seals(ctx)
	for _, s := range list {
		note, nerr := c2sp.ParseNote(s.Note)
		if nerr != nil {
			return nil, nerr
		}
		seal, nerr := continuity.ParseSeal(note.Text)
		if nerr != nil {
			return nil, nerr
		}
		out = append(out, seal.Origin)
	}
	return out, err
}

// Mark says on every answer of a copy how fresh it is: by how many leaves it is made, and when the newest published checkpoint was cosigned last.
func (n *node) Mark(h http.Header) {
	if n.follower == nil {
		return
	}
	if hold := n.follower.Held(); hold.Held() {
		h.Set("Tasuki-Hold", string(hold.Why))
	}
	h.Set("Tasuki-Size", strconv.FormatInt(n.stored.Load(), 10))
	if cp := n.checkpoint.Load(); cp != nil && cp.Time > 0 {
		h.Set("Tasuki-Checkpoint-Time", stampText(time.UnixMilli(cp.Time)))
	}
}
