package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

// A mirror and its origin answer everything alike to somebody who has no name, at equal size: by identifier, NVD, native, GCVE, exports, pages, the log
// itself (checkpoint, tiles, entries, bodies, charters, proofs), and what is published as git and as zips; about imported records, and about what an
// authority did in a busy day, of which the mirror has no private fact. What tells a mirror's answers apart is how fresh it is: two headers, and on pages
// one line (copyNotice).
//
// Not compared, and why: lists of refused files, which are one node's own; /health, /metrics, /pending, /seal/, /holding/, /evidence/, /mirrors and
// /api/v1/continuity, which say how this copy is; bodies as they are stored (?packed=1), which are compared unpacked; streams, which never end; /portal/,
// which is the origin's.
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
		c.log(t)
		c.gcve(t, p)
		c.published(t)
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
		if strings.Contains(path, "stream") || strings.Contains(path, "refused") || strings.HasSuffix(path, "/continuity") {
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

// log asks for the log itself, every byte of it, and for the pages about it.
func (c *conformance) log(t *testing.T) {
	size := c.sqlite.checkpoint.Load().Size
	good := c.good
	c.same(t, "/checkpoint")
	for level, width := 0, size; width > 0; level, width = level+1, width/c2sp.Width {
		for n := range width / c2sp.Width {
			c.same(t, "/"+c2sp.TilePath(level, n, c2sp.Width))
		}
		for _, w := range []int64{1, width % c2sp.Width} {
			if w > 0 && width/c2sp.Width*c2sp.Width+w <= width {
				c.same(t, "/"+c2sp.TilePath(level, width/c2sp.Width, int(w)))
			}
		}
	}
	for n := range (size + c2sp.Width - 1) / c2sp.Width {
		width := min(c2sp.Width, size-n*c2sp.Width)
		c.same(t, "/"+c2sp.TilePath(c2sp.Entries, n, int(width)))
		c.same(t, "/bodies/"+c2sp.IndexPath(n))
		c.same(t, fmt.Sprintf("/bodies/%s?from=%d", c2sp.IndexPath(n), width/2))
	}
	err := c.sqlite.db.View(t.Context(), func(tx *store.Tx) error {
		leaves, err := c.sqlite.ledger.Leaves(t.Context(), tx, 0, size)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			e, err := event.Open(int64(i), leaf, nil)
			if err != nil {
				return err
			}
			if e.Body != nil && (i%9 == 0 || e.Kind != event.RecordImported) {
				c.same(t, fmt.Sprintf("/body/%x/%x", e.Body.H[:1], e.Body.H[:]))
			}
			if i%9 == 0 || e.Kind != event.RecordImported {
				c.same(t, fmt.Sprintf("/log/%d", i), "Accept-Language: en")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Charters []string }
	if err := json.Unmarshal([]byte(c.same(t, "/charter/")), &list); err != nil || len(list.Charters) == 0 {
		t.Fatalf("%v: no charters", err)
	}
	for _, path := range list.Charters {
		c.same(t, path)
	}
	for _, id := range slices.Concat(c.ids, c.own) {
		c.same(t, "/proof/"+id)
	}
	for _, id := range sample(c.ids, 60) {
		c.same(t, "/cve/"+id+"/history", "Accept-Language: ja")
		c.same(t, "/cve/"+id+"/diff", "Accept-Language: en")
	}
	for _, path := range []string{"/log", "/log/0", "/log/99999999", "/charter", "/epochs", "/verify", "/query", "/api", "/weaknesses", "/weaknesses/CWE-79",
		"/search/complete?q=the"} {
		for _, lang := range []string{"en", "ja"} {
			c.same(t, path, "Accept-Language: "+lang, "Accept: text/html")
		}
	}
	if c.good < good+int(size)/9 {
		t.Errorf("only %d answers about a log of %d leaves", c.good-good, size)
	}
}

// gcve asks for what GCVE authorities and their readers ask.
func (c *conformance) gcve(t *testing.T, p *privateWorld) {
	for _, path := range []string{"publication", "publication?per_page=7", "publication?since=2024-01-01T00:00:00Z", "publication?source=x", "manifest", "authority",
		"conformance", "directory", "lookup"} {
		c.same(t, "/api/gcve/"+path)
	}
	for _, id := range append(sample(c.ids, 20), p.shown, p.held[0]) {
		c.same(t, "/api/gcve/lookup?id=GCVE-0-"+strings.TrimPrefix(id, "CVE-"))
		c.same(t, "/api/gcve/publication/"+id)
	}
	for _, file := range []string{"gna-0.ndjson", "gna-1.ndjson", "x"} {
		c.same(t, "/dumps/"+file)
	}
}

// published holds the list as it is published by the one to that by the other: the commit, and every zip and delta file. Only who has the log key signs
// the list of the files.
func (c *conformance) published(t *testing.T) {
	var commits [2]string
	var files [2]map[string][32]byte
	for i, k := range []*kitNode{c.sqlite, c.postgres} {
		dir := t.TempDir()
		if out, err := k.publishOutward(t.Context(), outwardRequest{Zips: filepath.Join(dir, "zips")}, quiet{}); err != nil {
			t.Fatalf("%+v, %v", out, err)
		}
		if _, err := exec.LookPath("git"); err == nil {
			if out, err := k.publishOutward(t.Context(), outwardRequest{Git: filepath.Join(dir, "list.git")}, quiet{}); err != nil {
				t.Fatalf("%+v, %v", out, err)
			}
			head, err := exec.CommandContext(t.Context(), "git", "--git-dir="+filepath.Join(dir, "list.git"), "rev-parse", "HEAD").Output()
			if err != nil {
				t.Fatal(err)
			}
			commits[i] = string(head)
		}
		files[i] = map[string][32]byte{}
		err := filepath.WalkDir(filepath.Join(dir, "zips"), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "tasuki.") || strings.HasSuffix(d.Name(), ".note") {
				return err
			}
			raw, err := os.ReadFile(path)
			files[i][d.Name()] = sha256.Sum256(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if commits[0] != commits[1] {
		t.Errorf("the repositories differ: %q", commits)
	}
	if len(files[0]) < 2 || !maps.Equal(files[0], files[1]) {
		t.Errorf("the releases differ: %q and %q", slices.Sorted(maps.Keys(files[0])), slices.Sorted(maps.Keys(files[1])))
	}
}
