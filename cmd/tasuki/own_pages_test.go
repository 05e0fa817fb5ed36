package main

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"tasuki/internal/program"
	"tasuki/internal/store/storetest"
	"tasuki/spec/nvd"
)

// A record of this list is on every surface like any other: its page, its history with what each version changed and who, the
// pages of the log in words, the native API's text, and NVD's form of it.
func TestOwnRecordOnEverySurface(t *testing.T) {
	test := func(t *testing.T, dsn string) {
		p := openPublisher(t, kitOptions{store: dsn})
		id := p.reserve(t)
		p.publish(t, "acme", id, "once", program.WantNone)
		p.enrich(t, id, "seen")
		p.publish(t, "acme", id, "twice", program.WantOne)
		p.reject(t, id)
		p.publish(t, "acme", id, "thrice", program.WantOne)
		if err := p.catalogue.Warm(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		history := string(p.fetch(t, "/cve/"+id+"/history"))
		for _, want := range []string{"container published", "ADP container", "rejected", "Rockets explode twice"} {
			if !strings.Contains(history, want) {
				t.Errorf("the history does not say %q", want)
			}
		}
		versions, err := p.catalogue.Versions(t.Context(), id)
		if err != nil || len(versions) != 5 {
			t.Fatalf("%+v (%v)", versions, err)
		}
		if page := string(p.fetch(t, "/cve/"+id)); !strings.Contains(page, "Rockets explode thrice") || !strings.Contains(page, "--record") {
			t.Error("the record's page")
		}
		log := string(p.fetch(t, "/log"))
		for _, want := range []string{"organisation registered", "role given", "year opened", "reserved", "container published", "acme"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not say %q", want)
			}
		}
		var reply struct {
			Vulnerabilities []struct {
				CVE nvd.CVE `json:"cve"`
			} `json:"vulnerabilities"`
		}
		if err := json.Unmarshal(p.fetch(t, "/rest/json/cves/2.0?cveId="+id), &reply); err != nil || len(reply.Vulnerabilities) != 1 {
			t.Fatalf("%+v (%v)", reply, err)
		}
		c := reply.Vulnerabilities[0].CVE
		if c.ID != id || c.Published == "" || c.LastModified < c.Published || len(c.References) == 0 || !strings.Contains(c.Descriptions[0].Value, "ownword") {
			t.Errorf("NVD's form: %+v", c)
		}
		if list := string(p.fetch(t, "/api/v1/records/"+id+"/versions")); strings.Count(list, `"cont":"cna"`) != 4 || strings.Count(list, `"cont":"adp"`) != 1 {
			t.Errorf("native API: %s", list)
		}
		if got, want := string(p.fetch(t, "/api/v1/records/"+id+"/raw")), string(p.fetch(t, "/cve/"+id+".json")); got != want {
			t.Errorf("native API:\n%s\npage:\n%s", got, want)
		}
	}
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.Postgres(t)) })
}
