package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const cnaKey = "0123456789abcdef0123456789abcdef0123"

// cnaServer is a server of CVE Services that answers by "METHOD path?query" and notes what it was asked.
type cnaServer struct {
	*httptest.Server
	answers map[string]string // "200 {…}"
	asked   []string
	hold    chan struct{} // when not nil, answers wait for it
	come    chan struct{} // told when somebody waits
}

func newCnaServer(t *testing.T, answers map[string]string) *cnaServer {
	s := &cnaServer{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		what := r.Method + " " + r.URL.RequestURI()
		s.asked = append(s.asked, strings.TrimSpace(what+" "+string(body)))
		if s.hold != nil {
			s.come <- struct{}{}
			<-s.hold
		}
		status, answer := http.StatusNotFound, `{"error":"NOT_FOUND","message":"No such resource."}`
		if text, ok := s.answers[what]; ok {
			code, rest, _ := strings.Cut(text, " ")
			fmt.Sscan(code, &status)
			answer = rest
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// run is one command line of a CNA: exit code, standard output and standard error.
func (s *cnaServer) run(ctx context.Context, stdin string, args ...string) (code int, out, errs string) {
	var stdout, stderr strings.Builder
	env := map[string]string{cnaURLEnv: s.URL, cnaOrgEnv: "acme", cnaUserEnv: "ann@acme.test", cnaKeyEnv: cnaKey}
	p := &Program{Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string { return env[name] },
		Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }, Rand: rand.Reader}
	code = p.Run(ctx, append([]string{"cna"}, args...))
	return code, stdout.String(), stderr.String()
}

const cnaIDs = `{"cve_ids":[` +
	`{"requested_by":{"cna":"acme","user":"ann@acme.test"},"time":{"created":"2026-01-05T10:00:00.120Z","modified":"2026-01-06T10:00:00.120Z"},"cve_id":"CVE-2026-0017","cve_year":"2026","state":"RESERVED","owning_cna":"acme","reserved":"2026-01-05T10:00:00.118Z"},` +
	`{"requested_by":{"cna":"mitre","user":"REDACTED"},"time":{"modified":"2026-02-06T10:00:00.120Z"},"cve_id":"CVE-2026-120017","cve_year":"2026","state":"PUBLISHED","owning_cna":"acme","reserved":"2026-01-05T10:00:00.118Z"}]}`

// What the lists look like: columns that stand in line, with wide characters too, and forms for programs.
func TestCnaOutput(t *testing.T) {
	s := newCnaServer(t, map[string]string{
		"GET /api/cve-id": "200 " + cnaIDs,
		"GET /api/cve-id?cve_id_year=2026&state=RESERVED&time_reserved.gt=2026-01-05T00%3A00%3A00.000Z&time_reserved.lt=2026-01-05T12%3A00%3A00.000Z": "200 " + cnaIDs,
		"GET /api/cve-id?state=REJECTED": `200 {"cve_ids":[]}`,
		"GET /api/org/acme/users": `200 {"users":[` +
			`{"username":"ann@acme.test","UUID":"77aa","active":true,"authority":{"active_roles":["ADMIN"]},"name":{"first":"Ann","last":"Lee","middle":"","suffix":""},"time":{"modified":"2026-01-05T10:00:00.120Z"}},` +
			`{"username":"taro@acme.test","UUID":"88bb","active":true,"authority":{"active_roles":[]},"name":{"first":"太郎","last":"脆弱性","middle":"","suffix":""},"time":{"modified":"2026-01-05T10:00:00.120Z"}},` +
			`{"username":"x\u001b[31m","UUID":"99cc","active":false,"authority":{"active_roles":[]},"name":{"first":"ﾊﾝｶｸ"}}]}`,
		"GET /api/org/acme":                      `200 {"UUID":"1f0c","authority":{"active_roles":["CNA","ADP"]},"name":"アクメ株式会社","policies":{"id_quota":1000},"short_name":"acme","time":{"created":"2026-01-05T09:00:00.000Z"}}`,
		"GET /api/org/acme/user/ann@acme.test":   `200 {"username":"ann@acme.test","UUID":"77aa","active":true,"authority":{"active_roles":["ADMIN"]},"name":{"first":"Ann","last":"Lee"}}`,
		"GET /api/org/acme/id_quota":             `200 {"id_quota":1000,"total_reserved":1200,"available":-200}`,
		"GET /api/cve-id/CVE-2026-0017":          `200 {"cve_id":"CVE-2026-0017","cve_year":"2026","state":"RESERVED","owning_cna":"[REDACTED]"}`,
		"GET /api/cve/CVE-2026-0017":             `200 {"dataType":"CVE_RECORD","x_名":"価値"}`,
		"GET /api/cve/CVE-2026-0018":             `404 {"error":"CVE_RECORD_DNE","message":"There is no record for this CVE ID."}`,
		"GET /api/health-check":                  "200 ",
		"PUT /api/cve-id/CVE-2026-0017?org=beta": `200 {"message":"ok","updated":{"cve_id":"CVE-2026-0017","cve_year":"2026","state":"RESERVED","owning_cna":"beta","requested_by":{"cna":"acme","user":"ann@acme.test"},"reserved":"2026-01-05T10:00:00.118Z","time":{"modified":"2026-11-21T09:00:00.000Z"}}}`,
	})
	for _, tc := range []struct{ args, out, errs string }{
		{"list", `ID               STATE      OWNER  RESERVED          REQUESTED BY      CHANGED
CVE-2026-0017    RESERVED   acme   2026-01-05 10:00  ann@acme.test     2026-01-06 10:00
CVE-2026-120017  PUBLISHED  acme   2026-01-05 10:00  REDACTED (mitre)  2026-02-06 10:00
`, ""},
		{"list --csv --state reserved --year 2026 --reserved-after 2026-01-05 --reserved-before 2026-01-05T12:00:00Z", "ID,STATE,OWNER,RESERVED,REQUESTED BY,CHANGED\r\n" +
			"CVE-2026-0017,RESERVED,acme,2026-01-05T10:00:00.118Z,ann@acme.test,2026-01-06T10:00:00.120Z\r\n" +
			"CVE-2026-120017,PUBLISHED,acme,2026-01-05T10:00:00.118Z,REDACTED (mitre),2026-02-06T10:00:00.120Z\r\n", ""},
		{"list --json", `{"cve_id":"CVE-2026-0017","cve_year":"2026","state":"RESERVED","owning_cna":"acme","requested_by":{"cna":"acme","user":"ann@acme.test"},"reserved":"2026-01-05T10:00:00.118Z","time":{"created":"2026-01-05T10:00:00.120Z","modified":"2026-01-06T10:00:00.120Z"}}
{"cve_id":"CVE-2026-120017","cve_year":"2026","state":"PUBLISHED","owning_cna":"acme","requested_by":{"cna":"mitre","user":"REDACTED"},"reserved":"2026-01-05T10:00:00.118Z","time":{"modified":"2026-02-06T10:00:00.120Z"}}
`, ""},
		{"list --state rejected", "", "no CVE IDs\n"},
		{"org users", `USER            NAME         STATE     ROLES  CHANGED
ann@acme.test   Ann Lee      active    ADMIN  2026-01-05 10:00
taro@acme.test  太郎 脆弱性  active           2026-01-05 10:00
x [31m          ﾊﾝｶｸ         inactive
`, ""},
		{"org show", `acme  アクメ株式会社
  roles       CNA, ADP
  quota       1,000
  UUID        1f0c
  since       2026-01-05T09:00:00.000Z
`, ""},
		{"org show --json", `{"UUID":"1f0c","short_name":"acme","name":"アクメ株式会社","authority":{"active_roles":["CNA","ADP"]},"policies":{"id_quota":1000},"time":{"created":"2026-01-05T09:00:00.000Z"}}
`, ""},
		{"user show", `ann@acme.test  active
  name        Ann Lee
  roles       ADMIN
  UUID        77aa
`, ""},
		{"quota", "acme: 1,200 of 1,000 reserved, -200 left\n", ""},
		{"quota --json", `{"id_quota":1000,"total_reserved":1200,"available":-200}` + "\n", ""},
		{"show cve-2026-0017", "CVE-2026-0017  RESERVED\n  owner       [REDACTED]\n", ""},
		{"show CVE-2026-0017 --record", "{\n  \"dataType\": \"CVE_RECORD\",\n  \"x_名\": \"価値\"\n}\n", ""},
		{"show CVE-2026-0017 --record --json", `{"dataType":"CVE_RECORD","x_名":"価値"}` + "\n", ""},
		{"ping --json", `{"url":"` + s.URL + `/api/","took":"0s","org":"acme","user":"ann@acme.test","roles":["CNA","ADP","ADMIN"]}` + "\n", ""},
		{"transfer CVE-2026-0017 beta", `CVE-2026-0017  RESERVED
  owner       beta
  reserved    2026-01-05T10:00:00.118Z
  requested   ann@acme.test (acme)
  changed     2026-11-21T09:00:00.000Z
`, ""},
	} {
		code, out, errs := s.run(t.Context(), "", strings.Fields(tc.args)...)
		if code != 0 || out != tc.out || errs != tc.errs {
			t.Errorf("%s: exit %d\n%s\nwant\n%s\n%s", tc.args, code, out, tc.out, errs)
		}
	}
	if code, out, errs := s.run(t.Context(), "", "show", "CVE-2026-0018", "--record"); code != exitRefused || out != "" || !strings.Contains(errs, "CVE_RECORD_DNE") {
		t.Errorf("no record: exit %d %q %q", code, out, errs)
	}
}

// The key of a new user stands alone on standard output; what was sent and what was said elsewhere never holds the caller's.
func TestCnaSecrets(t *testing.T) {
	s := newCnaServer(t, map[string]string{
		"POST /api/org/acme/user":                           `200 {"message":"ok","created":{"username":"bob@acme.test","active":true,"secret":"s3cret"}}`,
		"PUT /api/org/acme/user/bob@acme.test/reset_secret": `200 {"API-secret":"an0ther"}`,
		"PUT /api/org/acme/user/bob@acme.test?active=false": `200 {"updated":{"username":"bob@acme.test","active":false}}`,
		"PUT /api/org/acme/user/ann@acme.test?name.first=安": `200 {}`,
	})
	code, out, errs := s.run(t.Context(), "", "user", "create", "bob@acme.test", "--first", "Bob", "--admin")
	if code != 0 || out != "s3cret\n" || !strings.Contains(errs, "never again") {
		t.Errorf("exit %d %q %q", code, out, errs)
	}
	if want := `POST /api/org/acme/user {"authority":{"active_roles":["ADMIN"]},"name":{"first":"Bob","last":"","middle":"","suffix":""},"username":"bob@acme.test"}`; s.asked[0] != want {
		t.Errorf("asked %s\nwant  %s", s.asked[0], want)
	}
	if code, out, _ := s.run(t.Context(), "", "user", "reset-secret", "bob@acme.test"); code != 0 || out != "an0ther\n" {
		t.Errorf("exit %d %q", code, out)
	}
	if code, out, _ := s.run(t.Context(), "", "user", "update", "bob@acme.test", "--deactivate"); code != 0 || out != "bob@acme.test  inactive\n" {
		t.Errorf("exit %d %q", code, out)
	}
	s.asked = nil
	for _, args := range [][]string{{"user", "create", "bob@acme.test"}, {"reserve", "3"}, {"reserve", "3", "--json"}, {"undo-reject", "CVE-2026-0017"}, {"reject", "CVE-2026-0017", "--id-only"}} {
		code, out, errs := s.run(t.Context(), "", append(args, "--dry-run")...)
		if code != 0 || !strings.Contains(out, s.URL) || strings.Contains(out+errs, cnaKey) {
			t.Errorf("%v: exit %d\n%s%s", args, code, out, errs)
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("a dry run asked %v", s.asked)
	}
}

// Every way to fail has its exit code, and its words name what helps.
func TestCnaFailures(t *testing.T) {
	record := `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}}`
	file := filepath.Join(t.TempDir(), "rec.json")
	if err := os.WriteFile(file, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newCnaServer(t, map[string]string{
		"POST /api/cve-id?amount=1&cve_year=2026&short_name=acme":                            "500 ",
		"POST /api/cve-id?amount=1&cve_year=2025&short_name=acme":                            `403 {"error":"EXCEEDED_ID_QUOTA","message":"Too many."}`,
		"POST /api/cve-id?amount=10&batch_type=non-sequential&cve_year=2026&short_name=acme": `206 {"error":"RESERVED_PARTIAL_AMOUNT","message":"The pool ended.","cve_ids":[{"cve_id":"CVE-2026-20044"}]}`,
		"POST /api/cve/CVE-2026-0001/cna":                                                    `400 {"error":"INVALID_JSON_SCHEMA","message":"No.","details":{"errors":[{"instancePath":"/cnaContainer/descriptions/0/value","keyword":"minLength","message":"too short"}]}}`,
		"POST /api/cve/CVE-2026-0002/cna":                                                    `403 {"error":"CVE_RECORD_EXISTS","message":"It has one."}`,
		"PUT /api/cve/CVE-2026-0002/cna":                                                     `200 {"message":"CVE-2026-0002 record was successfully updated.","updated":{"n":1}}`,
		"GET /api/org/acme/id_quota":                                                         `401 {"error":"UNAUTHORIZED","message":"Unauthorized"}`,
		"GET /api/cve-id?cve_id_year=12":                                                     `400 {"error":"BAD_INPUT","message":"Parameters were invalid","details":[{"msg":"Invalid value","param":"cve_id_year","location":"query"}]}`,
	})
	for _, tc := range []struct {
		args string
		code int
		out  string
		errs []string
	}{
		{"reserve", exitUncertain, "", []string{"nobody knows whether this was done"}},
		{"reserve --year 2025", exitRefused, "", []string{"the server refused: Too many. (403 EXCEEDED_ID_QUOTA)", "tasuki cna quota"}},
		{"reserve 12 --random", exitPart, "CVE-2026-20044\n", []string{"1 of 12 CVE IDs of 2026 reserved for acme", "The pool ended."}},
		{"reserve 0", exitUsage, "", []string{"at least 1"}},
		{"reserve 2 --random --sequential", exitUsage, "", []string{"can't be used together"}},
		{"publish CVE-2026-0001 " + file, exitRefused, "", []string{file + ": a cnaContainer", file + ": error: /cnaContainer/descriptions/0/value: too short [server:minLength]"}},
		{"publish CVE-2026-0002 " + file, exitRefused, "", []string{"publish --or-update"}},
		{"publish CVE-2026-0002 --or-update " + file, 0, "CVE-2026-0002 record was successfully updated.\n", nil},
		{"publish CVE-26-1 " + file, exitUsage, "", []string{"not a CVE identifier"}},
		{"publish CVE-2026-0001 nowhere.json", exitFailure, "", []string{"nowhere.json"}},
		{"quota", exitRefused, "", []string{"(401 UNAUTHORIZED)", "check organisation, user and key"}},
		{"list --year 12", exitRefused, "", []string{"cve_id_year: Invalid value"}},
		{"list --state gone", exitUsage, "", []string{"reserved, published or rejected"}},
		{"list --reserved-after yesterday", exitUsage, "", []string{"--reserved-after"}},
		{"quota --url http://127.0.0.1:1", exitServer, "", []string{"no answer"}},
		{"quota --url http://cve.example", exitUsage, "", []string{"unencrypted"}},
		{"quota --url nonsense", exitUsage, "", []string{"not an http or https URL"}},
		{"quota --key-file nowhere.key", exitFailure, "", []string{"nowhere.key"}},
		{"reject CVE-2026-0001 --id-only --reason x", exitUsage, "", []string{"--id-only"}},
	} {
		args := strings.Fields(tc.args)
		if slices.Contains(args, "http://127.0.0.1:1") {
			continue // asked below, without the pauses between tries
		}
		code, out, errs := s.run(t.Context(), "", args...)
		if code != tc.code || out != tc.out {
			t.Errorf("%s: exit %d, want %d\n%s%s", tc.args, code, tc.code, out, errs)
		}
		for _, want := range tc.errs {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: %q is not said:\n%s", tc.args, want, errs)
			}
		}
		if strings.Contains(out+errs, cnaKey) {
			t.Errorf("%s tells the key", tc.args)
		}
	}
	if code, _, errs := s.run(t.Context(), "", "reserve", "--url", "http://127.0.0.1:1"); code != exitServer || !strings.Contains(errs, "no answer") {
		t.Errorf("nobody there: exit %d %s", code, errs)
	}
}

// Ctrl-C while a reservation is under way waits for the numbers that are being given out, and asks for no more.
func TestCnaInterrupted(t *testing.T) {
	s := newCnaServer(t, map[string]string{"POST /api/cve-id?amount=10&batch_type=non-sequential&cve_year=2026&short_name=acme": `200 {"cve_ids":[{"cve_id":"CVE-2026-20044"}],"meta":{"remaining_quota":3}}`})
	s.hold, s.come = make(chan struct{}), make(chan struct{})
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-s.come
		interrupt()
		close(s.hold)
	}()
	code, out, errs := s.run(ctx, "", "reserve", "--random", "20")
	if code != exitInterrupted || out != "CVE-2026-20044\n" || !strings.Contains(errs, "1 of 20") || len(s.asked) != 1 {
		t.Errorf("exit %d %q %q, asked %d times", code, out, errs, len(s.asked))
	}
}
