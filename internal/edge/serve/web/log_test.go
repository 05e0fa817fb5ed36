package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// ledgerOf is the log of a world under a charter of its own. Its newest leaf is not signed yet when lag is 1. (That a proof of
// it verifies, is shown with a whole node in cmd/tasuki.)
type ledgerOf struct {
	w     *gatetest.World
	chain *charter.Chain
	key   ed25519.PrivateKey
	lag   int64
	sign  bool
}

func newLedger(t testing.TB, w *gatetest.World) *ledgerOf {
	t.Helper()
	key, err := charter.NewKey(bytes.NewReader(bytes.Repeat([]byte{5}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err := charter.Genesis(charter.Options{ListName: "cve", Slug: "first", URL: "http://localhost:8080", Log: key.Public().(ed25519.PublicKey), Org: gatetest.Operator},
		bytes.NewReader(bytes.Repeat([]byte{7}, 256)), func() time.Time { return now.Add(-72 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	chain, err := charter.NewChain(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &ledgerOf{w: w, chain: chain, key: key, sign: true}
}

func (l *ledgerOf) checkpoint(ctx context.Context) (cp ledger.Checkpoint, err error) {
	if !l.sign {
		return cp, fs.ErrNotExist
	}
	err = l.w.DB.View(ctx, func(tx *store.Tx) error {
		h, err := l.w.Log.Head(ctx, tx)
		if err != nil {
			return err
		}
		cp.Origin, cp.Size = l.chain.Head().Origin(), h.Size-l.lag
		if cp.Root, err = l.w.Log.RootAt(ctx, tx, cp.Size); err != nil {
			return err
		}
		signer, err := (&charter.LogKey{Origin: cp.Origin, Private: l.key}).Signer()
		if err != nil {
			return err
		}
		cp.Note, err = note.Sign(&note.Note{Text: c2sp.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root}.String()}, signer)
		return err
	})
	return cp, err
}

func (l *ledgerOf) Signed(ctx context.Context) (Signed, error) {
	cp, err := l.checkpoint(ctx)
	return Signed{Note: cp.Note, Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: now.Add(-3 * time.Second),
		Signers: []Signer{{Name: cp.Origin, Role: "log"}, {Name: "witness.example/w"}}}, err
}

func (l *ledgerOf) Leaves(ctx context.Context, before int64, n int) (leaves [][]byte, first, size int64, err error) {
	err = l.w.DB.View(ctx, func(tx *store.Tx) error {
		h, err := l.w.Log.Head(ctx, tx)
		size = h.Size
		if before < 0 || before > size {
			before = size
		}
		first = max(0, before-int64(n))
		for i := first; err == nil && i < before; i++ {
			var leaf []byte
			leaf, err = l.w.Log.Leaf(ctx, tx, i)
			leaves = append(leaves, leaf)
		}
		return err
	})
	return leaves, first, size, err
}

func (l *ledgerOf) HasBody(ctx context.Context, index int64) (has bool, err error) {
	err = l.w.DB.View(ctx, func(tx *store.Tx) error {
		_, err := l.w.Log.Body(ctx, tx, index)
		has = err == nil
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		return err
	})
	return has, err
}

func (l *ledgerOf) Prove(ctx context.Context, index int64) (file []byte, err error) {
	cp, err := l.checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if index >= cp.Size {
		return nil, fs.ErrNotExist
	}
	raw, err := l.chain.Head().Bytes()
	if err != nil {
		return nil, err
	}
	err = l.w.DB.View(ctx, func(tx *store.Tx) (err error) {
		file, err = l.w.Log.BuildProof(ctx, tx, []ledger.Part{{Index: index, Role: "leaf"}}, cp, [][]byte{raw})
		return err
	})
	return file, err
}

func (l *ledgerOf) Operators() map[string]string {
	c := l.chain.Head().Charter()
	return map[string]string{c.Operator.Org: c.Operator.Slug}
}

// intakeOf is what came in: an import by hand, the sample, a feed that failed, files that were refused.
type intakeOf struct {
	imports int
	refused int
}

func (i intakeOf) Imports(_ context.Context, n int) (out []Import, _ error) {
	for k := range min(n, i.imports) {
		out = append(out, Import{Leaf: int64(2 * (i.imports - k)), Source: fmt.Sprintf("cves-%d.zip", i.imports-k), Digest: strings.Repeat("5b1c", 16), Sample: k == i.imports-1,
			Counts: map[string]int64{"added": int64(1200 + k), "updated": 3, "refused": 1}, Time: now.Add(-time.Duration(k) * time.Hour)})
	}
	return out, nil
}

func (i intakeOf) Refused(context.Context) (out []Refusal, _ error) {
	for k := range i.refused {
		r := Refusal{Source: "cves.zip", Path: fmt.Sprintf("cves/2024/%dxxx/CVE-2024-%d.json", k%9, 1000+k), Code: "invalid-json", Reason: "line 3, column 17: a comma is missing",
			SHA256: strings.Repeat("0f", 32), At: now.Add(-time.Hour)}
		if k%3 == 0 {
			r.Code, r.Reason, r.SHA256 = "a-new-code", "something that this program has no words for", ""
		}
		out = append(out, r)
	}
	return out, nil
}

func (i intakeOf) Jobs(context.Context) ([]Job, error) {
	return []Job{
		{Name: "sync cvelist", Last: now.Add(-3 * time.Minute), Next: now.Add(57 * time.Minute), Note: "3 added, 5 updated"},
		{Name: "sync kev", Last: now.Add(-9 * 24 * time.Hour), Next: now.Add(time.Minute), Failed: "no answer from the server"},
	}, nil
}

func TestLogPage(t *testing.T) {
	w := load(t)
	h := handler(t, w)
	p := fetch(t, h, "/log")
	size := w.list.Size(t)
	rows := p.all("table.leaves tbody tr")
	if int64(len(rows)) != min(size, onLog) {
		t.Fatalf("%d rows of %d entries", len(rows), size)
	}
	if got, want := p.all("table.leaves th a")[0].attr["href"], fmt.Sprintf("/log/%d", size-1); got != want || !strings.Contains(rows[0].words(), "CVE-") {
		t.Errorf("the newest entry is shown as %q, %q", got, rows[0].words())
	}
	if note := p.all("pre")[0].words(); !strings.Contains(note, fmt.Sprintf(" %d ", size)) || !strings.Contains(note, "— tasuki/") {
		t.Errorf("the checkpoint is shown as %q", note)
	}
	if says := p.one(t, "main").words(); !strings.Contains(says, "not a key of the charters") || !strings.Contains(says, "the log key that the charter names") {
		t.Error("the signatures are not told apart")
	}
}

func TestLogPagesFollowOneAnother(t *testing.T) {
	w := many(t, 130)
	h := handler(t, w)
	at, seen := "/log", map[string]bool{}
	for pages := 0; at != ""; pages++ {
		if pages > 5 {
			t.Fatal("no end")
		}
		p := fetch(t, h, strings.TrimSuffix(at, "#h-entries"))
		for _, a := range p.all("table.leaves th a") {
			if seen[a.attr["href"]] {
				t.Errorf("%s is listed twice", a.attr["href"])
			}
			seen[a.attr["href"]] = true
		}
		at = ""
		for _, a := range p.all("nav.pages a") {
			if a.attr["rel"] == "next" {
				at = a.attr["href"]
			}
		}
	}
	if int64(len(seen)) != w.list.Size(t) {
		t.Errorf("%d of %d entries are listed", len(seen), w.list.Size(t))
	}
}

func TestEntryPage(t *testing.T) {
	w := load(t)
	h := handler(t, w)
	size := w.list.Size(t)
	e := eventAt(t, w, size-1)
	p := fetch(t, h, fmt.Sprintf("/log/%d", size-1))
	says := p.one(t, "main").words()
	for _, want := range []string{e.ID, e.By, "bytes", "first", "curl", "tasuki verify record", "--body"} {
		if !strings.Contains(says, want) {
			t.Errorf("the entry does not say %q", want)
		}
	}
	links := map[string]bool{}
	for _, a := range p.all("main a") {
		links[a.attr["href"]] = true
	}
	for _, want := range []string{fmt.Sprintf("/cve/%s?size=%d", e.ID, size), fmt.Sprintf("/verify?leaf=%d", size-1), fmt.Sprintf("/log/%d.tlog-proof", size-1),
		fmt.Sprintf("/body/%x/%x", e.Body.H[:1], e.Body.H[:])} {
		if !links[want] {
			t.Errorf("no link to %s", want)
		}
	}
	// An erased body is said to be erased.
	w.list.Erase(t, size-1)
	if says := fetch(t, h, fmt.Sprintf("/log/%d", size-1)).one(t, "main").words(); !strings.Contains(says, "erased; only its hash remains") {
		t.Error("an erased body is not said to be")
	}
	if says := fetch(t, h, fmt.Sprintf("/log/%d", size)).one(t, "main").words(); !strings.Contains(says, "gdpr-17") {
		t.Errorf("the erasure says %q", says)
	}
	for _, path := range []string{"/log/99999", "/log/-1", "/log/01", "/log/x", "/log/1.5", "/log/99999.tlog-proof", "/log?entry=x", "/log?before=-1", "/log?before=00"} {
		if p := fetch(t, h, path); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	if p := fetch(t, h, "/log?entry=1,0"); p.header.Get("Location") != "/log/10" {
		t.Errorf("an index typed goes to %q", p.header.Get("Location"))
	}
}

func eventAt(t *testing.T, w *world, index int64) *event.Event {
	t.Helper()
	leaves, _, _, err := (&ledgerOf{w: w.list}).Leaves(context.Background(), index+1, 1)
	if err != nil || len(leaves) != 1 {
		t.Fatal(len(leaves), err)
	}
	leaf, err := ledger.ParseLeaf(leaves[0])
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Parse(leaf.Event)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestUnsignedEntriesSaySo(t *testing.T) {
	w := load(t)
	l := newLedger(t, w.list)
	l.lag = 1
	h := handlerOf(w, l, intakeOf{})
	p := fetch(t, h, fmt.Sprintf("/log/%d", w.list.Size(t)-1))
	if says := p.one(t, "main").words(); !strings.Contains(says, "No signed checkpoint covers this entry yet") || strings.Contains(says, "curl") {
		t.Error("an unsigned entry is offered for proof")
	}
	if says := fetch(t, h, "/log").one(t, "main").words(); !strings.Contains(says, "1 newer entry waits") {
		t.Errorf("the log does not say what waits: %s", says)
	}
	l.sign = false
	if says := fetch(t, h, "/log").one(t, "main").words(); !strings.Contains(says, "Nothing has been signed yet") {
		t.Error("a log without checkpoint does not say so")
	}
}

func TestSpreadChangesNothingButSpace(t *testing.T) {
	for _, raw := range []string{`{}`, `{"a":[],"b":{"c":[1,"x, {y}: \" \\"]}}`, `[{"a":1},[]]`, `not json {`, `"`, ``} {
		got := spread(raw)
		if strip(got) != strip(raw) {
			t.Errorf("%s became %s", raw, got)
		}
	}
	if got, want := spread(`{"a":1,"b":[2]}`), "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func strip(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }

// FuzzSpread: whatever a leaf holds, setting it out over lines only adds space.
func FuzzSpread(f *testing.F) {
	f.Add(`{"e":{"id":"CVE-2024-1"},"o":{"back":-1},"s":[]}`)
	f.Add(`"\`)
	f.Add(`}}]`)
	f.Fuzz(func(t *testing.T, raw string) {
		if got := spread(raw); strip(got) != strip(raw) {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}

func TestVerifyPage(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/verify?id=cve-2024-4879")
	if got := p.one(t, "#verify").attr["data-proof"]; got != "/proof/CVE-2024-4879" {
		t.Errorf("the proof is asked at %q", got)
	}
	if says := p.one(t, "main").words(); !strings.Contains(says, "Code from the server being checked proves little") || !strings.Contains(says, "--list-id LIST-ID-YOU-TRUST") {
		t.Error("the page does not say what it cannot prove")
	}
	if _, hidden := p.one(t, "#verify").attr["hidden"]; !hidden || len(p.all("noscript")) != 1 {
		t.Error("without a script the page offers what does nothing")
	}
	if got := fetch(t, h, "/verify?leaf=3").one(t, "#verify").attr["data-proof"]; got != "/log/3.tlog-proof" {
		t.Errorf("an entry's proof is asked at %q", got)
	}
	if p := fetch(t, h, "/verify?id=jelly"); p.status != http.StatusBadRequest {
		t.Errorf("%d for no id", p.status)
	}
	if p := fetch(t, h, "/verify?leaf=jelly"); p.status != http.StatusNotFound {
		t.Errorf("%d for no index", p.status)
	}
}

func TestSourcesPage(t *testing.T) {
	w := load(t)
	h := handlerOf(w, newLedger(t, w.list), intakeOf{imports: 30, refused: 120})
	p := fetch(t, h, "/sources")
	says := p.one(t, "main").words()
	for _, want := range []string{"CVE List", "It last answered 3 min ago", "The last attempt failed 9 days ago", "no answer from the server", "1,200 added, 3 updated, 1 refused",
		"120 files were not taken in", "80 not JSON invalid-json", "40 a-new-code"} {
		if !strings.Contains(says, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	follow := func(from string, selector string) int {
		seen := map[string]bool{}
		for at := from; at != ""; {
			at, _, _ = strings.Cut(at, "#")
			p := fetch(t, h, at)
			for _, row := range p.all(selector) {
				seen[row.words()] = true
			}
			at = ""
			for _, nav := range p.all("nav.pages") {
				for _, a := range nav.children {
					if a.attr["rel"] == "next" && strings.Contains(a.attr["href"], from[strings.Index(from, "?")+1:strings.Index(from, "=")]+"=") {
						at = a.attr["href"]
					}
				}
			}
		}
		return len(seen)
	}
	if n := follow("/sources?refused=0", "table.refused tbody th"); n != 120 {
		t.Errorf("%d of 120 refused files can be reached", n)
	}
	for _, path := range []string{"/sources?refused=-1", "/sources?imports=x", "/sources?imports=99999999"} {
		if p := fetch(t, h, path); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	if says := fetch(t, handlerOf(w, newLedger(t, w.list), intakeOf{}), "/sources").one(t, "main").words(); !strings.Contains(says, "Nothing has been imported yet") ||
		!strings.Contains(says, "No file is refused") {
		t.Error("an empty node does not say so")
	}
}
