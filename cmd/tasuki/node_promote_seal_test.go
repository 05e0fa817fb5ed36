package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/spec/dsse"
)

// appointed is a charter in which the board names another operator, with its key.
type appointed struct {
	document []byte
	doc      *charter.Document
	keyFile  string
}

// names lets the board name an operator at a place.
func (w *mirrored) names(slug, url string) appointed {
	t := w.t
	t.Helper()
	board, err := charter.ReadBoardKey(filepath.Join(w.options.dir, boardKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	private, err := charter.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := charter.LogKey{Private: private}
	doc, err := w.operator.chain.Amend(time.Now, func(c *charter.Charter) {
		c.Operator.Epoch++
		c.Operator.Slug, c.Operator.URL, c.Operator.Key = slug, url, dsse.EncodeKey(key.Public())
	})
	if err != nil {
		t.Fatal(err)
	}
	doc.Sign(board.ID, board.Private)
	key.Origin = doc.Origin()
	n := appointed{doc: doc, keyFile: filepath.Join(t.TempDir(), "next.key")}
	if err := key.WriteFile(n.keyFile); err != nil {
		t.Fatal(err)
	}
	if n.document, err = doc.Bytes(); err != nil {
		t.Fatal(err)
	}
	return n
}

// promotes makes mirror i the operator that a charter names, and lets it work.
func (w *mirrored) promotes(i int, n appointed, r PromoteRequest) (*kitNode, PromoteSummary) {
	t := w.t
	t.Helper()
	w.places[i].let(nil)
	w.stops[i]()
	dir := w.mirrors[i].dir.Path
	w.mirrors[i].close(t)
	held, err := openDataDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	config := defaultConfig()
	config.BaseURL = w.places[i].url
	r.Key, r.Wait = n.keyFile, time.Minute
	setup := Setup{Config: config, Dir: held, Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader}
	sum, err := promoteNode(t.Context(), setup, r, quiet{})
	if err := errors.Join(err, held.Close()); err != nil {
		t.Fatal(err)
	}
	k := openKit(t, kitOptions{dir: dir, level: "error"})
	k.run(t)
	w.places[i].let(k)
	return k, sum
}

// An operator that lives hands over in good order: nothing more is taken in, everything is published, it seals and serves on, its mirrors seal by what they
// find there, the successor goes on from the very last leaf, and whoever wrote or read goes on there. What was the operator stays one no longer, whichever
// copy of it comes back.
func TestHandOverInGoodOrder(t *testing.T) {
	t.Parallel() // it waits more than it works
	keeper, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	escrowKey := filepath.Join(t.TempDir(), "escrow.key")
	if err := os.WriteFile(escrowKey, []byte(keeper.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &privateWorld{t: t, secrets: secretsOf{}, orgs: map[string]string{}}
	var ann somebody
	w := newMirrored(t, 3, 2, kitOptions{}, func(k *kitNode) {
		p.k = k
		root := somebody{"sec", "root@sec.test", "a-secret-that-is-long-enough"}
		if _, err := asOperator[foundedAnswer](t, k, "authority init", foundRequest{Short: root.org, Name: "Secretariat", User: root.user, First: "R", Last: "T",
			Secret: root.key, Years: []int64{2026}}); err != nil {
			t.Fatal(err)
		}
		p.ok(root, http.MethodPost, "/api/org", `{"short_name":"acme","name":"Acme","authority":{"active_roles":["CNA"]},"policies":{"id_quota":100}}`)
		ann = p.person(root, "acme")
	}, func(c *charter.Charter) { c.Escrow = []string{keeper.Recipient().String()} })
	w.work()
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	client := w.client(w.places[1].url, w.places[2].url)
	publish := func(id string) {
		t.Helper()
		r := p.call(&p.inside, ann, http.MethodPost, "/api/cve/"+id+"/cna", `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":`+
			`[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}}`)
		if r.Code != http.StatusOK || r.Header().Get("Tasuki-Ack") != "durable" {
			t.Fatalf("%s: %d %v %s", id, r.Code, r.Header(), r.Body)
		}
	}
	p.k = w.operator
	ids := p.reserve(ann, "acme", 2, "sequential")
	publish(ids[0])

	// Until enough mirrors cover what is written, nothing is sealed, and the list goes on.
	next := w.names("second", w.places[0].url)
	w.places[1].pass(func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.WriteHeader(http.StatusServiceUnavailable)
	})
	w.stops[1]()
	w.stops[2]()
	w.heartbeat()
	seal := func(seconds int64) (sealAnswer, error) {
		return asOperator[sealAnswer](t, w.operator, "seal now", sealRequest{Document: string(next.document), Seconds: seconds})
	}
	if got, err := seal(1); !errors.Is(err, errUnpublished) || w.operator.readOnly() != "" {
		t.Errorf("sealed without a quorum: %+v, %v, %q", got, err, w.operator.readOnly())
	}
	w.places[1].pass(nil)
	w.stops[1], w.stops[2] = w.mirrors[1].run(t), w.mirrors[2].run(t)

	old := w.operator.chain.Opening().Origin()
	sealed, err := seal(60)
	if err != nil || sealed.Origin != old || sealed.Size != sealed.Published || sealed.Operator != "second" {
		t.Fatalf("%+v, %v", sealed, err)
	}
	if _, err := seal(1); !errors.Is(err, charter.ErrKnown) {
		t.Errorf("a second time: %v", err)
	}
	if r := p.call(&p.inside, ann, http.MethodPost, "/api/cve-id?amount=1&short_name=acme&cve_year=2026", ""); r.Code/100 != 5 {
		t.Errorf("it takes writes in: %d %s", r.Code, r.Body)
	}
	if health := string(w.operator.get(t, "/health")); !strings.Contains(health, "ends this epoch: epoch 3 is of second") {
		t.Errorf("/health: %s", health)
	}
	if !strings.Contains(string(w.operator.get(t, "/charter/")), next.doc.FileName()) {
		t.Error("it does not show the charter")
	}
	for i, m := range w.mirrors {
		soon(t, time.Minute, func() string {
			if got := m.mirrorState(t); !slices.Contains(got.Sealed, old) {
				return fmt.Sprintf("mirror %d has not sealed", i+1)
			}
			return ""
		})
		if got, err := asOperator[sealsAnswer](t, m, "seal show", struct{}{}); err != nil || len(got.Seals) != 1 || got.Seals[0].Size != sealed.Size ||
			!strings.HasPrefix(got.Seals[0].Note, "tasuki-seal/v1\n") {
			t.Errorf("mirror %d: %+v, %v", i+1, got, err)
		}
	}

	if got, err := w.operator.doctor(t.Context(), struct{}{}, nil); err != nil || got.Role != "former operator" || !finds(got, levelOK, "keys") {
		t.Errorf("doctor: %+v, %v", got, err)
	}
	situation, err := w.operator.situation(t.Context())
	if err != nil || situation.Role != "former operator" || continuity.Counted(situation.Mirrors) < 2 {
		t.Errorf("%+v, %v", situation, err)
	}
	if page := string(w.operator.get(t, "/mirrors")); !strings.Contains(page, "runs the list no more") || !strings.Contains(page, next.doc.Charter().Operator.URL) {
		t.Errorf("/mirrors: %s", page)
	}

	successor, sum := w.promotes(0, next, PromoteRequest{EscrowKey: []string{escrowKey}})
	if !sum.Opened || sum.Size != sealed.Size || sum.Reports < 2 {
		t.Fatalf("opened %+v, sealed %+v", sum, sealed)
	}
	soon(t, time.Minute, func() string { return successor.readOnly() })
	p.k = successor
	publish(ids[1]) // with the key and the reservation that ann had before
	for _, id := range ids {
		successor.get(t, "/api/cve/"+id)
	}
	size, err := successor.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client.accepts(t, size)
	client.get(t, "/api/cve/"+ids[1])
	if got := client.reading(t); got.Hold != nil {
		t.Errorf("the client: %+v", got.Hold)
	}

	w.close()
	w.operator = openKit(t, w.options)
	w.stop = w.operator.run(t)
	if why := w.operator.readOnly(); !strings.Contains(why, "the key there is of "+old) || w.operator.maySign() {
		t.Errorf("after a start it says %q", why)
	}
}

// The board's charter reaches a mirror, and from there everybody: the operator that lives stops by itself and serves on. A copy of it from before, as a backup
// brings one back, hears of its successor from its mirrors before it signs.
func TestOperatorHearsOfItsSuccessor(t *testing.T) {
	w := newMirrored(t, 3, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	w.close()
	twin := copyOf(t, w.options.dir)
	w.reopen()
	w.signs()
	next := w.names("second", w.places[0].url)
	if _, err := w.mirrors[1].follower.Offer(t.Context(), next.document); err != nil {
		t.Fatal(err)
	}
	stopped := func() {
		t.Helper()
		w.refuses("ends this epoch: epoch 3 is of second")
		before := w.lastSigned()
		if err := w.operator.emit(t.Context(), &event.Event{Kind: event.Heartbeat}, nil); !errors.Is(err, authority.ErrSealed) {
			t.Errorf("it takes writes in: %v", err)
		}
		if got := w.lastSigned(); got.Size != before.Size {
			t.Errorf("signed %d leaves", got.Size)
		}
		if r := w.operator.ask("/pending?after=0&wait=30"); r.Code != http.StatusNotFound {
			t.Errorf("it lets followers wait: %d", r.Code)
		}
		w.operator.get(t, "/checkpoint")
		w.close()
	}
	stopped()
	successor, sum := w.promotes(0, next, PromoteRequest{NoEscrow: true})
	if !sum.Opened {
		t.Fatalf("%+v", sum)
	}
	soon(t, time.Minute, func() string {
		if cp := successor.checkpoint.Load(); cp == nil || cp.Origin != next.doc.Origin() {
			return "nothing is published by the successor"
		}
		return ""
	})
	w.options.dir = twin
	w.reopen()
	stopped()
}
