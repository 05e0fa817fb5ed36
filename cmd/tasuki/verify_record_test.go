package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/spec/c2sp"
)

// publisher is a node that gives out identifiers, with a Secretariat, a CNA and an ADP.
type publisher struct {
	*kitNode
	callers map[string]authority.Caller
}

func openPublisher(t *testing.T, o kitOptions) *publisher {
	t.Helper()
	p := &publisher{kitNode: openKit(t, o), callers: map[string]authority.Caller{}}
	p.run(t)
	for short, roles := range map[string][]authority.OrgRole{"secretariat": {authority.Secretariat, authority.CNA}, "acme": {authority.CNA}, "adp": {authority.ADP}} {
		if _, err := p.acts.RegisterOrg(t.Context(), writer, authority.NewOrg{Short: short, Name: short, Roles: roles}); err != nil {
			t.Fatal(err)
		}
		_, key, err := p.acts.AddUser(t.Context(), writer, short, authority.NewUser{Username: "ann@" + short})
		if err != nil {
			t.Fatal(err)
		}
		if p.callers[short], err = p.acts.Login(t.Context(), short, "ann@"+short, key, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.acts.OpenRange(t.Context(), p.callers["secretariat"], 2026); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *publisher) reserve(t *testing.T) string {
	t.Helper()
	batch := "sequential"
	out, err := p.acts.Reserve(t.Context(), p.callers["acme"], program.Reservation{Owner: "acme", Year: 2026, Amount: 1, Batch: &batch})
	if err != nil {
		t.Fatal(err)
	}
	return out.IDs[0].ID
}

const ownContainer = `{"title":"Rockets explode %s","descriptions":[{"lang":"en","value":"A flaw in ownword."}],` +
	`"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}`

func (p *publisher) publish(t *testing.T, by, id, word string, want program.Want) {
	t.Helper()
	body := strings.Replace(ownContainer, "%s", word, 1)
	if _, err := p.acts.Publish(t.Context(), p.callers[by], program.Submission{ID: id, Container: jsontext.Value(body), Want: want}); err != nil {
		t.Fatal(err)
	}
}

func (p *publisher) enrich(t *testing.T, id, word string) {
	t.Helper()
	body := `{"title":"` + word + `","references":[{"url":"https://adp.test/1"}]}`
	if _, _, err := p.acts.PutADP(t.Context(), p.callers["adp"], program.Submission{ID: id, Container: jsontext.Value(body)}); err != nil {
		t.Fatal(err)
	}
}

func (p *publisher) reject(t *testing.T, id string) {
	t.Helper()
	body := `{"rejectedReasons":[{"lang":"en","value":"No flaw at all."}]}`
	if _, err := p.acts.Reject(t.Context(), p.callers["acme"], program.Submission{ID: id, Container: jsontext.Value(body), Want: program.WantOne}); err != nil {
		t.Fatal(err)
	}
}

// fetch asks the node as a stranger does.
func (p *publisher) fetch(t *testing.T, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	p.door.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://tasuki"+path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// verdict is what "tasuki verify record" says of files.
func verdict(t *testing.T, proof, record []byte, bodies ...[]byte) (out verifiedJSON, err error) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, raw []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := VerifyRecordCmd{File: file("proof", proof), JSON: true}
	if record != nil {
		c.Record = file("record", record)
	}
	for i, body := range bodies {
		c.Body = append(c.Body, file("body"+string(rune('a'+i)), body))
	}
	var text bytes.Buffer
	if err := c.Run(&Program{Stdout: &text, Stderr: &text}); err != nil {
		return out, err
	}
	return out, json.Unmarshal(text.Bytes(), &out)
}

type verifiedJSON struct {
	Leaves []provedLeaf `json:"leaves"`
	Record *madeRecord  `json:"record"`
}

func (v verifiedJSON) roles() (out []string) {
	for _, l := range v.Leaves {
		out = append(out, l.Role)
	}
	return out
}

// A record of this list is proved by its proof and its own text, whoever put which part of it; and by nothing else.
func TestProofOfParts(t *testing.T) {
	p := openPublisher(t, kitOptions{})
	id := p.reserve(t)
	p.publish(t, "secretariat", id, "once", program.WantNone) // for acme, whose identifier it is
	p.enrich(t, id, "seen")
	old, oldProof := p.fetch(t, "/cve/"+id+".json"), p.fetch(t, "/proof/"+id)
	p.publish(t, "acme", id, "twice", program.WantOne)
	record, proof := p.fetch(t, "/cve/"+id+".json"), p.fetch(t, "/proof/"+id)

	v, err := verdict(t, proof, record)
	adp := "adp:" + p.callers["adp"].Org
	if err != nil || v.Record == nil || !v.Record.Same || v.Record.State != "PUBLISHED" || !slices.Equal(v.roles(), []string{"cna", adp, "cna", "owner"}) {
		t.Fatalf("%+v (%v)", v, err)
	}
	for i, want := range []string{"not given", "verified", "verified", "none"} { // what was replaced is nowhere any more
		if v.Leaves[i].Body != want {
			t.Errorf("leaf %d: body %s, want %s", v.Leaves[i].Index, v.Leaves[i].Body, want)
		}
	}
	var spread jsontext.Value = bytes.Clone(record)
	if err := spread.Indent(); err != nil {
		t.Fatal(err)
	}
	if _, err := verdict(t, proof, spread); err != nil {
		t.Errorf("set out over lines: %v", err)
	}
	if _, err := verdict(t, oldProof, old); err != nil {
		t.Errorf("as it was: %v", err)
	}
	for name, raw := range map[string][]byte{"another version": old, "another title": bytes.Replace(record, []byte("twice"), []byte("thrice"), 1),
		"another assigner":      bytes.Replace(record, []byte(`"assignerOrgId":"`+p.callers["acme"].Org), []byte(`"assignerOrgId":"`+p.callers["secretariat"].Org), 1),
		"another date":          bytes.Replace(record, []byte(`"dateReserved":"2`), []byte(`"dateReserved":"1`), 1),
		"without what ADPs say": bytes.Replace(record, []byte(`,"adp":[`), []byte(`,"x_adp":[`), 1)} {
		if bytes.Equal(raw, record) {
			t.Fatalf("%s: nothing changed", name)
		}
		if v, err := verdict(t, proof, raw); !errors.Is(err, errOther) {
			t.Errorf("%s: %+v (%v)", name, v, err)
		}
	}

	// Bodies alone make the record too, in any order.
	var bodies [][]byte
	for _, l := range v.Leaves[:3] {
		bodies = slices.Insert(bodies, 0, p.fetch(t, "/body/"+l.BodyHash[:2]+"/"+l.BodyHash))
	}
	if got, err := verdict(t, oldProof, nil, bodies[1:]...); err == nil && got.Record != nil {
		// The owner is nobody's who put anything, and without the record nobody else is named.
		t.Errorf("without the assigner: %+v", got.Record)
	} else if !errors.Is(err, errOther) {
		t.Errorf("without the assigner: %v", err)
	}
	if _, err := verdict(t, proof, nil, bodies[0], bodies[0]); !errors.Is(err, ledger.ErrBody) {
		t.Errorf("a body twice: %v", err)
	}
	if v, err := verdict(t, proof, nil, bodies[0]); err != nil || v.Record != nil || v.Leaves[2].Body != "verified" {
		t.Errorf("one body: %+v (%v)", v, err)
	}

	// A proof with parts out of place, missing, or under other names is none of the record.
	parts, err := c2sp.ParseProofs(proof, 9)
	if err != nil {
		t.Fatal(err)
	}
	join := func(parts ...c2sp.Proof) (file []byte) {
		for _, one := range parts {
			file = one.Append(file)
		}
		return file
	}
	renamed := parts[1]
	renamed.Extra = bytes.Replace(renamed.Extra, []byte(`"role":"adp:`), []byte(`"role":"adp:x`), 1)
	for name, doctored := range map[string][]byte{"another order": join(parts[0], parts[2], parts[1], parts[3]), "a part twice": join(parts[0], parts[1], parts[1], parts[2], parts[3]),
		"no ADP": join(parts[0], parts[2], parts[3]), "no owner": join(parts[:3]...), "another role": join(parts[0], renamed, parts[2], parts[3])} {
		if v, err := verdict(t, doctored, record); !errors.Is(err, errParts) && !errors.Is(err, errOther) {
			t.Errorf("%s: %+v (%v)", name, v, err)
		}
	}

	// What was erased is said, and what is left can be proved.
	if err := erase(p.node, v.Leaves[2].Index); err != nil {
		t.Fatal(err)
	}
	if v, err = verdict(t, p.fetch(t, "/proof/"+id), nil); err != nil || v.Leaves[2].Body != "erased" {
		t.Errorf("erased: %+v (%v)", v, err)
	}
	if _, err = verdict(t, p.fetch(t, "/proof/"+id), record); !errors.Is(err, errOther) {
		t.Errorf("erased, with the record as it was: %v", err)
	}
}

// Over an imported document, the document is needed too: nothing that is served shows it any more.
func TestProofOverABase(t *testing.T) {
	p := openPublisher(t, kitOptions{})
	if _, err := p.Import(t.Context(), ImportRequest{Paths: []string{sampleFiles(t, 1)}}, nil, quiet{}); err != nil {
		t.Fatal(err)
	}
	var id string
	var base []byte
	err := p.catalogue.Each(t.Context(), func(v *catalogue.View) (err error) { id = v.ID; base, err = v.Raw(); return err })
	if err != nil {
		t.Fatal(err)
	}
	proof := p.fetch(t, "/proof/"+id)
	for name, bodies := range map[string][][]byte{"as the record": nil, "as the body": {base}} {
		record := base
		if bodies != nil {
			record = nil
		}
		if v, err := verdict(t, proof, record, bodies...); err != nil || v.Record == nil || v.Leaves[0].Body != "verified" {
			t.Errorf("the document %s: %+v (%v)", name, v, err)
		}
	}
	if _, err := verdict(t, proof, append(bytes.Clone(base), '\n')); !errors.Is(err, ledger.ErrBody) {
		t.Errorf("another document: %v", err)
	}
	err = do(p.node, func(ctx context.Context, turn *gate.Turn) error {
		doc, err := turn.Pack(event.RecordPut, []byte(`{"providerMetadata":{"orgId":"a"},"title":"put"}`))
		if err != nil {
			return err
		}
		_, err = turn.Emit(ctx, &event.Event{Kind: event.RecordPut, ID: id, Cont: "adp", DV: "5.2.0", By: "a"}, doc)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	proof, record := p.fetch(t, "/proof/"+id), p.fetch(t, "/cve/"+id+".json")
	_, err = verdict(t, proof, record)
	leaf, _ := ledger.VerifyProof(proof, ledger.ProofOptions{Trust: AllowTest{}.trustChain})
	h := hex.EncodeToString(leaf.Parts[0].BodyHash[:])
	if !errors.Is(err, errOther) || !strings.Contains(err.Error(), "/body/"+h[:2]+"/"+h) {
		t.Errorf("without the base: %v", err)
	}
	if v, err := verdict(t, proof, record, base); err != nil || !v.Record.Same || !slices.Equal(v.roles(), []string{"base", "adp:a"}) {
		t.Errorf("%+v (%v)", v, err)
	}
	// One leaf of it, whatever it is about.
	single := p.fetch(t, "/log/1.tlog-proof")
	if v, err := verdict(t, single, nil); err != nil || v.Record != nil || !slices.Equal(v.roles(), []string{"leaf"}) {
		t.Errorf("%+v (%v)", v, err)
	}
	if _, err := verdict(t, single, record); !errors.Is(err, errParts) {
		t.Errorf("a record for the proof of a leaf: %v", err)
	}
}
