package cveservices

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// send makes a request and reads the answer as values.
func (w *world) send(t testing.TB, caller, method, target, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, w.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	as(r, caller)
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s %s: %d %.300s: %v", method, target, reply.StatusCode, raw, err)
	}
	return reply.StatusCode, out
}

// reserve gives an organisation so many identifiers.
func (w *world) reserve(t testing.TB, caller string, n int) (ids []string) {
	t.Helper()
	short, _, _ := strings.Cut(caller, "/")
	status, out := w.send(t, caller, "POST", fmt.Sprintf("/api/cve-id?amount=%d&batch_type=sequential&cve_year=2026&short_name=%s", n, short), "")
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, out)
	}
	for _, i := range out["cve_ids"].([]any) {
		ids = append(ids, i.(map[string]any)["cve_id"].(string))
	}
	return ids
}

// A model is what reference §7 says a record is, kept as a test would keep it: nothing here knows of leaves.
type model struct {
	id, owner string // owner: short name now
	assigner  string // owner when the record began
	reserved  time.Time
	record    bool
	rejected  bool
	// Of the record.
	cna                   map[string]any
	by                    string
	said                  time.Time
	adps                  []map[string]any // with providerMetadata
	published, rejectedAt time.Time
	updated               time.Time
	whole                 map[string]any // cveMetadata as the Secretariat gave it, nil if it never did
}

func provider(w *modelled, org string, at time.Time) map[string]any {
	return map[string]any{"orgId": w.uuid[org], "shortName": org, "dateUpdated": stamp(at)}
}

// document is the record that GET should answer with.
func (m *model) document(w *modelled) map[string]any {
	meta := map[string]any{"cveId": m.id, "assignerOrgId": w.uuid[m.assigner], "assignerShortName": m.assigner, "dateReserved": stamp(m.reserved)}
	if m.whole != nil {
		meta = map[string]any{"cveId": m.id, "assignerOrgId": m.whole["assignerOrgId"]}
	}
	meta["state"] = "PUBLISHED"
	if m.rejected {
		meta["state"] = "REJECTED"
	}
	for name, at := range map[string]time.Time{"datePublished": m.published, "dateRejected": m.rejectedAt, "dateUpdated": m.updated} {
		if !at.IsZero() {
			meta[name] = stamp(at)
		}
	}
	cna := map[string]any{"providerMetadata": map[string]any{"orgId": "11111111-2222-4333-8444-555555555555"}}
	if m.by != "" {
		cna = map[string]any{"providerMetadata": provider(w, m.by, m.said)}
	}
	for name, v := range m.cna {
		cna[name] = v
	}
	containers := map[string]any{"cna": cna}
	if len(m.adps) > 0 {
		list := make([]any, len(m.adps))
		for i, a := range m.adps {
			list[i] = a
		}
		containers["adp"] = list
	}
	return map[string]any{"dataType": "CVE_RECORD", "dataVersion": "5.2", "cveMetadata": meta, "containers": containers}
}

// modelled is a world with a model of its records beside it.
type modelled struct {
	*world
	uuid   map[string]string
	r      *rand.Rand
	models []*model
}

func text(v any) string {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// container is one that nobody has sent before.
func (w *modelled) container(kind string, n int) map[string]any {
	english := func(what string) []any {
		return []any{map[string]any{"lang": "en", "value": fmt.Sprintf("%s %d", what, n)}}
	}
	switch kind {
	case "rejected":
		return map[string]any{"rejectedReasons": english("Reason"), "x_n": float64(n)}
	case "adp":
		return map[string]any{"title": fmt.Sprintf("Seen %d", n)}
	}
	c := map[string]any{"descriptions": english("Flaw"), "affected": []any{map[string]any{"vendor": "Acme", "product": "Rocket", "defaultStatus": "affected"}},
		"references": []any{map[string]any{"url": fmt.Sprintf("https://acme.test/%d", n)}}}
	if w.r.IntN(2) == 0 {
		c["x_n"] = map[string]any{"n": float64(n), "deep": []any{"  kept ", nil}}
	}
	return c
}

// trimmed is a value with its texts trimmed.
func trimmed(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = trimmed(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			out[name] = trimmed(e)
		}
		return out
	}
	return v
}

// act sends one submission and does to the model what the reference says, or nothing where it should be refused.
func (w *modelled) act(t *testing.T, n int) {
	m := w.models[w.r.IntN(len(w.models))]
	caller := []string{"acme/ann", "other/bob", "sec/root", "enrich/eve", "both/cat"}[w.r.IntN(5)]
	org, _, _ := strings.Cut(caller, "/")
	mine := org == m.owner || org == "sec"
	now := w.Clock.Now()
	kind := []string{"cna", "cna", "cna", "rejected", "adp", "adp", "whole", "id"}[w.r.IntN(8)]
	if kind == "id" {
		w.actOnID(t, m, caller, mine)
		return
	}
	method := []string{"POST", "PUT", "PUT"}[w.r.IntN(3)]
	if method == "PUT" != m.record && w.r.IntN(4) > 0 { // mostly as it is meant
		method = map[bool]string{true: "PUT", false: "POST"}[m.record]
	}
	var target, body, want string
	var then func()
	switch kind {
	case "cna", "rejected":
		c := w.container(kind, n)
		target = map[string]string{"cna": "/cna", "rejected": "/reject"}[kind]
		body = text(map[string]any{"cnaContainer": c})
		switch {
		case org == "enrich":
			want = "403 CNA_ONLY"
		case !mine:
			want = "403 ORG_DOES_NOT_OWN_ID"
		case method == "POST" && m.record:
			want = map[string]string{"cna": "403 CVE_RECORD_EXISTS", "rejected": "400 CVE_RECORD_EXISTS"}[kind]
		case method == "PUT" && !m.record:
			want = map[string]string{"cna": "403 CVE_RECORD_DNE", "rejected": "400 CVE_RECORD_DNE"}[kind]
		}
		then = func() {
			if !m.record {
				m.assigner = m.owner
			}
			m.cna, m.by, m.said, m.updated, m.record = trimmed(c).(map[string]any), org, now, now, true
			if kind == "rejected" {
				if !m.rejected {
					m.rejected, m.rejectedAt = true, now
				}
				m.adps = nil
				return
			}
			m.rejected, m.rejectedAt = false, time.Time{}
			if m.published.IsZero() {
				m.published = now
			}
		}
	case "adp":
		c := w.container(kind, n)
		method, target, body = "PUT", "/adp", text(map[string]any{"adpContainer": c})
		switch {
		case org == "acme" || org == "other":
			want = "403 ADP_ONLY"
		case !m.record:
			want = "403 CVE_RECORD_DNE"
		case m.rejected:
			want = "403 CVE_RECORD_REJECTED"
		}
		then = func() {
			c["providerMetadata"] = provider(w, org, now)
			m.updated = now
			if i := slices.IndexFunc(m.adps, func(a map[string]any) bool {
				return a["providerMetadata"].(map[string]any)["orgId"] == w.uuid[org]
			}); i >= 0 {
				m.adps[i] = c
			} else {
				m.adps = append(m.adps, c)
			}
		}
	case "whole":
		next := *m
		next.whole = map[string]any{"assignerOrgId": "11111111-2222-4333-8444-555555555555"}
		next.record, next.by, next.adps, next.rejected = true, "", nil, w.r.IntN(3) == 0
		next.published, next.rejectedAt, next.updated = now.Add(-time.Hour), time.Time{}, time.Time{}
		next.cna = w.container("cna", n)
		if next.rejected {
			next.cna = w.container("rejected", n)
		}
		body = text(next.document(w))
		next.cna = trimmed(next.cna).(map[string]any)
		switch {
		case org != "sec":
			want = "403 SECRETARIAT_ONLY"
		case method == "POST" && m.record:
			want = "400 CVE_RECORD_EXISTS"
		case method == "PUT" && !m.record:
			want = "403 CVE_RECORD_DNE"
		}
		then = func() { *m = next }
	}
	status, out := w.send(t, caller, method, "/api/cve/"+m.id+target, body)
	got := ""
	if status != http.StatusOK {
		got = fmt.Sprintf("%d %v", status, out["error"])
	}
	if got != want {
		t.Fatalf("step %d: %s %s %s by %s: %q (%v), want %q", n, method, m.id, target, caller, got, out, want)
	}
	if want == "" {
		then()
		shown := out["created"]
		if method == "PUT" {
			shown = out["updated"]
		}
		if doc := m.document(w); text(shown) != text(doc) {
			t.Fatalf("step %d: %s %s by %s answers\n%s\nwant\n%s", n, method, target, caller, text(shown), text(doc))
		}
	}
}

// actOnID gives the identifier to another owner, or changes its state as long as it has no record. The record says neither.
func (w *modelled) actOnID(t *testing.T, m *model, caller string, mine bool) {
	t.Helper()
	to := []string{"acme", "other", "both"}[w.r.IntN(3)]
	query, want := "org="+to, ""
	if w.r.IntN(2) == 0 {
		query, to = "state="+[]string{"REJECTED", "RESERVED"}[w.r.IntN(2)], m.owner
	}
	switch {
	case strings.HasPrefix(caller, "enrich"):
		want = "CNA_ONLY"
	case !mine:
		want = "ORG_DOES_NOT_OWN_ID"
	case m.record && query[0] == 's':
		want = "CANNOT_CHANGE_CVE_ID_WITH_RECORD"
	}
	_, out := w.send(t, caller, "PUT", "/api/cve-id/"+m.id+"?"+query, "")
	if got, _ := out["error"].(string); got != want {
		t.Fatalf("%s by %s: %v, want %q", query, caller, out, want)
	}
	if want == "" {
		m.owner = to
	}
}

// Whatever is sent in whatever order by whomever, GET shows exactly what was accepted last, and the lists what GET shows.
func TestRecordHistories(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &modelled{world: newWorld(t, db, RateLimit{}), r: rand.New(rand.NewPCG(7, 11))}
		w.uuid = w.uuids(t)
		for _, caller := range []string{"acme/ann", "other/bob"} {
			at := w.Clock.Now()
			for _, id := range w.reserve(t, caller, 4) {
				w.models = append(w.models, &model{id: id, owner: strings.Split(caller, "/")[0], reserved: at})
			}
		}
		steps := 400
		if testing.Short() {
			steps = 120
		}
		var created []string // newest first
		for n := range steps {
			w.Clock.Add(time.Duration(1+w.r.IntN(5000)) * time.Millisecond)
			had := map[string]bool{}
			for _, m := range w.models {
				had[m.id] = m.record
			}
			w.act(t, n)
			for _, m := range w.models {
				if m.record && !had[m.id] {
					created = slices.Insert(created, 0, m.id)
				}
				status, doc := w.send(t, "-", "GET", "/api/cve/"+m.id, "")
				switch {
				case m.record && (status != http.StatusOK || text(doc) != text(m.document(w))):
					t.Fatalf("step %d: GET %s: %d\n%s\nwant\n%s", n, m.id, status, text(doc), text(m.document(w)))
				case !m.record && status != http.StatusNotFound:
					t.Fatalf("step %d: GET %s: %d", n, m.id, status)
				}
			}
		}
		w.lists(t, created)
		if out, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// lists compares the lists to the models.
func (w *modelled) lists(t *testing.T, created []string) {
	t.Helper()
	day := w.Clock.Now()
	span := day.Sub(w.models[0].reserved)
	for n := range 60 {
		q := url.Values{}
		var keep []func(m *model) bool
		narrow := func(name, value string, ok func(m *model) bool) {
			if w.r.IntN(3) == 0 {
				q.Set(name, value)
				keep = append(keep, ok)
			}
		}
		narrow("state", "REJECTED", func(m *model) bool { return m.rejected })
		narrow("assigner_short_name", "acme", func(m *model) bool { return m.assigner == "acme" && m.whole == nil })
		narrow("assigner", w.uuid["other"], func(m *model) bool { return m.assigner == "other" && m.whole == nil })
		narrow("adp_short_name", "enrich", func(m *model) bool {
			return slices.ContainsFunc(m.adps, func(a map[string]any) bool { return a["providerMetadata"].(map[string]any)["shortName"] == "enrich" })
		})
		since := day.Add(-time.Duration(w.r.Int64N(int64(span)))).Truncate(time.Millisecond)
		q.Set("cna_modified", "1")
		q.Set("time_modified.gt", stamp(since))
		keep = append(keep, func(m *model) bool { return m.by != "" && m.said.After(since) })
		if w.r.IntN(2) == 0 {
			q.Del("cna_modified")
			q.Del("time_modified.gt")
			keep = keep[:len(keep)-1]
		}
		var want []string
		for _, m := range w.models {
			if m.record && !slices.ContainsFunc(keep, func(ok func(*model) bool) bool { return !ok(m) }) {
				want = append(want, m.id)
			}
		}
		slices.Sort(want)
		_, out := w.send(t, "bulk/ben", "GET", "/api/cve?"+q.Encode(), "")
		if got := idsOf(out); !slices.Equal(got, want) {
			t.Fatalf("list %d, %v: %q, want %q", n, q, got, want)
		}
		for _, r := range out["cveRecords"].([]any) {
			id := idOf(r)
			m := w.models[slices.IndexFunc(w.models, func(m *model) bool { return m.id == id })]
			if text(r) != text(m.document(w)) {
				t.Fatalf("list %d has another %s", n, id)
			}
		}
		order := slices.DeleteFunc(slices.Clone(created), func(id string) bool { return !slices.Contains(want, id) })
		w.walk(t, q, order, 1+w.r.IntN(3))
	}
}

// walk goes through the list by creation, forth and back.
func (w *modelled) walk(t *testing.T, q url.Values, want []string, limit int) {
	t.Helper()
	q.Set("limit", fmt.Sprint(limit))
	var forth []string
	var out map[string]any
	pages := 0
	for {
		_, out = w.send(t, "sec/root", "GET", "/api/cve_cursor?"+q.Encode(), "")
		forth = append(forth, idsOf(out)...)
		if out["hasPrevious"] != (pages > 0) || len(forth) > len(want) {
			t.Fatalf("%v: page %d has previous: %v, %d of %d", q, pages, out["hasPrevious"], len(forth), len(want))
		}
		if out["hasNext"] != true {
			break
		}
		pages++
		q.Set("next_page", out["next"].(string))
	}
	if !slices.Equal(forth, want) {
		t.Fatalf("%v: forth %q, want %q", q, forth, want)
	}
	q.Del("next_page")
	back := idsOf(out)
	for range pages {
		q.Set("previous_page", out["previous"].(string))
		_, out = w.send(t, "sec/root", "GET", "/api/cve_cursor?"+q.Encode(), "")
		if out["hasNext"] != true {
			t.Fatalf("%v: nothing after a page before", q)
		}
		back = append(idsOf(out), back...)
	}
	if !slices.Equal(back, want) {
		t.Fatalf("%v: back %q, want %q", q, back, want)
	}
}

func idOf(record any) string {
	return record.(map[string]any)["cveMetadata"].(map[string]any)["cveId"].(string)
}

func idsOf(out map[string]any) (ids []string) {
	for _, r := range out["cveRecords"].([]any) {
		ids = append(ids, idOf(r))
	}
	return ids
}

// A record a part of which was erased takes no container: it could not be shown as a whole.
func TestErasedBase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, RateLimit{})
		id := w.reserve(t, "acme/ann", 1)[0]
		m := &model{id: id, whole: map[string]any{"assignerOrgId": "11111111-2222-4333-8444-555555555555"}}
		made := &modelled{world: w, r: rand.New(rand.NewPCG(1, 2))}
		m.cna = made.container("cna", 1)
		size := w.Size(t)
		if status, out := w.send(t, "sec/root", "POST", "/api/cve/"+id, text(m.document(made))); status != http.StatusOK {
			t.Fatalf("%d %v", status, out)
		}
		w.Erase(t, size)
		for _, tc := range []struct{ caller, target, body, want string }{
			{"acme/ann", "/cna", text(map[string]any{"cnaContainer": made.container("cna", 2)}), "UNABLE_TO_STORE_CVE_RECORD"},
			{"acme/ann", "/reject", text(map[string]any{"cnaContainer": made.container("rejected", 3)}), "UNABLE_TO_STORE_CVE_RECORD"},
			{"enrich/eve", "/adp", text(map[string]any{"adpContainer": made.container("adp", 4)}), "UNABLE_TO_STORE_CVE_RECORD"},
		} {
			status, out := w.send(t, tc.caller, "PUT", "/api/cve/"+id+tc.target, tc.body)
			if status != http.StatusBadRequest || out["error"] != tc.want {
				t.Errorf("%s: %d %v", tc.target, status, out)
			}
		}
		if _, out := w.send(t, "sec/root", "GET", "/api/cve", ""); len(out["cveRecords"].([]any)) != 0 {
			t.Errorf("the list shows %v", out)
		}
		if status, out := w.send(t, "sec/root", "PUT", "/api/cve/"+id, text(m.document(made))); status != http.StatusOK {
			t.Errorf("a new whole one: %d %v", status, out)
		}
	})
}

// FuzzTrim: trimming is idempotent, changes nothing but the ends of texts, and names and numbers not at all.
func FuzzTrim(f *testing.F) {
	for _, s := range []string{`{"a ":" b ","c":[" d",{"e":"\t\u00a0f\ufeff"}],"n":1.50}`, `[]`, `{}`, `["\u0085x"]`, `{"x":-0,"y":1E400}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body, bad := jsonBody([]byte(s))
		if bad != nil {
			return
		}
		once, err := trimTexts(body)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if twice, err := trimTexts(once); err != nil || string(twice) != string(once) {
			t.Fatalf("%s: %s, then %s (%v)", s, once, twice, err)
		}
		before, after := tokensOf(t, body), tokensOf(t, once)
		if len(before) != len(after) {
			t.Fatalf("%s becomes %s", s, once)
		}
		for i, b := range before {
			a := after[i]
			if b.name || b.kind != jsontext.KindString {
				if a != b {
					t.Fatalf("%s becomes %s: %+v, %+v", s, once, b, a)
				}
				continue
			}
			if !strings.Contains(b.text, a.text) || strings.IndexFunc(a.text, blank) == 0 || strings.TrimFunc(b.text, func(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' }) != strings.TrimFunc(a.text, unicode.IsSpace) {
				t.Fatalf("%q becomes %q", b.text, a.text)
			}
		}
	})
}

type tokenText struct {
	kind jsontext.Kind
	name bool
	text string
}

func tokensOf(t *testing.T, raw jsontext.Value) (out []tokenText) {
	d := jsontext.NewDecoder(strings.NewReader(string(raw)))
	for {
		token, err := d.ReadToken()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, n := d.StackIndex(d.StackDepth())
		out = append(out, tokenText{token.Kind(), kind == jsontext.KindBeginObject && n%2 == 1, token.String()})
	}
}

// uuids are the organisations of a world by short name.
func (w *world) uuids(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range people {
		o, err := w.acts.Org(t.Context(), authority.Caller{Role: authority.Operator, Name: "test"}, p.short)
		if err != nil {
			t.Fatal(err)
		}
		out[p.short] = o.ID
	}
	return out
}
