package portal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/spec/cve/schema"
	"tasuki/spec/dsse"
)

// A key is added by an administrator alone; what it signed elsewhere is handed in here by whoever has it, and counts by its signature.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	admin, plain := w.signIn(t, "ann@acme.test"), w.signIn(t, "bob@acme.test")
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public := dsse.EncodeKey(key.Public().(ed25519.PublicKey))
	a1 := admin.get(t, "/portal/keys")
	a1.has(t, "No keys yet.")
	a2 := admin.submit(t, "/portal/keys", "/portal/keys/add", "key", "abc", "label", "node-eu")
	a2.has(t, "44 characters")
	admin.submit(t, "/portal/keys", "/portal/keys/add", "key", public, "label", "node-eu")
	a3 := admin.get(t, "/portal/keys")
	a3.has(t, public, "node-eu", "signs everything")
	a4 := admin.submit(t, "/portal/keys", "/portal/keys/add", "key", public, "label", "again")
	a4.has(t, "added before")
	a5 := plain.get(t, "/portal/keys")
	a5.lacks(t, "Add the key")

	id := admin.reserve(t, "1")[0]
	o, err := w.Acts.Org(t.Context(), authority.Caller{Role: authority.Operator}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	next, err := w.Acts.NextFor(t.Context(), id, "cna", o.ID)
	if err != nil {
		t.Fatal(err)
	}
	body, err := program.SignedBody([]byte(`{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}`), o.ID, o.Short)
	if err != nil {
		t.Fatal(err)
	}
	e := &event.Event{At: w.Clock.Now(), By: o.ID, List: gatetest.List, Kind: event.RecordPut, Cont: "cna", ID: id, DV: schema.Current, Reserved: next.Reserved, Short: "acme"}
	sub, err := event.Seal(rand.Reader, e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sub.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a6 := plain.submit(t, "/portal/keys", "/portal/keys/event", "event", strings.Replace(string(raw), `"sig":"`, `"sig":"A`, 1))
	a6.has(t, "does not verify")
	a7 := plain.submit(t, "/portal/keys", "/portal/keys/event", "event", "")
	a7.has(t, "Paste a signed event")
	plain.submit(t, "/portal/keys", "/portal/keys/event", "event", string(raw))
	got, err := w.Acts.ID(t.Context(), authority.Caller{Role: authority.Operator}, id)
	if err != nil || got.State != "PUBLISHED" {
		t.Errorf("handed in, and it is %+v (%v)", got, err)
	}
}
