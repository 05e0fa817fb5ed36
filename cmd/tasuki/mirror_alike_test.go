package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A mirror and its origin answer everything alike to somebody who has no name, at equal size: by identifier, NVD, native, exports, pages; about imported
// records, and about what an authority did in a busy day, of which the mirror has no private fact.
func TestMirrorAnswersAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("asks thousands of questions twice")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := func() time.Time { return conformanceNow }
		origin := openKit(t, kitOptions{now: now})
		c := &conformance{T: t, sqlite: origin, asked: map[string]bool{}, found: map[string]int{}}
		c.history(origin)
		p := &privateWorld{t: t, k: origin, secrets: secretsOf{}, orgs: map[string]string{}}
		p.busy()
		p.committed()
		stop := origin.run(t)
		o := kitOptions{now: now, mirror: &mirrorRole{List: origin.chain.ListID(), Sources: []string{origin.at(t)}}}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		copied := openKit(t, o)
		unfollow := copied.run(t)
		want, err := origin.continuity.Stored(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		soon(t, 2*time.Minute, func() string {
			if cp := copied.checkpoint.Load(); cp == nil || cp.Size < want.Size {
				return fmt.Sprintf("not there: %+v", copied.follower.State())
			}
			return ""
		})
		unfollow()
		stop()
		for _, k := range []*kitNode{origin, copied} {
			if err := k.catalogue.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c.postgres, c.own = copied, []string{p.shown}
		c.everything(t)
		c.authority(t, p)
		copied.sound(t)
	})
}

// authority asks about what the privateWorld did.
func (c *conformance) authority(t *testing.T, p *privateWorld) {
	ids := append([]string{p.shown}, p.held...)
	for _, id := range ids {
		for _, path := range []string{"/api/cve-id/", "/api/cve/", "/cve/", "/api/v1/records/", "/rest/json/cves/2.0?cveId=", "/proof/", "/search?q=", "/api/v1/search?q="} {
			c.same(t, path+id)
		}
		c.same(t, "/cve/"+id+"/history")
	}
	for short := range p.orgs {
		c.same(t, "/cnas/"+short)
	}
	for _, id := range p.hidden {
		c.same(t, "/disputes/"+id)
		c.same(t, "/api/v1/disputes/"+id)
	}
	var api struct {
		Paths map[string]struct{} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(c.same(t, "/api/v1/openapi.json")), &api); err != nil {
		t.Fatal(err)
	}
	places := regexp.MustCompile(`\{[^}]*\}`)
	for path := range api.Paths {
		if strings.Contains(path, "stream") || strings.Contains(path, "refused") {
			continue
		}
		for _, name := range []string{p.shown, p.held[0], p.held[1], "zholder", p.hidden[0]} {
			c.same(t, "/api/v1/"+strings.TrimPrefix(strings.TrimPrefix(places.ReplaceAllString(path, name), "/"), "api/v1/"))
		}
	}
	for _, path := range []string{"/", "/search?q=Rocket", "/changes", "/cnas", "/responsible", "/clocks", "/disputes", "/vendors", "/products", "/clocks.atom", "/search.atom?q=Rocket"} {
		for _, lang := range []string{"en", "ja"} {
			c.same(t, path, "Accept-Language: "+lang, "Accept: text/html")
		}
	}
}
