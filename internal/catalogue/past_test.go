package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// At any time, any record at any moment, its versions, the changes between any two moments and the feed of the log are what
// going through the whole log says; and the tables are those of a replay.
func TestPastIsWhatTheLogSays(t *testing.T) {
	const pairs = 10
	rounds := 100
	if testing.Short() {
		rounds = 25
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPast(t, db)
		found, erased, absent := 0, 0, 0
		for round := range rounds {
			for range 1 + p.dice.IntN(6) {
				p.step(t)
			}
			n := readLog(t, p.w)
			if len(n.leaves) == 0 {
				continue
			}
			for range pairs {
				at, id := p.moment(n), fmt.Sprintf("CVE-2024-%d", 1000+p.dice.IntN(12))
				switch p.checkRecord(t, n, id, at) {
				case nil:
					found++
				case catalogue.ErrErased:
					erased++
				default:
					absent++
				}
			}
			p.checkVersions(t, n, fmt.Sprintf("CVE-2024-%d", 1000+p.dice.IntN(12)))
			p.checkChanges(t, n, 9)
			p.checkSince(t, n)
			if round%10 == 9 {
				if got, err := p.w.Gate.Replay(t.Context(), false, nil); err != nil {
					t.Fatalf("replay: %v %x", err, got)
				}
			}
		}
		live, err := p.w.Gate.Replay(t.Context(), false, nil)
		if err != nil {
			t.Errorf("replay: %v %x", err, live)
		}
		n := readLog(t, p.w)
		// A copy that never saw what was erased, nor anything private, has the same tables.
		copied, err := p.then(t, n, catalogue.At{Size: int64(len(n.leaves))}).Gate.Replay(t.Context(), false, nil)
		if err != nil || ofCatalogue(copied) != ofCatalogue(live) {
			t.Errorf("a copy has %x (%v), want %x", copied, err, live)
		}
		t.Logf("%d leaves, up to %d versions of a record; %d pairs of record and moment: %d read, %d erased, %d unknown then", len(n.leaves), n.versions(),
			found+erased+absent, found, erased, absent)
		if n.versions() < rounds/5 || found < rounds*pairs/3 || erased == 0 || absent == 0 {
			t.Error("the history was too poor to show much")
		}
	})
}

func ofCatalogue(all []gate.Replayed) [32]byte {
	for _, r := range all {
		if r.Projection == "catalogue" {
			return r.After
		}
	}
	return [32]byte{}
}

// checkRecord compares one record at one moment, and returns how that should have ended.
func (p *past) checkRecord(t *testing.T, n *naive, id string, at catalogue.At) error {
	t.Helper()
	want, known, any := n.record(id, at)
	v, err := p.w.Catalogue.GetAt(t.Context(), id, at)
	switch {
	case !known:
		if !errors.Is(err, catalogue.ErrNotFound) {
			t.Fatalf("%s at %+v: %v, want not found", id, at, err)
		}
		if at.Clock != catalogue.SourceClock && errors.Is(err, catalogue.ErrBefore) == any {
			t.Fatalf("%s at %+v: %v, the list knew a record: %v", id, at, err, any)
		}
		return catalogue.ErrNotFound
	case want.raw == nil:
		if !errors.Is(err, catalogue.ErrErased) {
			t.Fatalf("%s at %+v: %v, want erased", id, at, err)
		}
		return catalogue.ErrErased
	case err != nil:
		t.Fatalf("%s at %+v: %v, want leaf %d", id, at, err, want.index)
	}
	got, err := v.Raw()
	if err != nil || v.Index != want.index || !bytes.Equal(got, want.raw) || v.State != want.state || !v.Logged.Equal(want.logged) {
		t.Fatalf("%s at %+v: leaf %d %s of %s (%v), want leaf %d %s of %s", id, at, v.Index, v.State, v.Logged, err, want.index, want.state, want.logged)
	}
	return nil
}

func (p *past) checkVersions(t *testing.T, n *naive, id string) {
	t.Helper()
	var want []naiveLeaf
	for _, l := range slices.Backward(n.leaves) {
		if l.id == id {
			want = append(want, l)
		}
	}
	got, err := p.w.Catalogue.Versions(t.Context(), id)
	if (len(want) == 0) != errors.Is(err, catalogue.ErrNotFound) || len(want) > 0 && err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d versions (%v), want %d", id, len(got), err, len(want))
	}
	for i, v := range got {
		l := want[i]
		if v.Index != l.index || v.State != string(l.state) || !v.Logged.Equal(l.logged) || !v.Source.Equal(l.source) || v.Erased != (l.raw == nil) {
			t.Fatalf("%s: version %+v, want %+v", id, v, l)
		}
		one, err := p.w.Catalogue.Version(t.Context(), id, v.Index)
		if errors.Is(err, catalogue.ErrErased) != v.Erased || !v.Erased && (err != nil || one.Index != v.Index) {
			t.Fatalf("%s, leaf %d: %+v %v", id, v.Index, one, err)
		}
	}
	until := int64(math.MaxInt64) // leaves of the log while a version stands
	for i, l := range want {
		if l.raw != nil {
			for _, size := range []int64{l.index + 1, until} {
				p.checkLeaves(t, id, size, l, i > 0)
			}
		}
		until = l.index
	}
	err = p.w.DB.View(t.Context(), func(tx *store.Tx) error {
		_, _, err := p.w.Catalogue.Leaves(t.Context(), tx, id, until)
		return err
	})
	if until < math.MaxInt64 && !errors.Is(err, catalogue.ErrNotFound) {
		t.Errorf("%s at %d leaves, before its first: %v", id, until, err)
	}
	other := n.leaves[p.dice.IntN(len(n.leaves))]
	if _, err := p.w.Catalogue.Version(t.Context(), id, other.index); other.id != id && !errors.Is(err, catalogue.ErrNotFound) {
		t.Fatalf("%s, leaf %d, which is about something else: %v", id, other.index, err)
	}
}

// checkLeaves makes the record, as the first size leaves have it, of the leaves that its proof would have. newer is whether later leaves changed it.
func (p *past) checkLeaves(t *testing.T, id string, size int64, want naiveLeaf, newer bool) {
	t.Helper()
	var base *event.Entry
	var puts []*event.Entry
	err := p.w.DB.View(t.Context(), func(tx *store.Tx) error {
		leaves, more, err := p.w.Catalogue.Leaves(t.Context(), tx, id, size)
		if err != nil {
			return err
		}
		if more != newer {
			t.Errorf("%s at %d leaves: newer is %v", id, size, more)
		}
		log := event.Reader{Log: p.w.Log, Tx: tx}
		for i, part := range leaves {
			e, err := log.Leaf(t.Context(), part.Index)
			if err != nil {
				return err
			}
			if e.Index >= size {
				t.Errorf("%s at %d leaves is made of leaf %d", id, size, e.Index)
			}
			if e.Doc, err = log.Doc(t.Context(), part.Index); err != nil {
				return err
			}
			role := map[event.Kind]string{event.RecordImported: "base", event.RecordReplaced: "base", event.RecordRejected: "cna", event.PrivateFact: "owner"}[e.Kind]
			if e.Kind == event.RecordPut {
				role = map[string]string{"cna": "cna", "adp": "adp:" + e.By}[e.Cont]
			}
			if part.Role != role || e.Kind.Whole() != (role == "base") || role == "base" && i > 0 || role == "owner" && (i < len(leaves)-1 || base != nil || puts[0].Own.Index != part.Index) {
				t.Fatalf("%s: part %d of %v is %s", id, i, leaves, e.Kind)
			}
			switch role {
			case "base":
				base = e
			case "owner":
			default:
				puts = append(puts, e)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := event.Assemble(base, puts, nil); err != nil || !bytes.Equal(got, want.raw) {
		t.Fatalf("%s of its leaves:\n%s (%v)\nwant:\n%s", id, got, err, want.raw)
	}
}

// change is what a record's two versions tell, by size or for good.
func (n *naive) change(old, now naiveLeaf, hadOld bool, from, to int64) (catalogue.Change, bool) {
	c := catalogue.Change{ID: now.id, Index: now.index, New: now.index, Old: -1, State: now.state, Time: now.logged}
	wasGone := false
	if hadOld {
		c.Old, c.Was = old.index, old.state
		if wasGone = n.erasure(old.index, from) >= 0; wasGone {
			c.Was = ""
		}
	}
	gone := n.erasure(now.index, to)
	if hadOld && old.index == now.index && (gone < 0 || wasGone) {
		return c, false
	}
	switch {
	case gone >= 0:
		c.What, c.State = catalogue.Erased, ""
	case !hadOld:
		c.What = catalogue.Added
	case wasGone || c.Was == cve.Rejected && c.State != cve.Rejected:
		c.What = catalogue.Restored
	case c.Was != cve.Rejected && c.State == cve.Rejected:
		c.What = catalogue.Withdrawn
	default:
		c.What = catalogue.Changed
	}
	return c, true
}

func (p *past) checkChanges(t *testing.T, n *naive, most int) {
	t.Helper()
	span := catalogue.Span{From: p.moment(n), To: p.moment(n), Limit: 1 + p.dice.IntN(most)}
	if p.dice.IntN(4) == 0 {
		span.To = catalogue.At{}
	}
	if p.dice.IntN(3) == 0 {
		span.Kinds = []catalogue.What{catalogue.Added, catalogue.Withdrawn}
	}
	head := int64(len(n.leaves))
	source := span.From.Clock == catalogue.SourceClock
	bad := source != (span.To.Clock == catalogue.SourceClock) && !span.To.IsZero()
	from, to := span.From.Size, span.To.Size
	if from == 0 {
		from = n.size(span.From.Time)
	}
	if to == 0 {
		if to = head; !span.To.IsZero() {
			to = n.size(span.To.Time)
		}
	}
	if source {
		bad = bad || !span.To.IsZero() && span.From.Time.UnixMilli() > span.To.Time.UnixMilli()
		from, to = head, head
	} else {
		bad = bad || from > to
	}
	var want []catalogue.Change
	total := map[catalogue.What]int{}
	if !bad {
		before := n.at(span.From)
		for id, now := range n.at(span.To) {
			old, had := before[id]
			c, differs := n.change(old, now, had, from, to)
			if source && had && old.index == now.index {
				differs = false
			}
			if !differs {
				continue
			}
			if gone := n.erasure(now.index, to); gone >= from && !source {
				c.Index, c.Time = gone, n.leaves[gone].logged
			}
			total[c.What]++
			if len(span.Kinds) == 0 || slices.Contains(span.Kinds, c.What) {
				want = append(want, c)
			}
		}
		slices.SortFunc(want, func(a, b catalogue.Change) int { return int(a.Index - b.Index) })
	}
	var got []catalogue.Change
	for first := true; ; first = false {
		page, err := p.w.Catalogue.Changes(t.Context(), span)
		if bad {
			if !errors.Is(err, catalogue.ErrAt) {
				t.Fatalf("%+v: %v, want a refusal", span, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%+v: %v", span, err)
		}
		if first && !maps.Equal(page.Total, total) || !first && page.Total != nil || len(page.List) > span.Limit {
			t.Fatalf("%+v: totals %v, want %v; %d on a page", span, page.Total, total, len(page.List))
		}
		got = append(got, page.List...)
		if page.Next == "" {
			break
		}
		span.Cursor = page.Next
	}
	sameChanges(t, fmt.Sprintf("%+v", span), got, want)
}

func (p *past) checkSince(t *testing.T, n *naive) {
	t.Helper()
	start := p.dice.Int64N(int64(len(n.leaves)) + 1)
	var want, got []catalogue.Change
	current := map[string]naiveLeaf{}
	for _, l := range n.leaves {
		var c catalogue.Change
		switch about := l.target; {
		case l.id != "":
			old, had := current[l.id]
			c, _ = n.change(old, l, had, l.index, l.index+1)
			current[l.id] = l
		case about >= 0 && n.erasure(current[n.leaves[about].id].index, l.index+1) == l.index && current[n.leaves[about].id].id != "":
			old := current[n.leaves[about].id]
			c = catalogue.Change{ID: old.id, What: catalogue.Erased, Index: l.index, Time: l.logged, Was: old.state, Old: old.index, New: old.index}
		default:
			continue
		}
		if l.index >= start {
			want = append(want, c)
		}
	}
	for cursor := start; ; {
		list, next, err := p.w.Catalogue.Since(t.Context(), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list...)
		if len(list) < 7 {
			if next != int64(len(n.leaves)) {
				t.Fatalf("the feed ends at %d of %d leaves", next, len(n.leaves))
			}
			break
		}
		cursor = next
	}
	sameChanges(t, fmt.Sprintf("since %d", start), got, want)
	if _, _, err := p.w.Catalogue.Since(t.Context(), int64(len(n.leaves))+1, 1); !errors.Is(err, catalogue.ErrAt) {
		t.Fatalf("a cursor of the future: %v", err)
	}
}

func sameChanges(t *testing.T, what string, got, want []catalogue.Change) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b catalogue.Change) bool {
		same := a.Time.Equal(b.Time)
		a.Time, b.Time = time.Time{}, time.Time{}
		return same && a == b
	}) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
