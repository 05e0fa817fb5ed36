package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/spec/dsse"
)

// What a dishonest operator, or an honest one with an old backup, can do to a list: nothing that goes unseen. Real nodes over HTTP. Who refuses and names
// what an operator does, and which test shows it; "stock" is interop's TestStockWitnessRefusesAnOldCopy, with real processes and the reference witness:
//
//	                     mirror                         witness                              client
//	rewrites             MirrorsOutliveAnOldBackup (2)  stock (2)                            ClientHoldsWhereAQuorumGoesBack, ClientIgnoresWhatDoesNotCount (3)
//	truncates            MirrorsOutliveAnOldBackup (1)  stock (1)                            ClientIgnoresWhatDoesNotCount (1)
//	equivocates          MirrorsOutliveASplitView       stock (2), witness.TwoHistoriesAtOnce ClientHoldsWhereAQuorumGoesBack, ClientIgnoresWhatDoesNotCount (2)
//	withholds a body     MirrorNamesAWithheldBody       WitnessIsAskedAfterMirrors (1)       ClientNamesWhatBreaksRules (1)
//	forges an event      MirrorNamesAForgedEvent        WitnessIsAskedAfterMirrors (2)       ClientNamesWhatBreaksRules (2)
//	restores an old copy MirrorsOutliveAnOldBackup      stock                                ClientHoldsWhereAQuorumGoesBack
//
// A number is the part of the test. A witness sees trees and never what is in them: it is not asked for what mirrors refuse.

// until waits for a mirror to say why it goes no further.
func (w *mirrored) until(i int, part string) mirrorAnswer {
	w.t.Helper()
	var got mirrorAnswer
	soon(w.t, time.Minute, func() string {
		got = w.mirrors[i].mirrorState(w.t)
		if strings.Contains(got.Problem+got.Stopped+got.Hold, part) {
			return ""
		}
		return "mirror says: " + got.Problem + " | " + got.Stopped + " | " + got.Hold
	})
	return got
}

// tampered changes the plain items of a body bundle on their way.
func tampered(change func(index int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte)) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, door http.Handler) {
		if !strings.HasPrefix(r.URL.Path, "/bodies/") {
			door.ServeHTTP(w, r)
			return
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		r.URL.RawQuery = fmt.Sprintf("from=%d", from) // not packed
		r.Header.Del("Accept-Encoding")
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, r)
		var out []byte
		for i, body := from, bytes.NewReader(rec.Body.Bytes()); ; i++ {
			mark, salt, raw, err := ledger.ReadItem(body)
			if err != nil {
				break
			}
			mark, salt, raw = change(i, mark, salt, raw)
			if out, err = ledger.AppendItem(out, mark, salt, raw); err != nil {
				break
			}
		}
		_, _ = w.Write(out)
	}
}

// A body that is held back, or changed, is not stored, and nothing that covers it counts. When it comes after all, the list goes on.
func TestMirrorNamesAWithheldBody(t *testing.T) {
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { k.bringSample(t) }, nil)
	w.operate()
	last := -1
	for _, hostile := range []struct {
		name, says string
		change     func(index int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte)
	}{
		{"held back", "is withheld: it is not there", func(i int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte) {
			if i == 200 {
				return ledger.BodyErased, salt, nil
			}
			return mark, salt, raw
		}},
		{"changed", "is withheld: what is in its place", func(i int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte) {
			if i == 200 {
				raw = bytes.Replace(raw, []byte("e"), []byte("3"), 1)
			}
			return mark, salt, raw
		}},
	} {
		w.at.pass(tampered(hostile.change))
		if last < 0 {
			w.mirror(0, kitOptions{})
		}
		last++
		got := w.until(0, hostile.says)
		if got.Cosigned != 0 || got.Published != 0 || got.Size > 200 {
			t.Errorf("%s: %+v", hostile.name, got)
		}
	}
	w.at.pass(nil)
	w.published()
	w.caughtUp(0)
	if got := w.mirrors[0].mirrorState(t); got.Problem != "" {
		t.Errorf("it goes on: %+v", got)
	}
	w.mirrors[0].sound(t)
}

// An event of an authority that attests for itself and has not signed it is not stored; what stands before it is. The refusal is named by leaf and rule,
// kept as evidence, and nothing that covers the leaf ever counts.
func TestMirrorNamesAForgedEvent(t *testing.T) {
	var org, id string
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { org, id = selfAttested(t, k) }, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	before, err := w.operator.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.heartbeat()
	w.operator.forge(t, org, id)
	got := w.until(0, "attest")
	if got.Size != before+1 || got.Cosigned > before+1 || !contains(evidenceOf(t, w.mirrors[0]), "refusal: leaf ") {
		t.Errorf("%+v, evidence %q", got, evidenceOf(t, w.mirrors[0]))
	}
	if strings.Contains(got.Stopped, "never said") || !strings.Contains(got.Stopped, "has not signed it") {
		t.Errorf("its reason: %s", got.Stopped)
	}
	if cp := w.operator.checkpoint.Load(); cp.Size > before+1 {
		t.Errorf("%d leaves count", cp.Size)
	}
	if r := w.mirrors[0].ask("/api/cve_count"); r.Code != http.StatusOK {
		t.Errorf("it does not serve on: %d", r.Code)
	}
}

// forge lets a node's operator say something in the name of an authority that has not signed it.
func (k *kitNode) forge(t *testing.T, org, id string) {
	t.Helper()
	doc, err := k.gate.Pack(event.RecordPut, []byte(`{"descriptions":[{"lang":"en","value":"It was never said."}],"affected":[],"references":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.emit(t.Context(), &event.Event{Kind: event.RecordPut, By: org, ID: id, Cont: "cna", DV: "5.2.0", Prev: k.newestPut(t, id)}, doc); err != nil {
		t.Fatal(err)
	}
}

// selfAttested makes a Secretariat, and a CNA that has published a record and lets nobody but its own keys speak for it since: its UUID, and the record's
// identifier.
func selfAttested(t *testing.T, k *kitNode) (org, id string) {
	t.Helper()
	p := &privateWorld{t: t, k: k, secrets: secretsOf{}, orgs: map[string]string{}}
	root := somebody{"sec", "root@sec.test", "a-secret-that-is-long-enough"}
	if _, err := asOperator[foundedAnswer](t, k, "authority init", foundRequest{Short: root.org, Name: "Secretariat", User: root.user, First: "R", Last: "T",
		Secret: root.key, Years: []int64{2026}}); err != nil {
		t.Fatal(err)
	}
	p.ok(root, http.MethodPost, "/api/org", `{"short_name":"acme","name":"Acme","authority":{"active_roles":["CNA"]},"policies":{"id_quota":100}}`)
	ann := p.person(root, "acme")
	id = p.reserve(ann, "acme", 1, "")[0]
	p.ok(ann, http.MethodPost, "/api/cve/"+id+"/cna", `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}}`)
	key, err := charter.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := dsse.EncodeKey(key.Public().(ed25519.PublicKey))
	err = k.acts.AddKey(t.Context(), operator("test"), program.NewKey{Org: "acme", Key: public, Label: "node", Use: event.UseEvents})
	if err == nil {
		err = k.acts.SetAttest(t.Context(), operator("test"), "acme", event.AttestSelf)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k.mustOrg(t, "acme").ID, id
}

// newestPut is the event hash of the newest leaf about an identifier.
func (k *kitNode) newestPut(t *testing.T, id string) (hash string) {
	t.Helper()
	err := k.db.View(t.Context(), func(tx *store.Tx) error {
		index, err := k.ledger.Last(t.Context(), tx, id)
		if err != nil {
			return err
		}
		raw, err := k.ledger.Leaf(t.Context(), tx, index)
		if err != nil {
			return err
		}
		leaf, err := ledger.ParseLeaf(raw)
		if err == nil {
			said := ledger.EventHash(leaf.Event)
			hash = hex.EncodeToString(said[:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// An old backup that is brought back shows less than was signed: its mirrors say so, and hold what they hold. An operator that goes on from there with
// other leaves contradicts what it has signed: both notes are kept, and it gets no cosignature any more.
func TestMirrorsOutliveAnOldBackup(t *testing.T) {
	t.Parallel() // it waits more than it works
	w := newMirrored(t, 1, 1, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	w.close()
	old := filepath.Join(t.TempDir(), "old")
	copyTree(t, w.options.dir, old)
	w.reopen()
	for range 3 {
		w.heartbeat()
	}
	w.published()
	w.caughtUp(0)
	newest := w.operator.checkpoint.Load().Size
	w.close()

	w.options.dir = old
	back := openKit(t, w.options)
	w.at.let(back) // it signs nothing by itself: nobody lets it work
	w.until(0, "an older copy of it came back")
	if got := w.mirrors[0].mirrorState(t); got.Size != newest || got.Published != newest || got.Stopped != "" {
		t.Errorf("the old copy is shown: %+v", got)
	}
	for range 5 {
		if err := back.emit(t.Context(), &event.Event{Kind: event.Heartbeat}, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if _, _, err := back.signer.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := w.until(0, "neither contains the other")
	if got.Size != newest || got.Cosigned != newest || got.Published != newest || !contains(evidenceOf(t, w.mirrors[0]), "fork: ") {
		t.Errorf("the fork is signed: %+v, evidence %q", got, evidenceOf(t, w.mirrors[0]))
	}
	if r := w.mirrors[0].ask("/checkpoint"); !strings.Contains(r.Body.String(), "\n"+fmt.Sprint(newest)+"\n") {
		t.Errorf("it serves %s", r.Body)
	}
}

// A log that shows two of its mirrors one branch and the third another: the branch with the quorum counts, the third keeps both notes, drops the leaves of
// its branch and never helps that log again. No reader ever saw the other branch published.
func TestMirrorsOutliveASplitView(t *testing.T) {
	t.Parallel() // it waits more than it works
	w := newMirrored(t, 3, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	w.close()
	other := filepath.Join(t.TempDir(), "other")
	copyTree(t, w.options.dir, other)
	// The third is shown a log of its own.
	w.stops[2]()
	w.mirrors[2].close(t)
	o := w.options
	o.dir = other
	twin := openKit(t, o)
	aside := newPlace(t)
	aside.let(twin)
	for range 2 {
		if err := twin.emit(t.Context(), &event.Event{Kind: event.Heartbeat}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := twin.signer.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	size, err := twin.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.sources = []string{aside.url}
	third := w.mirror(2, kitOptions{dir: w.mirrors[2].dir.Path})
	w.places[2].let(nil) // nobody hears of the other branch from it, the operator that starts neither
	soon(t, time.Minute, func() string {
		if n, err := third.size(t.Context()); err != nil || n < size {
			return "the third has not taken the other branch in"
		}
		return ""
	})
	w.sources = nil
	w.reopen()
	time.Sleep(5 * time.Millisecond) // other times in its leaves
	for range 3 {
		w.heartbeat()
	}
	w.published()
	want := w.operator.checkpoint.Load()
	soon(t, time.Minute, func() string {
		if got := third.mirrorState(t); !strings.Contains(got.Stopped, "neither contains the other") || got.Size >= size {
			return fmt.Sprintf("the third has not left its branch: %+v", got)
		}
		return ""
	})
	if got := third.mirrorState(t); got.Published > want.Size-3 {
		t.Errorf("the third: %+v", got)
	}
	if !contains(evidenceOf(t, third), "fork: ") {
		t.Errorf("no evidence: %q", evidenceOf(t, third))
	}
	if tails, err := filepath.Glob(filepath.Join(third.dir.Path, "tail-*")); err != nil || len(tails) != 1 {
		t.Errorf("the leaves that were dropped: %q", tails)
	}
	third.sound(t)
}

// close ends the operator's node.
func (w *mirrored) close() {
	w.t.Helper()
	w.at.let(nil)
	w.stop()
	w.operator.close(w.t)
}

// reopen lets the operator work again.
func (w *mirrored) reopen() {
	w.t.Helper()
	w.operate()
}

// copyTree copies a data directory that nobody holds.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close() //nolint:errcheck // only read
		out, err := os.OpenFile(filepath.Join(to, rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if cerr := out.Close(); err == nil {
			err = cerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
