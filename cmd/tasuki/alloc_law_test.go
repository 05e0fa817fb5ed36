package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// An allocLaw reads a log from its first leaf on and says where it breaks the rules of allocation (CVE Services reference §6): which
// number comes next, what is set aside for non-sequential reservations, and what quotas allow. It knows nothing of the tables that the
// program keeps, only what leaves and private facts say.
type allocLaw struct {
	years map[int64]*allocYear
	ids   map[string]*allocFact
	held  map[string]int64 // organisation to how many it holds in state RESERVED
	quota map[string]int64
	given int // identifiers that were reserved
}

// allocYear is a year's two counters, and what its pool holds.
type allocYear struct {
	open              bool
	priority, general int64
	pool              map[int64]bool
}

type allocFact struct {
	owner string
	state cve.State
}

func newAllocLaw() *allocLaw {
	return &allocLaw{map[int64]*allocYear{}, map[string]*allocFact{}, map[string]int64{}, map[string]int64{}, 0}
}

func (l *allocLaw) year(n int64) *allocYear {
	if l.years[n] == nil {
		l.years[n] = &allocYear{general: registry.PriorityEnd, pool: map[int64]bool{}}
	}
	return l.years[n]
}

// move gives an identifier another owner or state and counts what organisations hold.
func (l *allocLaw) move(i *allocFact, owner string, state cve.State) {
	if i.owner != "" && i.state == cve.Reserved {
		l.held[i.owner]--
	}
	if i.owner, i.state = owner, state; owner != "" && state == cve.Reserved {
		l.held[owner]++
	}
}

// within says whether an organisation holds no more than its quota.
func (l *allocLaw) within(org string) error {
	if quota, known := l.quota[org]; known && l.held[org] > quota {
		return fmt.Errorf("%s holds %d of a quota of %d", org, l.held[org], quota)
	}
	return nil
}

// leaf takes the next leaf. private is what a committed event hides.
func (l *allocLaw) leaf(e *event.Event, private []byte) error {
	i := l.ids[e.ID]
	switch e.Kind {
	case event.RangeOpened:
		y := l.year(e.Year)
		y.open = true
		for _, s := range e.Skips {
			y.priority, y.general = max(y.priority, s.Priority), max(y.general, s.General)
		}
	case event.PoolCarved:
		return l.carved(l.year(e.Year), e)
	case event.IDReserved:
		if i != nil {
			return fmt.Errorf("%s is reserved, and was taken before", e.ID)
		}
		l.given++
		l.ids[e.ID] = &allocFact{state: cve.Reserved}
		return l.next(e.ID)
	case event.PrivateFact:
		return l.fact(private)
	case event.RecordImported:
		if i == nil {
			l.ids[e.ID] = &allocFact{state: cve.State(e.State)}
		}
	case event.IDRejected, event.RecordRejected:
		l.move(i, i.owner, cve.Rejected)
	case event.RecordPut:
		l.move(i, i.owner, cve.Published)
	case event.IDTransferred:
		l.move(i, e.To, i.state)
	case event.IDRestored:
		l.move(i, i.owner, cve.Reserved)
		return l.within(i.owner)
	}
	return nil
}

// carved: the pool is filled from where the general block has come to, when it holds fewer than 100, to at most ten more than that.
func (l *allocLaw) carved(y *allocYear, e *event.Event) error {
	const most = 10 // non-sequential identifiers at a time
	n, want := e.Last-e.First+1, int64(100-len(y.pool))
	if e.First != y.general+1 || want <= 0 || n <= want || n > want+most {
		return fmt.Errorf("%d: %d to %d are set aside with %d in the pool and the counter at %d", e.Year, e.First, e.Last, len(y.pool), y.general)
	}
	for n := e.First; n <= e.Last; n++ {
		y.pool[n] = true
	}
	y.general = e.Last
	return nil
}

// next: a number is the next of its block that nobody has taken, or one of the pool.
func (l *allocLaw) next(id string) error {
	c, err := cve.ParseID(id)
	if err != nil {
		return err
	}
	n, y := int64(c.Number), l.year(int64(c.Year))
	counter := &y.general
	switch {
	case !y.open:
		return fmt.Errorf("%s is of a year that is not open", id)
	case y.pool[n]:
		delete(y.pool, n)
		return nil
	case n <= registry.PriorityEnd:
		counter = &y.priority
	}
	if n <= *counter {
		return fmt.Errorf("%s is given out when the counter has come to %d", id, *counter)
	}
	for left := *counter + 1; left < n; left++ {
		if l.ids[fmt.Sprintf("CVE-%04d-%04d", c.Year, left)] == nil {
			return fmt.Errorf("%s is given out, and %d of that year is left out", id, left)
		}
	}
	*counter = n
	return nil
}

// fact reads who an identifier is given to, and quotas. The first owner of an identifier is who it was reserved for.
func (l *allocLaw) fact(private []byte) error {
	var f struct {
		Kind  string `json:"kind"`
		ID    string `json:"id"`
		Org   string `json:"org"`
		Quota int64  `json:"quota"`
	}
	if err := json.Unmarshal(private, &f); err != nil {
		return err
	}
	switch f.Kind {
	case "quota.set":
		l.quota[f.Org] = f.Quota
	case "id.owner/1":
		i := l.ids[f.ID]
		if i == nil {
			return fmt.Errorf("%s has an owner before it is given out", f.ID)
		}
		first := i.owner == ""
		if l.move(i, f.Org, i.state); first {
			return l.within(f.Org)
		}
	}
	return nil
}

// readLaw holds the whole log of a node to the law.
func readLaw(t testing.TB, k *kitNode) *allocLaw {
	t.Helper()
	ctx, l, broken := context.Background(), newAllocLaw(), 0
	err := k.db.View(ctx, func(tx *store.Tx) error {
		return k.ledger.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			e, err := event.Open(index, leaf, body)
			if err != nil {
				return err
			}
			var private []byte
			if e.Kind == event.PrivateFact {
				p, err := k.ledger.Private(ctx, tx, index)
				if err != nil {
					return err
				}
				private = p.Body
			}
			if err := l.leaf(e.Event, private); err != nil {
				if t.Errorf("leaf %d: %v", index, err); broken > 20 {
					return fmt.Errorf("too much is wrong")
				}
				broken++
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	return l
}

// The law has to notice what it is there for.
func TestTheLawOfAllocation(t *testing.T) {
	open := event.Event{Kind: event.RangeOpened, Year: 2026}
	carve := func(first, last int64) event.Event {
		return event.Event{Kind: event.PoolCarved, Year: 2026, First: first, Last: last}
	}
	give := func(n int) event.Event {
		return event.Event{Kind: event.IDReserved, ID: fmt.Sprintf("CVE-2026-%04d", n)}
	}
	of := func(kind event.Kind, n int) event.Event {
		return event.Event{Kind: kind, ID: fmt.Sprintf("CVE-2026-%04d", n), State: "PUBLISHED"}
	}
	const quota1 = `{"kind":"quota.set","org":"a","quota":1}`
	own := func(n int, org string) string {
		return fmt.Sprintf(`{"id":"CVE-2026-%04d","kind":"id.owner/1","org":%q}`, n, org)
	}
	for name, c := range map[string]struct {
		log []any
		bad string // "" for a log that keeps the law
	}{
		"all that is right": {[]any{open, quota1, give(1), own(1, "a"), of(event.RecordImported, 2), of(event.RecordImported, 3), give(4), own(4, "b"), give(20_001),
			carve(20_002, 20_105), give(20_050), give(20_106), of(event.IDRejected, 1), give(5), own(5, "a"), own(1, "b"), of(event.IDRestored, 1)}, ""},
		"twice":                       {[]any{open, give(1), give(1)}, "was taken before"},
		"imported":                    {[]any{open, of(event.RecordImported, 1), give(1)}, "was taken before"},
		"a gap":                       {[]any{open, give(1), give(3)}, "2 of that year is left out"},
		"a gap in the general block":  {[]any{open, give(20_002)}, "20001 of that year is left out"},
		"back":                        {[]any{open, of(event.RecordImported, 1), give(2), carve(20_001, 20_110), give(20_111), give(20_003), give(20_003)}, "taken before"},
		"below the counter":           {[]any{event.Event{Kind: event.RangeOpened, Year: 2026, Skips: map[string]event.Skip{"2026": {Priority: 10}}}, give(9)}, "come to 10"},
		"a closed year":               {[]any{give(1)}, "not open"},
		"too large a pool":            {[]any{open, carve(20_001, 20_111)}, "set aside"},
		"too small a pool":            {[]any{open, carve(20_001, 20_100)}, "set aside"},
		"a pool elsewhere":            {[]any{open, carve(20_002, 20_105)}, "set aside"},
		"a pool that was full":        {[]any{open, carve(20_001, 20_105), carve(20_106, 20_110)}, "set aside"},
		"beyond the quota":            {[]any{open, quota1, give(1), own(1, "a"), give(2), own(2, "a")}, "a holds 2 of a quota of 1"},
		"put back beyond the quota":   {[]any{open, quota1, give(1), own(1, "a"), of(event.IDRejected, 1), give(2), own(2, "a"), of(event.IDRestored, 1)}, "quota of 1"},
		"an owner of what nobody has": {[]any{open, own(1, "a")}, "before it is given out"},
	} {
		l, said := newAllocLaw(), ""
		for _, step := range c.log {
			var err error
			switch s := step.(type) {
			case event.Event:
				err = l.leaf(&s, nil)
			case string:
				err = l.leaf(&event.Event{Kind: event.PrivateFact}, []byte(s))
			}
			if err != nil {
				said += err.Error() + "\n"
			}
		}
		if c.bad == "" && said != "" || !strings.Contains(said, c.bad) {
			t.Errorf("%s: %q, want %q", name, said, c.bad)
		}
	}
}
