package cvelist

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/jobs"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// fixture is an importer over a list and real tables of refused files.
func fixture(t *testing.T, db *store.DB) (*Importer, *list) {
	t.Helper()
	l := newList()
	im := &Importer{Intake: l, Now: func() time.Time { return time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC) }}
	if db != nil {
		if err := db.Migrate(t.Context(), jobs.Schema()); err != nil {
			t.Fatal(err)
		}
		im.Refusals = jobs.NewRefusals(db)
	}
	return im, l
}

func run(t *testing.T, im *Importer, sources ...string) Summary {
	t.Helper()
	sum, err := im.Run(t.Context(), strings.NewReader(""), sources...)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func counts(t *testing.T, s Summary, want string) {
	t.Helper()
	raw, err := json.Marshal(s.Counts(), json.Deterministic(true))
	if err != nil || string(raw) != want {
		t.Errorf("counts %s, expected %s (%v)", raw, want, err)
	}
}

func TestImportOutcomes(t *testing.T) {
	im, l := fixture(t, nil)
	var report bytes.Buffer
	im.Report = &report
	l.owned["CVE-2026-0007"] = true
	older, newer := record("CVE-2024-0001", "2023-01-01T00:00:00.000Z"), record("CVE-2024-0001", "2025-01-01T00:00:00.000Z")
	first := writeFile(t, "first.zip", makeZip(t, entry{name: "a/CVE-2024-0001.json", raw: one}, entry{name: "a/CVE-2024-12345.json", raw: two}))
	second := writeFile(t, "second.zip", makeZip(t, entry{name: "CVE-2024-0001.json", raw: newer}, entry{name: "CVE-2024-12345.json", raw: two},
		entry{name: "CVE-1999-0003.json", raw: three[:50]}, entry{name: "CVE-2026-0007.json", raw: record("CVE-2026-0007", "x")}, entry{name: "CVE-2024-7777.json", raw: one}))
	counts(t, run(t, im, first), `{"added":2}`)
	counts(t, run(t, im, second), `{"divergent":1,"refused":2,"unchanged":1,"updated":1}`)
	counts(t, run(t, im, writeFile(t, "CVE-2024-0001.json", older)), `{"stale":1}`)
	counts(t, run(t, im, first, second), `{"divergent":1,"refused":2,"stale":1,"unchanged":3}`)
	if !bytes.Equal(l.docs["CVE-2024-0001"], newer) {
		t.Error("an older document replaced a newer one")
	}
	// Only the two imports that changed something are noted; the digest is that of the snapshot's SHA256SUMS.
	if len(l.noted) != 2 || l.noted[0].Source != "first.zip" || l.noted[1].Counts["updated"] != 1 {
		t.Errorf("noted %+v", l.noted)
	}
	again, fresh := fixture(t, nil)
	run(t, again, first)
	if len(fresh.noted) != 1 || fresh.noted[0].Digest != l.noted[0].Digest {
		t.Error("the same source has two snapshot digests")
	}
	var lines []Line
	for raw := range strings.Lines(report.String()) {
		var line Line
		if err := json.Unmarshal([]byte(raw), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2+5+1+7 {
		t.Fatalf("%d lines in the report", len(lines))
	}
	for i, want := range []Line{{ID: "CVE-2024-0001", Outcome: "added"}, {ID: "CVE-2024-12345", Outcome: "added"},
		{ID: "CVE-2024-12345", Outcome: "unchanged"}, {ID: "CVE-1999-0003", Outcome: "refused", Code: CodeSyntax}} {
		if got := lines[i]; got.ID != want.ID || got.Outcome != want.Outcome || got.Code != want.Code || (got.Index != nil) != (i < 2) {
			t.Errorf("line %d: %+v", i, got)
		}
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	im, l := fixture(t, storetest.Open(t, storetest.SQLite(t)))
	im.DryRun = true
	source := writeFile(t, "a.zip", makeZip(t, entry{name: "CVE-2024-0001.json", raw: one}, entry{name: "CVE-2024-0002.json", raw: one}))
	counts(t, run(t, im, source), `{"ready":1,"refused":1}`)
	rows, err := im.Refusals.List(t.Context(), Feed)
	if err != nil || len(rows) != 0 || len(l.docs) != 0 || len(l.noted) != 0 {
		t.Errorf("%v, %v, %d documents, %d notes", rows, err, len(l.docs), len(l.noted))
	}
}

// The list of refused files holds what is wrong now: entries go when their file, or their identifier from anywhere, is
// taken in, and when their source no longer has them.
func TestRefusedList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		im, l := fixture(t, db)
		dir := t.TempDir()
		source := dir + "/list.zip"
		write := func(entries ...entry) {
			t.Helper()
			rewrite(t, source, makeZip(t, entries...))
		}
		paths := func() (all []string) {
			t.Helper()
			rows, err := im.Refusals.List(t.Context(), Feed)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				all = append(all, r.Path+" "+r.Code)
			}
			return all
		}
		wrong := bytes.Replace(two, []byte("PUBLISHED"), []byte("RESERVED"), 1)
		write(entry{name: "a/CVE-2024-0001.json", raw: one[:40]}, entry{name: "b/CVE-2024-12345.json", raw: wrong}, entry{name: "../c.json", raw: one})
		counts(t, run(t, im, source), `{"refused":3}`)
		expect(t, paths(), "../c.json unsafe-path", "a/CVE-2024-0001.json invalid-json", "b/CVE-2024-12345.json not-a-record")

		// A retry of the same bytes changes nothing, not even of what was never read.
		before, _ := im.Refusals.List(t.Context(), Feed)
		sum, err := im.Retry(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts(t, sum, `{"refused":3}`)
		if after, _ := im.Refusals.List(t.Context(), Feed); !slices.Equal(names(before), names(after)) {
			t.Errorf("%v became %v", before, after)
		}

		// Another source brings the one, a better archive drops the other two.
		counts(t, run(t, im, writeFile(t, "CVE-2024-0001.json", one)), `{"added":1}`)
		expect(t, paths(), "../c.json unsafe-path", "b/CVE-2024-12345.json not-a-record")
		write(entry{name: "b/CVE-2024-12345.json", raw: two})
		counts(t, run(t, im, source), `{"added":1}`)
		expect(t, paths())

		// A damaged archive is one entry, and goes with the damage.
		rewrite(t, source, one[:30])
		counts(t, run(t, im, source), `{"refused":1}`)
		expect(t, paths(), "list.zip archive-damaged")
		write(entry{name: "b/CVE-2024-12345.json", raw: two})
		counts(t, run(t, im, source), `{"unchanged":1}`)
		expect(t, paths())

		// Bytes that were refused for a rule that no longer holds are taken in by a retry.
		rewrite(t, source, makeZip(t, entry{name: "x/CVE-1999-0003.json", raw: three}))
		im.Limits.Body = 100
		counts(t, run(t, im, source), `{"refused":1}`)
		im.Limits.Body = 0
		if sum, err = im.Retry(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts(t, sum, `{"added":1}`)
		expect(t, paths())
		if !bytes.Equal(l.docs["CVE-1999-0003"], three) {
			t.Error("a retry changed the bytes")
		}
	})
}

func names(rows []jobs.Refused) (all []string) {
	for _, r := range rows {
		all = append(all, r.Path+r.Code+r.SHA256)
	}
	return all
}

func manyRecords(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		id := "CVE-2024-" + itoa(int64(10000+i))
		all[i] = entry{name: id + ".json", raw: record(id, "2024-01-01T00:00:00.000Z")}
	}
	return all
}

// Ctrl-C in the middle: whole batches are in, nothing is noted, and a second run goes on where the first stopped.
func TestInterruptAndGoOn(t *testing.T) {
	im, l := fixture(t, nil)
	source := writeFile(t, "a.zip", makeZip(t, manyRecords(3000)...))
	ctx, cancel := context.WithCancel(t.Context())
	im.Limits.InFlight = 64 << 10
	im.Target = time.Nanosecond // the least batches
	now := time.Unix(0, 0)
	im.Now = func() time.Time { now = now.Add(time.Second); return now }
	im.Progress = func(p Progress) {
		if p.Files > 300 {
			cancel()
		}
	}
	sum, err := im.Run(ctx, nil, source)
	if !errors.Is(err, context.Canceled) || !sum.Interrupted {
		t.Fatalf("%+v, %v", sum, err)
	}
	if n := int64(len(l.docs)); n != sum.Added || n == 0 || n == 3000 || len(l.noted) != 0 {
		t.Fatalf("%d documents, %d reported, %d notes", n, sum.Added, len(l.noted))
	}
	first := sum.Added
	im.Progress = nil
	sum = run(t, im, source)
	if sum.Added != 3000-first || sum.Unchanged != first || len(l.docs) != 3000 || len(l.noted) != 1 {
		t.Fatalf("%+v with %d documents", sum, len(l.docs))
	}
}

// Stopped after its last batch and before its note: the next run changes nothing, and notes all the same.
func TestTheNextRunNotes(t *testing.T) {
	im, l := fixture(t, nil)
	source := writeFile(t, "a.zip", makeZip(t, manyRecords(20)...))
	run(t, im, source)
	l.noted, l.open = nil, true
	for range 2 {
		if sum := run(t, im, source); sum.Unchanged != 20 || len(l.noted) != 1 {
			t.Fatalf("%+v, %d notes", sum, len(l.noted))
		}
	}
}

// A store that fails ends the run with its error; what is reported as in is in.
func TestIntakeFails(t *testing.T) {
	im, l := fixture(t, nil)
	l.fail = errors.New("disk full")
	sum, err := im.Run(t.Context(), nil, writeFile(t, "a.zip", makeZip(t, manyRecords(10)...)))
	if !errors.Is(err, l.fail) || sum.Added != 0 || sum.Interrupted {
		t.Fatalf("%+v, %v", sum, err)
	}
}

func TestStdin(t *testing.T) {
	im, l := fixture(t, nil)
	im.Limits.TempDir = t.TempDir()
	for _, raw := range [][]byte{one, append(jsonLine(t, two), jsonLine(t, three)...), makeZip(t, manyRecords(5)...)} {
		if _, err := im.Run(t.Context(), bytes.NewReader(raw), "-"); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.docs) != 8 {
		t.Errorf("%d documents", len(l.docs))
	}
}

func TestProgress(t *testing.T) {
	im, _ := fixture(t, nil)
	now := time.Unix(0, 0)
	im.Now = func() time.Time { now = now.Add(10 * time.Millisecond); return now }
	var all []Progress
	im.Progress = func(p Progress) { all = append(all, p) }
	run(t, im, writeFile(t, "a.zip", makeZip(t, manyRecords(2000)...)))
	if len(all) < 3 {
		t.Fatalf("%d calls", len(all))
	}
	mid, last := all[len(all)/2], all[len(all)-1]
	if mid.Total != 2000 || mid.Files == 0 || mid.Rate <= 0 || mid.Left <= 0 || mid.Done {
		t.Errorf("half way: %+v", mid)
	}
	if last.Files != 2000 || !last.Done || last.Left != 0 || last.Summary.Added != 2000 {
		t.Errorf("at the end: %+v", last)
	}
	for i := 1; i < len(all)-1; i++ {
		if gap := all[i].Elapsed - all[i-1].Elapsed; gap < tellEvery {
			t.Errorf("calls %v apart", gap)
		}
	}
}

// The pacer comes near its target whatever a record costs, without leaping.
func TestPacer(t *testing.T) {
	for _, cost := range []float64{5, 50, 5000} { // nanoseconds of a unit
		var p pacer
		p.begin(0)
		var took time.Duration
		for range 30 {
			took = time.Duration(cost * float64(p.limit))
			before := p.limit
			p.observe(p.limit, took)
			if p.limit > 2*before {
				t.Errorf("grew from %d to %d", before, p.limit)
			}
		}
		want := min(p.target, time.Duration(cost*mostBatch))
		if took < want*9/10 || took > want*11/10 {
			t.Errorf("at %v ns a unit a batch takes %v, expected %v", cost, took, want)
		}
	}
}
