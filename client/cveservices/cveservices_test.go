package cveservices_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/client/cveservices"
)

const key = "0123456789abcdef0123456789abcdef0123"

// A server answers by the lines of testdata/answers.txt: "METHOD path?query status" and the body below it.
type server struct {
	*httptest.Server
	answers map[string]recorded
	asked   []string // what came in, with the body behind it
}

type recorded struct {
	status int
	body   string
}

func newServer(t *testing.T) *server {
	t.Helper()
	raw, err := os.ReadFile("testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{answers: map[string]recorded{}}
	for entry := range strings.SplitSeq(string(raw), "\n\n") {
		head, body, _ := strings.Cut(strings.TrimSpace(entry), "\n")
		var method, path string
		var r recorded
		if _, err := fmt.Sscanf(head, "%s %s %d", &method, &path, &r.status); err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		r.body = body
		s.answers[method+" "+path] = r
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		what := r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/api/")
		s.asked = append(s.asked, strings.TrimSpace(what+" "+string(body)))
		a, ok := s.answers[what]
		if !ok {
			t.Errorf("nobody expected %q", what)
			a = recorded{http.StatusNotFound, `{"error":"NOT_FOUND","message":"No such resource."}`}
		}
		if len(body) > 0 && r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: the body is %q", what, r.Header.Get("Content-Type"))
		}
		for name, want := range map[string]string{"CVE-API-ORG": "acme", "CVE-API-USER": "ann@acme.test", "CVE-API-KEY": key, "User-Agent": "test"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", what, name, got)
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) client(t *testing.T) *cveservices.Client {
	t.Helper()
	c, err := cveservices.New(s.URL, cveservices.Options{Org: "acme", User: "ann@acme.test", Key: key, UserAgent: "test", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every question of the API is asked as it has to be, and its answer understood.
func TestEveryCall(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	ctx := t.Context()
	text := func(s string) *string { return &s }
	yes, quota := true, int64(7)
	day := time.Date(2026, 1, 5, 9, 0, 0, 0, time.FixedZone("JST", 9*3600))
	container := json.RawMessage(`{"title":"<b> & so on"}`)
	none := func(err error) (any, error) { return "", err }
	for _, tc := range []struct {
		asked string // what the server has to see
		want  string // of the answer
		call  func() (any, error)
	}{
		{"GET health-check", `""`, func() (any, error) {
			return none(c.Health(ctx))
		}},
		{"GET cve-id?cve_id_year=2026&state=RESERVED&time_reserved.gt=2026-01-05T00%3A00%3A00.000Z", `["CVE-2026-0017"]`, func() (any, error) {
			var out []string
			for id, err := range c.IDs(ctx, cveservices.IDFilter{State: "RESERVED", Year: 2026, Reserved: cveservices.Window{After: day}}) {
				if err != nil {
					return nil, err
				}
				if id.RequestedBy.User != "ann@acme.test" || id.Reserved.UnixMilli() != 1767607200118 || id.Year != "2026" {
					return nil, fmt.Errorf("%+v", id)
				}
				out = append(out, id.ID)
			}
			return out, nil
		}},
		{"POST cve-id?amount=2&batch_type=sequential&cve_year=2026&short_name=acme",
			`{"IDs":[{"cve_id":"CVE-2026-20001","cve_year":"2026","state":"RESERVED","owning_cna":"acme","requested_by":{"cna":"acme","user":"ann@acme.test"},"reserved":"2026-01-05T10:00:00.118Z"},{"cve_id":"CVE-2026-20002","cve_year":"2026","state":"RESERVED","owning_cna":"acme","requested_by":{"cna":"acme","user":"ann@acme.test"},"reserved":"2026-01-05T10:00:00.118Z"}],"Remaining":41}`,
			func() (any, error) {
				return c.Reserve(ctx, cveservices.Reservation{Amount: 2, Year: 2026, Batch: cveservices.Sequential})
			}},
		{"GET cve-id/CVE-2026-0017", `{"cve_id":"CVE-2026-0017","cve_year":"2026","state":"RESERVED","owning_cna":"[REDACTED]"}`, func() (any, error) {
			return c.ID(ctx, "CVE-2026-0017")
		}},
		{"PUT cve-id/CVE-2026-0017?state=REJECTED", `"REJECTED"`, func() (any, error) {
			id, err := c.ChangeID(ctx, "CVE-2026-0017", cveservices.IDChange{State: "REJECTED"})
			return id.State, err
		}},
		{"PUT cve-id/CVE-2026-0017?org=other", `"other"`, func() (any, error) {
			id, err := c.ChangeID(ctx, "CVE-2026-0017", cveservices.IDChange{Org: "other"})
			return id.OwningCNA, err
		}},
		{"POST cve-id-range/2027", `""`, func() (any, error) {
			return none(c.OpenRange(ctx, 2027))
		}},
		{"GET cve/CVE-2026-0017", `{"x_generator":{"engine":"hand"}}`, func() (any, error) {
			return c.Record(ctx, "CVE-2026-0017")
		}},
		{"GET cve?assigner_short_name=acme&cna_modified=true&state=REJECTED&time_modified.lt=2026-01-05T00%3A00%3A00.000Z", `[{"a":1}]`, func() (any, error) {
			var out []json.RawMessage
			for r, err := range c.Records(ctx, cveservices.RecordFilter{State: "REJECTED", Assigner: "acme", Modified: cveservices.Window{Before: day}, CNAModified: true}) {
				if err != nil {
					return nil, err
				}
				out = append(out, r)
			}
			return out, nil
		}},
		{"GET cve?adp_short_name=cisa&assigner=u&count_only=true", "114", func() (any, error) {
			return c.CountRecords(ctx, cveservices.RecordFilter{ADP: "cisa", AssignerID: "u"})
		}},
		{"GET cve_count?state=PUBLISHED", "62", func() (any, error) {
			return c.Count(ctx, "PUBLISHED")
		}},
		{"GET cve_cursor?limit=2,GET cve_cursor?limit=2&next_page=bmV4dA", `[1,2,3]`, func() (any, error) {
			var out []json.RawMessage
			for r, err := range c.RecordsByCursor(ctx, cveservices.RecordFilter{}, 2) {
				if err != nil {
					return nil, err
				}
				out = append(out, r)
			}
			return out, nil
		}},
		{`POST cve/CVE-2026-0017/cna {"cnaContainer":{"title":"<b> & so on"}}`, `{"Message":"CVE-2026-0017 record was successfully created.","Record":{"n":1}}`, func() (any, error) {
			return c.Publish(ctx, "CVE-2026-0017", container)
		}},
		{`PUT cve/CVE-2026-0017/cna {"cnaContainer":{"title":"<b> & so on"}}`, `{"Message":"CVE-2026-0017 record was successfully updated.","Record":{"n":2}}`, func() (any, error) {
			return c.Update(ctx, "CVE-2026-0017", container)
		}},
		{`POST cve/CVE-2026-0017/reject {"cnaContainer":{"title":"<b> & so on"}}`, `{"Message":"CVE-2026-0017 record was successfully submitted.","Record":{"n":3}}`, func() (any, error) {
			return c.Reject(ctx, "CVE-2026-0017", container)
		}},
		{`PUT cve/CVE-2026-0017/reject {"cnaContainer":{"title":"<b> & so on"}}`, `{"Message":"CVE-2026-0017 record was successfully submitted.","Record":{"n":4}}`, func() (any, error) {
			return c.RejectRecord(ctx, "CVE-2026-0017", container)
		}},
		{`PUT cve/CVE-2026-0017/adp {"adpContainer":{"title":"<b> & so on"}}`, `{"Message":"stored.","Record":{"n":5}}`, func() (any, error) {
			return c.PutADP(ctx, "CVE-2026-0017", container)
		}},
		{`POST cve/CVE-2026-0017 {"title":"<b> & so on"}`, `{"Message":"created.","Record":{"n":6}}`, func() (any, error) {
			return c.CreateRecord(ctx, "CVE-2026-0017", container)
		}},
		{`PUT cve/CVE-2026-0017 {"title":"<b> & so on"}`, `{"Message":"updated.","Record":{"n":7}}`, func() (any, error) {
			return c.ReplaceRecord(ctx, "CVE-2026-0017", container)
		}},
		{"GET org", `["acme"]`, func() (any, error) {
			var out []string
			for o, err := range c.Orgs(ctx) {
				if err != nil {
					return nil, err
				}
				out = append(out, o.Short)
			}
			return out, nil
		}},
		{"GET org/acme", `{"UUID":"1f0c","short_name":"acme","name":"Acme Corp","authority":{"active_roles":["CNA"]},"policies":{"id_quota":1000},"time":{"created":"2026-01-05T09:00:00.000Z"}}`,
			func() (any, error) {
				return c.Org(ctx, "acme")
			}},
		{"GET org/acme/id_quota", `{"id_quota":1000,"total_reserved":17,"available":983}`, func() (any, error) {
			return c.QuotaOf(ctx, "acme")
		}},
		{`POST org {"authority":{"active_roles":["ADP"]},"name":"New","policies":{"id_quota":7},"short_name":"new"}`, `"new"`, func() (any, error) {
			o, err := c.CreateOrg(ctx, cveservices.NewOrg{Short: "new", Name: "New", Roles: []string{"ADP"}, Quota: &quota})
			return o.Short, err
		}},
		{"PUT org/new?active_roles.add=CNA&active_roles.add=ADP&id_quota=7&name=Newer&new_short_name=newer", `"newer"`, func() (any, error) {
			o, err := c.ChangeOrg(ctx, "new", cveservices.OrgChange{Short: text("newer"), Name: text("Newer"), Quota: &quota, AddRoles: []string{"CNA", "ADP"}})
			return o.Short, err
		}},
		{"GET org/acme/users", `["ann@acme.test"]`, func() (any, error) {
			var out []string
			for u, err := range c.UsersOf(ctx, "acme") {
				if err != nil {
					return nil, err
				}
				out = append(out, u.Username)
			}
			return out, nil
		}},
		{"GET users", `[]`, func() (any, error) {
			out := []string{}
			for u, err := range c.Users(ctx) {
				if err != nil {
					return nil, err
				}
				out = append(out, u.Username)
			}
			return out, nil
		}},
		{"GET org/acme/user/a%2Fb", `true`, func() (any, error) {
			u, err := c.UserNamed(ctx, "acme", "a/b")
			return u.Active, err
		}},
		{`POST org/acme/user {"authority":{"active_roles":["ADMIN"]},"name":{"first":"Bo","last":"","middle":"","suffix":""},"username":"bo@acme.test"}`, `"s3cret"`, func() (any, error) {
			u, err := c.CreateUser(ctx, "acme", cveservices.NewUser{Username: "bo@acme.test", Name: cveservices.Name{First: "Bo"}, Roles: []string{"ADMIN"}})
			return u.Secret, err
		}},
		{"PUT org/acme/user/bo@acme.test?active=true&active_roles.remove=ADMIN&name.first=&new_username=bob&org_short_name=new", `"bob"`, func() (any, error) {
			u, err := c.ChangeUser(ctx, "acme", "bo@acme.test", cveservices.UserChange{First: text(""), Username: text("bob"), Active: &yes, Org: text("new"), RemoveRoles: []string{"ADMIN"}})
			return u.Username, err
		}},
		{"PUT org/acme/user/bo@acme.test/reset_secret", `"another"`, func() (any, error) {
			return c.ResetSecret(ctx, "acme", "bo@acme.test")
		}},
	} {
		s.asked = nil
		got, err := tc.call()
		if err != nil {
			t.Errorf("%s: %v", tc.asked, err)
			continue
		}
		if asked := strings.Join(s.asked, ","); asked != tc.asked {
			t.Errorf("asked %s\nwant  %s", asked, tc.asked)
		}
		if raw, err := json.Marshal(got); err != nil || canonical(raw) != canonical([]byte(tc.want)) {
			t.Errorf("%s: %s (%v)\nwant %s", tc.asked, raw, err, tc.want)
		}
	}
}

// canonical is a document with its members in one order.
func canonical(raw []byte) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err.Error()
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// A refusal comes with its code, and with what its details say.
func TestErrors(t *testing.T) {
	s := newServer(t)
	c := s.client(t)
	_, err := c.Publish(t.Context(), "CVE-2026-0001", json.RawMessage(`{}`))
	var e *cveservices.Error
	if !errors.As(err, &e) || e.Status != 400 || e.Code != cveservices.InvalidSchema || len(e.Misfits()) != 2 ||
		e.Misfits()[0].Pointer != "/cnaContainer/rejectedReasons" || e.Misfits()[1].Message != "cveMetadata is missing" {
		t.Errorf("%v %+v", err, e.Misfits())
	}
	_, err = c.Org(t.Context(), "bad")
	if !errors.As(err, &e) || !cveservices.HasCode(err, cveservices.BadInput) || !slices.Equal(e.Parameters(), []cveservices.Parameter{{"page", "Invalid value", "query"}}) {
		t.Errorf("%v %+v", err, e.Parameters())
	}
	if errors.Is(err, cveservices.ErrUncertain) {
		t.Error("a refusal leaves no doubt")
	}
	_, err = c.Org(t.Context(), "page")
	if !errors.As(err, &e) || e.Code != "" || e.Status != 403 || strings.Contains(err.Error(), "<") {
		t.Errorf("a proxy's page: %v", err)
	}
	got, err := c.Reserve(t.Context(), cveservices.Reservation{Amount: 10, Year: 2026, Batch: cveservices.NonSequential})
	if !cveservices.HasCode(err, cveservices.PartialAmount) || len(got.IDs) != 1 || got.Remaining != -1 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := c.Publish(t.Context(), "CVE-2026-0001", json.RawMessage(`"`+strings.Repeat("x", cveservices.MaxBody)+`"`)); !errors.Is(err, cveservices.ErrTooLarge) {
		t.Errorf("%.100v", err)
	}
}

// Where the key may travel.
func TestNew(t *testing.T) {
	all := cveservices.Options{Org: "acme", User: "ann", Key: key}
	for _, tc := range []struct {
		url  string
		o    cveservices.Options
		base string
		err  error
	}{
		{"https://cve.test", all, "https://cve.test/api/", nil},
		{"https://cve.test/api/", all, "https://cve.test/api/", nil},
		{"https://cve.test/below/", all, "https://cve.test/below/api/", nil},
		{"http://127.0.0.1:8080", all, "http://127.0.0.1:8080/api/", nil},
		{"http://[::1]:8080", all, "http://[::1]:8080/api/", nil},
		{"http://localhost", all, "http://localhost/api/", nil},
		{"http://cve.test", all, "", cveservices.ErrClear},
		{"http://localhost.cve.test", all, "", cveservices.ErrClear},
		{"http://cve.test", cveservices.Options{}, "http://cve.test/api/", nil},
		{"http://cve.test", cveservices.Options{Org: "acme", User: "ann", Key: key, AllowClear: true}, "http://cve.test/api/", nil},
		{"https://cve.test", cveservices.Options{Org: "acme"}, "", cveservices.ErrCredentials},
		{"https://cve.test", cveservices.Options{Org: "acme", User: "ann", Key: "a\r\nb"}, "", cveservices.ErrCredentials},
		{"https://ann:pass@cve.test", all, "", cveservices.ErrURL},
		{"cve.test", all, "", cveservices.ErrURL},
		{"ftp://cve.test", all, "", cveservices.ErrURL},
	} {
		c, err := cveservices.New(tc.url, tc.o)
		if !errors.Is(err, tc.err) || err == nil && c.BaseURL() != tc.base {
			t.Errorf("%s: %v", tc.url, err)
		}
		if err != nil && (strings.Contains(err.Error(), "pass") || strings.Contains(err.Error(), key)) {
			t.Errorf("%s: %v tells too much", tc.url, err)
		}
	}
	c, err := cveservices.New("https://cve.test", cveservices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Org(t.Context(), "acme"); !errors.Is(err, cveservices.ErrCredentials) {
		t.Errorf("without credentials: %v", err)
	}
}

// The key goes nowhere but to the server it is meant for.
func TestRedirectionIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s came here", r.Header.Get("CVE-API-KEY")) }))
	defer elsewhere.Close()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
	}))
	defer here.Close()
	c, err := cveservices.New(here.URL, cveservices.Options{Org: "acme", User: "ann", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Org(t.Context(), "acme"); !errors.Is(err, cveservices.ErrRedirect) {
		t.Error(err)
	}
	if _, err := c.Reserve(t.Context(), cveservices.Reservation{Amount: 1, Year: 2026}); !errors.Is(err, cveservices.ErrRedirect) || errors.Is(err, cveservices.ErrUncertain) {
		t.Error(err)
	}
}
