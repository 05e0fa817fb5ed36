package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/authority"
	"tasuki/internal/drafts"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Every private value of a busy node carries a marker; none of them is in anything that a stranger can read, in what the node says of
// itself, or in what it logs, in any usual spelling.
func TestNothingPrivateIsPublic(t *testing.T) {
	if testing.Short() {
		t.Skip("reads everything that a busy node says")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := kitOptions{level: "debug", log: new(kitLog)}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		k := openKit(t, o)
		k.bringSample(t)
		stop := k.run(t)
		p := &privateWorld{t: t, k: k, secrets: secretsOf{}, orgs: map[string]string{}}
		p.busy()
		size, err := k.size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "signed", func() bool { c := k.checkpoint.Load(); return c != nil && c.Size >= size })
		p.committed()
		p.public()
		stop()

		if n := len(p.secrets.found(p.inside.Bytes())); n < 20 {
			t.Errorf("only %d private values are in what those who may see them got", n)
		}
		for name, text := range map[string][]byte{"what strangers read": p.out.Bytes(), "the node's log": []byte(o.log.String())} {
			t.Logf("%s: %d bytes, looked through for %d private values", name, len(text), len(p.secrets))
			if found := p.secrets.found(text); len(found) > 0 {
				t.Errorf("%s: %d private values are in it:\n%s", name, len(found), strings.Join(found, "\n"))
			}
			if found := foundNumbers(text, p.quotas); len(found) > 0 {
				t.Errorf("%s: quotas %v are in it", name, found)
			}
		}
	})
}

// privateWorld is a node with people at work.
type privateWorld struct {
	t       *testing.T
	k       *kitNode
	secrets secretsOf
	quotas  []string
	orgs    map[string]string // UUID by short name
	held    []string          // identifiers that stay reserved
	shown   string            // one that was published
	hidden  []string          // cases about them
	serial  int

	stranger somebody // of an organisation that has nothing to do with the others

	out    bytes.Buffer // what strangers were told
	inside bytes.Buffer // what those who may know were told
}

// mark is a new private value.
func (p *privateWorld) mark(what string) string {
	p.serial++
	sum := sha256.Sum256([]byte(fmt.Sprint("marker ", p.serial)))
	value := "zq" + hex.EncodeToString(sum[:])[:14]
	p.keep(what, value)
	return value
}

func (p *privateWorld) keep(what, value string) {
	p.serial++
	p.secrets[fmt.Sprintf("%s %d", what, p.serial)] = value
}

func (p *privateWorld) quota() int64 {
	p.serial++
	n := 71_000 + int64(p.serial)*37
	p.quotas = append(p.quotas, fmt.Sprint(n))
	return n
}

// somebody is who asks: an organisation, a user and a key, or nobody.
type somebody struct{ org, user, key string }

// call sends a request and writes the answer, headers and all, to where it belongs.
func (p *privateWorld) call(to *bytes.Buffer, who somebody, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://tasuki"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if who.org != "" {
		r.Header.Set("CVE-API-ORG", who.org)
		r.Header.Set("CVE-API-USER", who.user)
		r.Header.Set("CVE-API-KEY", who.key)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	if path == "/metrics" {
		r.RemoteAddr = "127.0.0.1:50000"
	}
	if strings.HasSuffix(path, "/stream") || strings.Contains(path, "/stream?") {
		ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Second)
		defer cancel()
		r = r.WithContext(ctx)
	}
	w := httptest.NewRecorder()
	p.k.door.ServeHTTP(w, r)
	fmt.Fprintf(to, "%s %s\n%d\n", method, path, w.Code)
	_ = w.Result().Header.Write(to) // to memory
	to.Write(w.Body.Bytes())
	to.WriteByte('\n')
	return w
}

// ok is call for those who may, about private matters.
func (p *privateWorld) ok(who somebody, method, path, body string, query ...string) []byte {
	p.t.Helper()
	if len(query) > 0 {
		v := url.Values{}
		for i := 0; i < len(query); i += 2 {
			v.Add(query[i], query[i+1])
		}
		path += "?" + v.Encode()
	}
	w := p.call(&p.inside, who, method, path, body)
	if w.Code != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func (p *privateWorld) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// person adds a user by the API. All there is to know of them is private.
func (p *privateWorld) person(by somebody, org string) somebody {
	name := p.mark("username") + "@people.test"
	raw := p.ok(by, http.MethodPost, "/api/org/"+org+"/user", fmt.Sprintf(`{"username":%q,"name":{"first":%q,"middle":%q,"last":%q,"suffix":%q}}`,
		name, p.mark("first name"), p.mark("middle name"), p.mark("last name"), p.mark("suffix")))
	var out struct {
		Created struct {
			UUID   string `json:"UUID"`
			Secret string `json:"secret"`
		} `json:"created"`
	}
	p.must(json.Unmarshal(raw, &out))
	if len(out.Created.Secret) < 20 || len(out.Created.UUID) != 36 {
		p.t.Fatalf("%s", raw)
	}
	p.keep("UUID of a user", out.Created.UUID)
	p.keep("secret", out.Created.Secret)
	return somebody{org, name, out.Created.Secret}
}

// reserve returns identifiers of an organisation.
func (p *privateWorld) reserve(by somebody, owner string, amount int, batch string) []string {
	query := []string{"amount", fmt.Sprint(amount), "short_name", owner, "cve_year", "2026"}
	if batch != "" {
		query = append(query, "batch_type", batch)
	}
	var out struct {
		IDs []struct {
			ID string `json:"cve_id"`
		} `json:"cve_ids"`
	}
	p.must(json.Unmarshal(p.ok(by, http.MethodPost, "/api/cve-id", "", query...), &out))
	var ids []string
	for _, i := range out.IDs {
		ids = append(ids, i.ID)
	}
	return ids
}

// busy is a day of an authority: people come and change, identifiers are reserved, moved, disputed and published, and much fails.
func (p *privateWorld) busy() {
	t, k := p.t, p.k
	root := somebody{"sec", p.mark("username") + "@sec.test", p.mark("secret")}
	_, err := asOperator[foundedAnswer](t, k, "authority init", foundRequest{Short: "sec", Name: "Secretariat", User: root.user, First: p.mark("first name"), Last: p.mark("last name"),
		Secret: root.key, Years: []int64{2026}})
	p.must(err)
	for _, short := range []string{"zholder", "ztaker", "zstranger"} {
		p.ok(root, http.MethodPost, "/api/org", fmt.Sprintf(`{"short_name":%q,"name":"The %s","authority":{"active_roles":["CNA"]},"policies":{"id_quota":%d}}`, short, short, p.quota()))
		p.orgs[short] = k.mustOrg(t, short).ID
		p.must(k.acts.SetContacts(t.Context(), operator("test"), short, []authority.Contact{{Email: p.mark("mail") + "@mail.test", Name: p.mark("contact"), Phone: p.mark("phone")}}))
	}
	p.ok(root, http.MethodPut, "/api/org/zholder", "", "id_quota", fmt.Sprint(p.quota()))
	ann, bob := p.person(root, "zholder"), p.person(root, "ztaker")
	p.ok(root, http.MethodPut, "/api/org/zholder/user/"+ann.user, "", "active_roles.add", "ADMIN")
	carl := p.person(ann, "zholder")
	renamed := p.mark("username") + "@people.test"
	p.ok(ann, http.MethodPut, "/api/org/zholder/user/"+carl.user, "", "new_username", renamed, "name.first", p.mark("first name"))
	carl.user = renamed
	var reset struct {
		Secret string `json:"API-secret"`
	}
	p.must(json.Unmarshal(p.ok(ann, http.MethodPut, "/api/org/zholder/user/"+carl.user+"/reset_secret", ""), &reset))
	p.keep("secret", reset.Secret)
	carl.key = reset.Secret

	p.held = append(p.reserve(carl, "zholder", 1, ""), p.reserve(carl, "zholder", 4, "sequential")...)
	p.held = append(p.held, p.reserve(root, "zholder", 3, "nonsequential")...)
	p.ok(carl, http.MethodPut, "/api/cve-id/"+p.held[1], "", "org", "ztaker")
	p.ok(bob, http.MethodPut, "/api/cve-id/"+p.held[1], "")
	shown := p.reserve(carl, "zholder", 2, "sequential")
	p.shown = shown[0]
	p.ok(carl, http.MethodPost, "/api/cve/"+shown[0]+"/cna", `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}}`)
	p.ok(carl, http.MethodPut, "/api/cve-id/"+shown[1], "", "state", "REJECTED")
	p.ok(ann, http.MethodGet, "/api/org/zholder/users", "")
	p.ok(ann, http.MethodGet, "/api/org/zholder/id_quota", "")
	p.ok(ann, http.MethodGet, "/api/cve-id", "")
	p.stranger = p.person(root, "zstranger")
	p.disputes(carl, bob)
	p.portal(ann)
	p.failures(ann)
}

func (p *privateWorld) caller(who somebody) authority.Caller {
	c, err := p.k.acts.Login(p.t.Context(), who.org, who.user, who.key, "192.0.2.1")
	p.must(err)
	return c
}

func (p *privateWorld) statement() governance.Statement {
	return governance.Statement{Text: "It is so: " + p.mark("text of a dispute"), Evidence: []string{"https://" + p.mark("evidence") + ".test/"}}
}

// disputes are about identifiers that nobody has heard of; a draft and a template lie about.
func (p *privateWorld) disputes(by, against somebody) {
	ctx, acts := p.t.Context(), p.k.acts
	d, err := acts.OpenDispute(ctx, p.caller(by), program.NewDispute{Subject: "publish", IDs: []string{p.held[1]}, Statement: p.statement()})
	p.must(err)
	p.hidden = append(p.hidden, d.ID)
	_, err = acts.Acknowledge(ctx, p.caller(against), d.ID, p.statement())
	p.must(err)
	_, err = acts.Decide(ctx, p.caller(against), d.ID, governance.Invalid, p.statement())
	p.must(err)
	s := &drafts.Service{DB: p.k.db, Now: time.Now}
	me := p.caller(by)
	_, err = s.Save(ctx, me.User, drafts.Draft{Subject: p.held[2], Org: me.Org, Body: []byte(`{"descriptions":[{"lang":"en","value":"` + p.mark("draft") + `"}]}`)})
	p.must(err)
	p.must(s.SaveTemplate(ctx, me.Org, drafts.Template{Name: p.mark("template"), By: me.User, Body: []byte(`{"title":"` + p.mark("template") + `"}`)}))
}

var csrfField = regexp.MustCompile(`name="csrf"[^>]*value="([^"]+)"`)

// portal signs somebody in, in a browser's way, and looks at their pages.
func (p *privateWorld) portal(who somebody) {
	in := func(key string) *http.Response {
		door := p.call(&p.inside, somebody{}, http.MethodGet, "/portal/sign-in", "")
		token := csrfField.FindSubmatch(door.Body.Bytes())
		if token == nil || len(door.Result().Cookies()) == 0 {
			p.t.Fatalf("no form in %s", door.Body)
		}
		cookie := door.Result().Cookies()[0]
		form := url.Values{"csrf": {string(token[1])}, "org": {who.org}, "user": {who.user}, "key": {key}}
		w := p.call(&p.inside, somebody{}, http.MethodPost, "/portal/sign-in", form.Encode(), "Content-Type: application/x-www-form-urlencoded", "Cookie: "+cookie.Name+"="+cookie.Value)
		return w.Result()
	}
	if got := in(p.mark("a wrong key")); got.StatusCode != http.StatusForbidden {
		p.t.Fatalf("a wrong key: %s", got.Status)
	}
	got := in(who.key)
	if got.StatusCode != http.StatusSeeOther {
		p.t.Fatalf("signed in: %s", got.Status)
	}
	for _, c := range got.Cookies() {
		if strings.HasSuffix(c.Name, sessionName) && c.Value != "" {
			p.keep("session", c.Value)
			for _, path := range []string{"/portal/", "/portal/ids", "/portal/trail"} {
				p.call(&p.inside, somebody{}, http.MethodGet, path, "", "Cookie: "+c.Name+"="+c.Value)
			}
		}
	}
}

const sessionName = "tasuki-session"

// failures are what goes wrong in a day. What was wrong stands in no log.
func (p *privateWorld) failures(who somebody) {
	bad := func(who somebody, method, path, body string) {
		if w := p.call(&p.inside, who, method, path, body); w.Code < 400 || w.Code >= 500 {
			p.t.Errorf("%s %s: %d", method, path, w.Code)
		}
	}
	wrong := who
	wrong.key = p.mark("a wrong key")
	bad(wrong, http.MethodGet, "/api/cve-id", "")
	bad(somebody{p.mark("an unknown organisation"), p.mark("an unknown user"), p.mark("a wrong key")}, http.MethodGet, "/api/cve-id", "")
	bad(who, http.MethodGet, "/api/org/sec/user/"+p.mark("an unknown user"), "")
	bad(who, http.MethodGet, "/api/org/nobody", "")
	bad(who, http.MethodPost, "/api/org/zholder/user", `{"username":"`+p.mark("an unfinished user"))
	bad(who, http.MethodPost, "/api/org/zholder/user", `{"username":"`+p.mark("a bad user")+`","name":{"first":["`+p.mark("a bad name")+`"]},"authority":{"active_roles":["`+p.mark("a bad role")+`"]}}`)
	bad(who, http.MethodPost, "/api/cve/"+p.held[2]+"/cna", `{"cnaContainer":{"`+p.mark("a bad member")+`":"`+p.mark("a bad value")+`"}}`)
	bad(who, http.MethodPut, "/api/cve-id/"+p.held[1]+"?org="+p.mark("an unknown organisation"), "")
	bad(who, http.MethodPost, "/api/cve-id?amount="+p.mark("a bad amount"), "")
}

// committed keeps what committed events hide: each body, padded or not, and each salt that was not opened.
func (p *privateWorld) committed() {
	k, ctx, opened, n := p.k, p.t.Context(), map[int64]bool{}, 0
	private := map[int64]ledger.Private{}
	p.must(k.db.View(ctx, func(tx *store.Tx) error {
		return k.ledger.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			e, err := event.Open(index, leaf, body)
			if err != nil {
				return err
			}
			if e.Own != nil {
				opened[e.Own.Index] = true
			}
			if e.Kind == event.PrivateFact {
				private[index], err = k.ledger.Private(ctx, tx, index)
			}
			return err
		})
	}))
	hash := regexp.MustCompile(`"phc":"([^"]+)"`)
	for index, f := range private {
		p.keep("private body", string(f.Body))
		p.keep("padded private body", string(f.Padded()))
		if !opened[index] {
			p.keep("salt", string(f.Salt[:]))
		}
		if m := hash.FindSubmatch(f.Body); m != nil {
			p.keep("hash of a secret", string(m[1]))
			n++
		}
	}
	if len(private) < 40 || n < 4 || len(opened) < 2 {
		p.t.Errorf("%d private facts, %d hashes, %d opened", len(private), n, len(opened))
	}
}

// public asks for everything that a stranger can ask for.
func (p *privateWorld) public() {
	t := p.t
	read := func(path string, header ...string) []byte {
		w := p.call(&p.out, somebody{}, http.MethodGet, path, "", header...)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %.300s", path, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	o, err := meet(func(path string) ([]byte, error) { return read(path), nil })
	p.must(err)
	tree, err := o.newest()
	p.must(err)
	log, err := o.fetch(tree)
	p.must(err)
	root, err := log.root(tree.N - 3)
	p.must(err)
	p.must(o.extends(tlog.Tree{N: tree.N - 3, Hash: root}, tree))
	p.must(o.bodies(tree.N, func(_ int64, _, raw []byte) error { p.out.Write(raw); return nil }))
	names := map[string]bool{}
	for short, id := range p.orgs {
		names[short], names[id] = true, true
	}
	for index, leaf := range log.leaves {
		var l outsiderLeaf
		p.must(json.Unmarshal(leaf, &l))
		if int64(index) > tree.N-300 {
			entry := read(fmt.Sprint("/log/", index))
			p.unlinked(fmt.Sprint("/log/", index), entry, names)
			p.unlinked(fmt.Sprint("leaf ", index), leaf, names)
		}
		if l.E.Body != nil && l.E.Kind == string(event.PrivateFact) {
			if w := p.call(&p.out, somebody{}, http.MethodGet, "/body/"+l.E.Body.Hash[:2]+"/"+l.E.Body.Hash, ""); w.Code != http.StatusNotFound {
				t.Errorf("the body of the committed leaf %d: %d", index, w.Code)
			}
		}
	}
	for _, id := range p.held {
		p.unlinked("/api/cve-id/"+id, read("/api/cve-id/"+id), names)
		for _, path := range []string{"/api/cve/", "/cve/", "/api/v1/records/", "/rest/json/cves/2.0?cveId=", "/proof/", "/search?q=", "/api/v1/search?q="} {
			w := p.call(&p.out, somebody{}, http.MethodGet, path+id, "")
			p.unlinked(path+id, w.Body.Bytes(), names)
		}
	}
	for _, c := range p.hidden {
		for _, path := range []string{"/disputes/", "/api/v1/disputes/"} {
			p.unlinked(path+c, p.call(&p.out, somebody{}, http.MethodGet, path+c, "").Body.Bytes(), names)
		}
	}
	paths := []string{"/health", "/healthz", "/metrics", "/checkpoint", "/api/cve_count", "/api/health-check", "/rest/json/cves/2.0?resultsPerPage=50",
		"/api/v1/search?limit=20", "/api/v1/changes?limit=500", "/api/v1/stats", "/api/v1/export?q=Rocket",
		"/clocks.atom", "/search.atom?q=Rocket"}
	for short := range p.orgs {
		paths = append(paths, "/cnas/"+short)
	}
	paths = append(paths, "/api/cve/"+p.shown, "/api/cve-id/"+p.shown, "/cve/"+p.shown, "/cve/"+p.shown+"/history", "/proof/"+p.shown, "/api/v1/records/"+p.shown)
	// Whatever the native API has, with names put where paths want some.
	var api struct {
		Paths map[string]struct{} `json:"paths"`
	}
	p.must(json.Unmarshal(read("/api/v1/openapi.json"), &api))
	for path := range api.Paths {
		for _, name := range []string{p.shown, p.held[0], p.held[1], "zholder", p.hidden[0], fmt.Sprint(tree.N - 5)} {
			filled := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, name)
			w := p.call(&p.out, somebody{}, http.MethodGet, "/api/v1/"+strings.TrimPrefix(strings.TrimPrefix(filled, "/"), "api/v1/"), "")
			if filled == path {
				break
			}
			p.unlinked(filled, w.Body.Bytes(), names)
		}
	}
	if len(api.Paths) < 20 {
		t.Errorf("the native API has %d paths", len(api.Paths))
	}
	for _, path := range paths {
		read(path)
	}
	for _, path := range []string{"/", "/search?q=Rocket", "/changes", "/sources", "/log", "/verify", "/charter", "/api", "/cnas", "/responsible", "/clocks", "/disputes", "/vendors", "/products", "/portal/sign-in"} {
		for _, lang := range []string{"en", "ja"} {
			read(path, "Accept-Language: "+lang, "Accept: text/html")
		}
	}
	p.call(&p.out, somebody{}, http.MethodGet, "/api/v1/changes/stream?since=0", "")
	// A member of another organisation is a stranger, too.
	for _, path := range []string{"/api/cve-id", "/api/cve-id/" + p.held[0], "/api/cve-id/" + p.held[1], "/api/org/zholder", "/api/org/zholder/users", "/api/org/zholder/id_quota", "/api/org", "/api/users", "/api/cve"} {
		p.call(&p.out, p.stranger, http.MethodGet, path, "")
	}
}

// unlinked says that what tells of an identifier that is reserved tells of no organisation that may own it.
func (p *privateWorld) unlinked(where string, text []byte, names map[string]bool) {
	for _, id := range p.held {
		if !bytes.Contains(text, []byte(id)) {
			continue
		}
		for name := range names {
			if bytes.Contains(text, []byte(name)) {
				p.t.Errorf("%s tells of %s and of %s", where, id, name)
			}
		}
	}
}
