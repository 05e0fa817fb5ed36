package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// A suiteClient talks to a node as a client of CVE Services does, through a real listener.
type suiteClient struct {
	testing.TB
	base           string
	org, user, key string
}

func newSuite(t testing.TB, k *kitNode) *suiteClient {
	t.Helper()
	srv := httptest.NewServer(k.door)
	t.Cleanup(srv.Close)
	return &suiteClient{t, srv.URL, "mitre", "cps@mitre.org", devKey}
}

// do sends a request and returns status and body. query is in pairs.
func (c *suiteClient) do(method, path, body string, query ...string) (int, []byte) {
	c.Helper()
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Add(query[i], query[i+1])
	}
	target := c.base + "/api/" + path
	if len(v) > 0 {
		target += "?" + v.Encode()
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{"CVE-API-ORG": c.org, "CVE-API-USER": c.user, "CVE-API-KEY": c.key} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp.StatusCode, raw
}

// get decodes an answer that has to be 200.
func (c *suiteClient) get(into any, path string, query ...string) []byte {
	c.Helper()
	status, raw := c.do(http.MethodGet, path, "", query...)
	if status != http.StatusOK {
		c.Fatalf("GET %s %v: %d %s", path, query, status, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		c.Fatalf("GET %s: %v in %s", path, err, raw)
	}
	return raw
}

type suiteOrg struct {
	ShortName string `json:"short_name"`
	Name      string `json:"name"`
	UUID      string
	Authority struct {
		Roles []string `json:"active_roles"`
	} `json:"authority"`
	Policies struct {
		Quota int64 `json:"id_quota"`
	} `json:"policies"`
}

type suiteUser struct {
	Username string `json:"username"`
	OrgUUID  string `json:"org_UUID"`
	Active   bool   `json:"active"`
	Name     struct {
		First  string `json:"first"`
		Last   string `json:"last"`
		Middle string `json:"middle"`
		Suffix string `json:"suffix"`
	} `json:"name"`
	Authority struct {
		Roles []string `json:"active_roles"`
	} `json:"authority"`
}

// Every row of reference §15, asked over HTTP as the suite would.
func TestConformanceSeedOverHTTP(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := kitOptions{}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		k := openSeeded(t, o)
		c := newSuite(t, k)
		t.Run("organisations", c.organisations)
		t.Run("users", c.people)
		t.Run("records", c.records)
		t.Run("identifiers", c.identifiers)
		t.Run("times", c.quietPast)
		t.Run("years", c.years) // last: it reserves
		if !strings.Contains(string(k.get(t, "/health")), `"test":true`) {
			t.Error("/health does not say that it is a test list")
		}
		for _, page := range []string{"/", "/charter", "/cve/CVE-1999-0003"} {
			if !strings.Contains(string(k.get(t, page)), "This is a test list") {
				t.Errorf("%s does not say that it is a test list", page)
			}
		}
	})
}

func (c *suiteClient) organisations(t *testing.T) {
	for _, want := range []struct {
		short, name string // "" any
		roles       []string
		quota       int64 // 0 any
	}{
		{"mitre", "MITRE Corporation", []string{"SECRETARIAT", "CNA"}, 1248}, {"admit_9", "", []string{"CNA"}, 1043},
		{"range_4", "", []string{"CNA", "ADP"}, 1415}, {"win_5", "", []string{"CNA", "ADP"}, 1309},
		{"window_1", "", []string{"CNA"}, 0}, {"church_2", "", []string{"CNA"}, 0}, {"officer_3", "", []string{"CNA"}, 0},
	} {
		var got suiteOrg
		c.get(&got, "org/"+want.short)
		if got.ShortName != want.short || got.Name == "" || want.name != "" && got.Name != want.name || !slices.Equal(got.Authority.Roles, want.roles) ||
			got.Policies.Quota < 200 || got.Policies.Quota > 1500 || want.quota != 0 && got.Policies.Quota != want.quota || len(got.UUID) != 36 || got.UUID[14] != '4' {
			t.Errorf("%s: %+v", want.short, got)
		}
	}
	for _, never := range []string{"test", "1111", "new_org_name", "nonexistant_org", "nonexistent123"} {
		if status, raw := c.do(http.MethodGet, "org/"+never, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", never, status, raw)
		}
	}
}

func (c *suiteClient) people(t *testing.T) {
	var orgs struct {
		Organizations []suiteOrg `json:"organizations"`
	}
	c.get(&orgs, "org")
	var all struct {
		Users []suiteUser `json:"users"`
	}
	raw := c.get(&all, "users")
	if len(all.Users) >= 500 || all.Users[0].Username != "cps@mitre.org" || all.Users[0].Name.First != "Jeremy" || len(all.Users[0].Authority.Roles) != 0 {
		t.Errorf("%d users, the first %+v", len(all.Users), all.Users[0])
	}
	if strings.Contains(string(raw), `"secret"`) {
		t.Error("a list of users says secret")
	}
	for _, o := range orgs.Organizations {
		plain, admin := 0, 0
		for _, u := range all.Users {
			if u.OrgUUID != o.UUID {
				continue
			}
			if !u.Active || u.Name.First == "" || u.Name.Last == "" || u.Name.Middle == "" || u.Name.Suffix == "" {
				t.Errorf("%+v", u)
			}
			if slices.Contains(u.Authority.Roles, "ADMIN") {
				admin++
			} else {
				plain++
			}
		}
		if plain < 1 || admin < 1 || o.ShortName == "mitre" && plain+admin < 3 {
			t.Errorf("%s has %d plain users and %d administrators", o.ShortName, plain, admin)
		}
	}
	// The shared key is everybody's.
	them := *c
	them.org, them.user = "win_5", "plain@win_5.test"
	var me suiteUser
	them.get(&me, "org/win_5/user/plain@win_5.test")
}

func (c *suiteClient) records(t *testing.T) {
	type list struct {
		Records []struct {
			Meta struct{ CveID, State, AssignerShortName string } `json:"cveMetadata"`
		} `json:"cveRecords"`
		NextPage *int `json:"nextPage"`
	}
	insensitive := func(into any, query ...string) {
		status, raw := c.do(http.MethodGet, "cve", "", query...)
		if status != http.StatusOK {
			t.Fatalf("%v: %d %s", query, status, raw)
		}
		if err := json.Unmarshal(raw, into, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []struct {
		query []string
		want  int
	}{{nil, 114}, {[]string{"state", "PUBLISHED"}, 62}, {[]string{"state", "REJECTED"}, 52}, {[]string{"assigner_short_name", "admit_9"}, 5}} {
		var got list
		insensitive(&got, q.query...)
		if len(got.Records) != q.want || got.NextPage != nil {
			t.Errorf("%v: %d records, want %d", q.query, len(got.Records), q.want)
		}
		for _, r := range got.Records {
			if _, named := seedNamed[r.Meta.CveID]; named && r.Meta.AssignerShortName == "admit_9" {
				t.Errorf("%s is admit_9's", r.Meta.CveID)
			}
			status, raw := c.do(http.MethodGet, "cve-id/"+r.Meta.CveID, "")
			if len(q.query) == 0 && (status != http.StatusOK || !strings.Contains(string(raw), `"state":"`+r.Meta.State+`"`)) {
				t.Errorf("%s is %s, and its identifier %s", r.Meta.CveID, r.Meta.State, raw)
			}
		}
	}
	var count struct{ TotalCount int }
	insensitive(&count, "count_only", "1")
	if count.TotalCount != 114 {
		t.Errorf("count_only says %d", count.TotalCount)
	}
}

func (c *suiteClient) identifiers(t *testing.T) {
	for id, state := range seedNamed {
		status, raw := c.do(http.MethodGet, "cve-id/"+id, "")
		if status != http.StatusOK || !strings.Contains(string(raw), `"state":"`+string(state)+`"`) {
			t.Errorf("%s: %d %s", id, status, raw)
		}
		status, raw = c.do(http.MethodGet, "cve/"+id, "")
		want := http.StatusOK
		if state == cve.Reserved {
			want = http.StatusNotFound
		}
		if status != want || want == http.StatusOK && !strings.Contains(string(raw), `"state":"`+string(state)+`"`) {
			t.Errorf("record of %s: %d %s", id, status, raw)
		}
	}
	for _, id := range []string{"CVE-2017-5833", "CVE-3000-0001", "CVE-0000-0000"} {
		if status, raw := c.do(http.MethodGet, "cve-id/"+id, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", id, status, raw)
		}
	}
	var all struct {
		IDs []struct {
			State string `json:"state"`
			Owner string `json:"owning_cna"`
		} `json:"cve_ids"`
	}
	c.get(&all, "cve-id")
	mitre := 0
	for _, i := range all.IDs {
		if i.Owner == "mitre" && i.State == "RESERVED" {
			mitre++
		}
	}
	if len(all.IDs) != 230 || mitre != 5 {
		t.Errorf("%d identifiers, %d that mitre has reserved", len(all.IDs), mitre)
	}
}

// quietPast: nothing was touched of late.
func (c *suiteClient) quietPast(t *testing.T) {
	since := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05")
	for _, path := range []string{"cve", "cve-id"} {
		status, raw := c.do(http.MethodGet, path, "", "time_modified.gt", since)
		if status != http.StatusOK || !strings.Contains(string(raw), ":[]") {
			t.Errorf("%s changed of late: %d %s", path, status, raw)
		}
	}
}

func (c *suiteClient) years(t *testing.T) {
	this := time.Now().UTC().Year()
	for year := 1999; year <= this+1; year++ {
		status, raw := c.do(http.MethodPost, fmt.Sprintf("cve-id-range/%d", year), "")
		if status != http.StatusBadRequest || !strings.Contains(string(raw), "YEAR_RANGE_EXISTS") {
			t.Errorf("%d: %d %s", year, status, raw)
		}
	}
	for _, r := range []struct{ year, batch, want string }{
		{fmt.Sprint(this), "", "0001"}, {"2000", "", "5001"}, {fmt.Sprint(this), "sequential", "20001"}, {"2000", "sequential", "20001"},
	} {
		query := []string{"amount", "1", "short_name", "mitre", "cve_year", r.year}
		if r.batch != "" {
			query = append(query, "batch_type", r.batch)
		}
		status, raw := c.do(http.MethodPost, "cve-id", "", query...)
		if status != http.StatusOK || !strings.Contains(string(raw), `"CVE-`+r.year+"-"+r.want+`"`) {
			t.Errorf("%+v: %d %s", r, status, raw)
		}
	}
}

// What a black-box pass costs a node: 700 requests with a key, 160 of which make a new secret, each used at once.
const (
	passRequests = 700
	passSecrets  = 160
)

// BenchmarkPass is one such pass, one request after the other, through a real listener. The budget is 30 s on two cores; on a machine
// that others use, processor time says what the wall clock cannot.
func BenchmarkPass(b *testing.B) {
	k := openSeeded(b, kitOptions{})
	c := newSuite(b, k)
	user, system := processor()
	for pass := 0; b.Loop(); pass++ {
		requests := 0
		want := func(status int, raw []byte) []byte {
			b.Helper()
			if requests++; status != http.StatusOK {
				b.Fatalf("%d %s", status, raw)
			}
			return raw
		}
		var made struct {
			Secret  string `json:"API-secret"`
			Created struct {
				Secret string `json:"secret"`
			} `json:"created"`
		}
		for i := range passSecrets {
			// Organisations hold a hundred users; half of the secrets are resets.
			org := []string{"window_1", "church_2", "officer_3", "harbour_6"}[pass%4]
			name := fmt.Sprintf("user%d_%d@%s.test", pass, i/2, org)
			var raw []byte
			if i%2 == 0 {
				raw = want(c.do(http.MethodPost, "org/"+org+"/user", `{"username":"`+name+`"}`))
			} else {
				raw = want(c.do(http.MethodPut, "org/"+org+"/user/"+name+"/reset_secret", ""))
			}
			made.Secret, made.Created.Secret = "", ""
			if err := json.Unmarshal(raw, &made); err != nil {
				b.Fatal(err)
			}
			them := *c
			them.org, them.user, them.key = org, name, made.Secret+made.Created.Secret
			want(them.do(http.MethodGet, "org/"+org+"/id_quota", ""))
		}
		for i := 0; requests < passRequests; i++ {
			switch i % 4 {
			case 0:
				want(c.do(http.MethodGet, "cve-id/CVE-1999-0003", ""))
			case 1:
				want(c.do(http.MethodGet, "cve-id", ""))
			case 2:
				want(c.do(http.MethodPost, "cve-id", "", "amount", "1", "short_name", "mitre", "cve_year", "2021"))
			case 3:
				want(c.do(http.MethodGet, "org/mitre/users", ""))
			}
		}
	}
	after, afterSystem := processor()
	wall, busy := b.Elapsed()/time.Duration(b.N), (after+afterSystem-user-system)/time.Duration(b.N)
	b.ReportMetric(wall.Seconds(), "s/pass")
	b.ReportMetric(busy.Seconds(), "cpu-s/pass")
	if min(wall, busy) > 30*time.Second {
		b.Errorf("a pass of %d requests took %v, and %v of processor time", passRequests, wall, busy)
	}
}
