package catalogue_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// naive is the log as it was read back, leaf by leaf: every answer about the past is made from it by going through all of it.
type naive struct {
	leaves []naiveLeaf
	erased map[int64]int64 // by leaf of a version, the one that first erased something of it
}

type naiveLeaf struct {
	index  int64
	id     string  // "" for a leaf that brought no version of a record
	raw    []byte  // the record; nil once anything that it shows was erased
	shows  []int64 // leaves whose bodies are in it
	state  cve.State
	logged time.Time
	source time.Time
	target int64 // leaf whose body this one erased, or −1
	stored gate.Stored
}

func readLog(t testing.TB, w *gatetest.World) *naive {
	t.Helper()
	n := &naive{erased: map[int64]int64{}}
	records := map[string][]*event.Entry{} // the leaves of each record since its newest whole document, that included
	err := w.DB.View(context.Background(), func(tx *store.Tx) error {
		return w.Log.Scan(context.Background(), tx, 0, func(index int64, raw []byte, body *ledger.Body) error {
			e, err := event.Open(index, raw, body)
			if err != nil {
				return err
			}
			l := naiveLeaf{index: index, logged: e.Time, target: -1, stored: gate.Stored{Index: index, Leaf: slices.Clone(raw), Body: body}}
			switch e.Kind {
			case event.RecordImported, event.RecordReplaced:
				records[e.ID] = []*event.Entry{e}
				l.id, l.state, l.source, l.shows = e.ID, cve.State(e.State), e.Time, []int64{index}
				for _, date := range []string{e.Dates.Reserved, e.Dates.Published, e.Dates.Rejected, e.Dates.Updated} {
					for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} { // old records have no zone
						if t, err := time.Parse(form, date); err == nil {
							l.source = t.Truncate(time.Millisecond)
						}
					}
				}
				if !e.SourceTime.IsZero() {
					l.source = e.SourceTime
				}
				if e.Kind == event.RecordReplaced {
					l.source = e.At
				}
				if body != nil {
					if l.raw, err = body.Bytes(); err != nil {
						return err
					}
				}
			case event.RecordPut, event.RecordRejected:
				records[e.ID] = append(records[e.ID], e)
				l.id, l.state, l.source = e.ID, cve.Published, e.At
				if e.Kind == event.RecordRejected {
					l.state = cve.Rejected
				}
				if l.raw, l.shows, err = assembled(records[e.ID]); err != nil {
					return err
				}
			case event.BodyErased:
				l.target = *e.Leaf
				for i := range n.leaves {
					if _, already := n.erased[int64(i)]; !already && slices.Contains(n.leaves[i].shows, l.target) {
						n.erased[int64(i)] = index
					}
				}
			}
			n.leaves = append(n.leaves, l)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// assembled makes the record of its leaves, nil when a body is missing, and says whose bodies are in it: of a body that is in it, a
// word is.
func assembled(leaves []*event.Entry) (raw []byte, shows []int64, err error) {
	var base *event.Entry
	puts := leaves
	if leaves[0].Kind.Whole() {
		base, puts = leaves[0], leaves[1:]
		shows = append(shows, base.Index)
	}
	for i, e := range puts {
		gone := slices.ContainsFunc(puts[i+1:], func(later *event.Entry) bool {
			return later.Kind == event.RecordRejected || later.Cont != "adp" && e.Cont != "adp" || later.Cont == "adp" && e.Cont == "adp" && later.By == e.By
		})
		if !gone {
			shows = append(shows, e.Index)
		}
	}
	raw, err = event.Assemble(base, puts, nil)
	if errors.Is(err, event.ErrErased) {
		return nil, shows, nil
	}
	return raw, shows, err
}

// size is how many leaves the log had at a time.
func (n *naive) size(at time.Time) int64 {
	size := int64(0)
	for i := range n.leaves {
		if !n.leaves[i].logged.After(at) {
			size = int64(i) + 1
		}
	}
	return size
}

// each gives every version that stood or had stood at a moment, in the order of the log.
func (n *naive) each(at catalogue.At, fn func(*naiveLeaf)) {
	size := int64(len(n.leaves))
	switch {
	case at.Size > 0:
		size = at.Size
	case !at.Time.IsZero() && at.Clock != catalogue.SourceClock:
		size = n.size(at.Time)
	}
	for i := range n.leaves[:size] {
		if l := &n.leaves[i]; l.id != "" && (at.Clock != catalogue.SourceClock || at.Time.IsZero() || !l.source.After(at.Time)) {
			fn(l)
		}
	}
}

// at is the newest version of each record at a moment.
func (n *naive) at(at catalogue.At) map[string]naiveLeaf {
	out := map[string]naiveLeaf{}
	n.each(at, func(l *naiveLeaf) { out[l.id] = *l })
	return out
}

// record is the newest version of one record at a moment, and whether the list knew any.
func (n *naive) record(id string, at catalogue.At) (newest naiveLeaf, known, any bool) {
	n.each(at, func(l *naiveLeaf) {
		if any = true; l.id == id {
			newest, known = *l, true
		}
	})
	return newest, known, any
}

// erasure is the leaf that erased another, below a size of the log, or −1.
func (n *naive) erasure(of, size int64) int64 {
	if by, ok := n.erased[of]; ok && by < size {
		return by
	}
	return -1
}

// past is a list that has a history, and the dice that made it.
type past struct {
	w     *gatetest.World
	dice  *rand.Rand
	n     int
	dates map[string]time.Time // dateUpdated of the newest document
}

// newPast throws the same dice in every run, unless PAST_SEED says otherwise.
func newPast(t *testing.T, db *store.DB) *past {
	t.Helper()
	seed := uint64(1)
	if s := os.Getenv("PAST_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return &past{w: gatetest.New(t, db), dice: rand.New(rand.NewPCG(seed, 1)), dates: map[string]time.Time{}}
}

func (p *past) one(of ...string) string { return of[p.dice.IntN(len(of))] }

// document is a record with much that differs between versions: words, state, vendor, scores, dates, an ADP's container.
func (p *past) document(id string) []byte {
	p.n++
	stamp := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }
	state, meta := "PUBLISHED", ""
	body := fmt.Sprintf(`"title":"%s","descriptions":[{"lang":"en","value":"mark%dend %s of %s in the ledger."},{"lang":"ja","value":"%s"}],
		"affected":[{"vendor":"%s","product":"%s","versions":[{"version":"0","lessThan":"4.%d","status":"affected"}]}],
		"references":[{"url":"https://kumo.example/%d"}]`, p.one("Overflow", "Bypass", ""), p.n, p.one("overflow", "bypass", "leak"), p.one("secrets", "pages"),
		p.one("認証回避の脆弱性", "情報漏えい"), p.one("Kumo", "Tako", "n/a"), p.one("Ledger", "Press", "Cloud"), p.n%7, p.n)
	if p.dice.IntN(2) == 0 {
		body += fmt.Sprintf(`,"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:%s/I:N/A:N","baseScore":7.5,"baseSeverity":"HIGH"}}]`, p.one("H", "L", "N"))
	}
	if p.dice.IntN(4) == 0 {
		state, body = "REJECTED", fmt.Sprintf(`"rejectedReasons":[{"lang":"en","value":"mark%dend not a flaw."}]`, p.n)
	}
	if p.dice.IntN(12) > 0 {
		last := p.dates[id]
		if last.IsZero() {
			last = time.Date(2024, 1, 1+p.dice.IntN(300), 0, 0, 0, 0, time.UTC)
		}
		// Now and then the same date again, seldom an older one: then the document is stale.
		last = last.Add(time.Duration(p.dice.IntN(40)-3) * time.Hour).Add(time.Duration(p.dice.IntN(3)) * time.Millisecond)
		p.dates[id] = last
		meta += fmt.Sprintf(`,"dateUpdated":"%s"`, stamp(last))
	}
	if p.dice.IntN(6) > 0 {
		meta += fmt.Sprintf(`,"datePublished":"%s"`, stamp(time.Date(2024, 1, 1+p.dice.IntN(28), p.dice.IntN(24), 0, 0, 0, time.UTC)))
	}
	adp := ""
	if p.dice.IntN(2) == 0 { // there in one version, dropped in the next
		adp = fmt.Sprintf(`,"adp":[{"providerMetadata":{"orgId":"33333333-3333-4333-8333-333333333333","shortName":"adp"},"title":"enriched",
			"affected":[{"vendor":"%s","product":"Enriched","versions":[{"version":"1","status":"affected"}]}]}]`, p.one("Kumo", "Ika"))
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"%s","assignerShortName":"%s"%s},
		"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"kumo"},%s}%s}}`, id, state, p.one("kumo", "tako"), meta, body, adp)
}

// step does one thing to the list.
func (p *past) step(t testing.TB) {
	t.Helper()
	p.w.Clock.Add(time.Duration(p.dice.IntN(5000)-1000) * time.Millisecond) // back too: o.t then stands still
	size := p.w.Size(t)
	switch d := p.dice.IntN(45); {
	case d >= 30:
		p.put(t)
	case d == 0:
		p.w.Note(t, "list.zip")
	case d < 3 && size > 0:
		// New leaves are the most telling; superseded and erased ones are among them.
		n := readLog(t, p.w)
		target := n.leaves[max(0, size-1-p.dice.Int64N(20))]
		if target.id != "" {
			p.w.Erase(t, target.index)
		}
	default:
		source := time.Time{}
		if p.dice.IntN(4) == 0 {
			source = time.Date(2024, 1, 1+p.dice.IntN(400), p.dice.IntN(24), 0, 0, 0, time.UTC)
		}
		importAt(t, p.w, source, p.document(fmt.Sprintf("CVE-2024-%d", 1000+p.dice.IntN(12))))
	}
}

// put does to a record what organisations of this list do, in whatever order they might; only an ADP needs a published record.
func (p *past) put(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	id := fmt.Sprintf("CVE-2024-%d", 1000+p.dice.IntN(12))
	orgs := []string{"33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"}
	current, known, _ := readLog(t, p.w).record(id, catalogue.At{})
	p.n++
	e := &event.Event{Kind: event.RecordPut, ID: id, By: p.one(orgs...), Cont: "cna", DV: p.one("5.1.0", "5.2.0")}
	body := fmt.Sprintf(`{"providerMetadata":{"orgId":"%s"},"title":"%s","descriptions":[{"lang":"en","value":"mark%dend %s put here."}],"affected":[{"vendor":"%s","product":"Ledger"}]}`,
		e.By, p.one("Overflow", "Bypass"), p.n, p.one("overflow", "leak"), p.one("Kumo", "Ika"))
	switch d := p.dice.IntN(8); {
	case d == 0:
		e.Kind, e.Cont, e.DV = event.RecordReplaced, "", ""
		doc := p.document(id)
		var rec cve.Record
		if r, err := cve.Decode(doc); err == nil {
			rec = *r
		}
		e.State, body = string(rec.Metadata.State), string(doc)
	case d < 3:
		e.Kind, e.Cont = event.RecordRejected, ""
		body = fmt.Sprintf(`{"rejectedReasons":[{"lang":"en","value":"mark%dend not a flaw."}]}`, p.n)
	case d < 6 && known && current.state == cve.Published:
		e.Cont = "adp"
	}
	err := p.w.Gate.Do(ctx, gatetest.Importer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, turn *gate.Turn) error {
		doc, err := turn.Pack(e.Kind, []byte(body))
		if err != nil {
			return err
		}
		if known || e.Kind == event.RecordReplaced {
			_, err = turn.Emit(ctx, e, doc)
			return err
		}
		// The first leaf of a record opens the owner: here who puts it, or one that the list does not know.
		e.Reserved, e.Short = p.w.Clock.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond), "kumo"
		if _, err := turn.Emit(ctx, &event.Event{Kind: event.IDReserved, ID: id}, nil); err != nil {
			return err
		}
		fact, err := event.OwnerFact(id, p.one(e.By, "55555555-5555-4555-8555-555555555555"))
		if err != nil {
			return err
		}
		own, err := turn.EmitPrivate(ctx, fact)
		if err != nil {
			return err
		}
		_, err = turn.EmitOpening(ctx, e, doc, own)
		return err
	}})
	if err != nil {
		t.Fatalf("%s %s of %s: %v", e.Kind, e.Cont, id, err)
	}
}

// importAt brings documents in as they were at a source's time.
func importAt(t testing.TB, w *gatetest.World, source time.Time, raws ...[]byte) {
	t.Helper()
	docs := make([]*event.Doc, len(raws))
	for i, raw := range raws {
		var err error
		if docs[i], err = w.Gate.Pack(event.RecordImported, raw); err != nil {
			t.Fatal(err)
		}
	}
	err := w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Import, Bulk: true, Decide: func(ctx context.Context, turn *gate.Turn) error {
		base, err := registry.Base(ctx, turn.Tx)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if _, _, err := registry.Import(ctx, turn.Tx, d, base, source, turn.Emit); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// moment is any moment of either clock: sizes, times between and at leaves, days, before the beginning and after the end.
func (p *past) moment(n *naive) catalogue.At {
	l := n.leaves[p.dice.IntN(len(n.leaves))]
	off := time.Duration(p.dice.IntN(3)-1) * time.Millisecond
	switch p.dice.IntN(7) {
	case 0, 1:
		return catalogue.At{Size: l.index + 1}
	case 2, 3:
		return catalogue.At{Time: l.logged.Add(off), Clock: catalogue.LogClock}
	case 4:
		return catalogue.At{Time: n.leaves[0].logged.Add(time.Duration(p.dice.IntN(200)-20) * time.Minute)}
	case 5:
		return catalogue.At{Time: time.Date(2023, 12, p.dice.IntN(500), 23, 59, 59, 999e6, time.UTC), Clock: catalogue.SourceClock}
	default:
		return catalogue.At{Time: cmp.Or(l.source, l.logged).Add(off), Clock: catalogue.SourceClock}
	}
}

// versions counts the versions of the record that has most.
func (n *naive) versions() int {
	count, most := map[string]int{}, 0
	for _, l := range n.leaves {
		if strings.HasPrefix(l.id, "CVE-") {
			count[l.id]++
			most = max(most, count[l.id])
		}
	}
	return most
}
