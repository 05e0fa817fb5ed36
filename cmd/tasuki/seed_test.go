package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

const devKey = "TCF25YM-39C4H6D-KA32EGF-V5XSHN3"

// openSeeded opens a new node with the conformance seed in it.
func openSeeded(t testing.TB, o kitOptions) *kitNode {
	t.Helper()
	now := time.Now
	if o.now != nil {
		now = o.now
	}
	o.seed = conformanceSeed(devKey, now())
	return openKit(t, o)
}

// The seed is what reference §15 lists.
func TestConformanceSeed(t *testing.T) {
	s := conformanceSeed(devKey, time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	counts, admit9, mitre := map[cve.State]int{}, 0, 0
	states := map[string]cve.State{}
	for _, i := range s.IDs {
		counts[i.State]++
		if states[i.ID] != "" {
			t.Errorf("%s twice", i.ID)
		}
		states[i.ID] = i.State
		if i.State != cve.Reserved && i.Owner == "admit_9" {
			admit9++
			if _, named := seedNamed[i.ID]; named {
				t.Errorf("%s is admit_9's", i.ID)
			}
		}
		if i.State == cve.Reserved && i.Owner == "mitre" {
			mitre++
		}
	}
	if want := map[cve.State]int{cve.Published: 62, cve.Rejected: 52, cve.Reserved: 116}; !maps.Equal(counts, want) || admit9 != 5 || mitre != 5 {
		t.Errorf("%v, admit_9 %d, mitre %d", counts, admit9, mitre)
	}
	for id, state := range seedNamed {
		if states[id] != state {
			t.Errorf("%s is %s", id, states[id])
		}
	}
	users := 0
	for _, o := range s.Orgs {
		users += len(o.Users)
		admins := 0
		for _, u := range o.Users {
			if p := u.Person; p.First == "" || p.Last == "" || p.Middle == "" || p.Suffix == "" {
				t.Errorf("%s: %+v", u.Name, p)
			}
			admins += len(u.Roles)
		}
		if len(o.Users) < 2 || o.Short != "mitre" && admins != 1 {
			t.Errorf("%s has %d users, %d admins", o.Short, len(o.Users), admins)
		}
		for _, never := range []string{"test", "1111", "new_org_name", "nonexistant_org", "nonexistent123", "cisco"} {
			if o.Short == never {
				t.Errorf("%s must not exist", never)
			}
		}
	}
	if first := s.Orgs[0].Users[0]; first.Name != "cps@mitre.org" || first.Person.First != "Jeremy" || len(first.Roles) > 0 || len(s.Orgs[0].Users) < 3 || users >= 500 {
		t.Errorf("%+v, %d users", first, users)
	}
	if n := len(s.Ranges); n != 2027-1999+1 || s.Ranges[0].Year != 1999 || s.Ranges[n-1].Year != 2027 {
		t.Errorf("%d years", n)
	}
}

// What is sown is valid, in the past, the same on two nodes of one day, and what a replay gives.
func TestSow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dsn := ""
		if db.Engine() == store.Postgres {
			dsn = storetest.Postgres(t)
		}
		k := openSeeded(t, kitOptions{store: dsn})
		if !k.chain.Test() || k.chain.Head().Charter().Operator.Org != k.node.mustOrg(t, "mitre").ID || k.Banner() == "" {
			t.Errorf("charter %+v", k.chain.Head().Charter())
		}
		valid, err := schema.NewValidator()
		if err != nil {
			t.Fatal(err)
		}
		twin := openSeeded(t, kitOptions{})
		var dates []string
		for _, i := range conformanceSeed(devKey, time.Now()).IDs {
			if i.State == cve.Reserved {
				continue
			}
			v, err := k.catalogue.Get(t.Context(), i.ID)
			if err != nil {
				t.Fatalf("%s: %v", i.ID, err)
			}
			raw, err := v.Compact()
			if err != nil {
				t.Fatal(err)
			}
			if other := twin.get(t, "/api/cve/"+i.ID); string(other) != string(raw) {
				t.Errorf("%s is\n%s\nhere and\n%s\nthere", i.ID, raw, other)
			}
			for _, f := range valid.Record(raw) {
				t.Errorf("%s: %s", i.ID, f.Message)
			}
			if v.State != i.State || v.Record.Metadata.AssignerShortName != i.Owner {
				t.Errorf("%s is %s of %s", i.ID, v.State, v.Record.Metadata.AssignerShortName)
			}
			dates = append(dates, v.Record.Metadata.DateUpdated, v.Record.Metadata.DateReserved)
		}
		if last := slices.Max(dates); last > cve.FormatTime(time.Now().Add(-time.Hour)) {
			t.Errorf("the newest date is %s", last)
		}
		if k.catalogue.Len() != 114 {
			t.Errorf("%d records", k.catalogue.Len())
		}
		k.check(t)
	})
}

func (n *node) mustOrg(t testing.TB, short string) authority.Org {
	t.Helper()
	o, err := n.acts.Org(t.Context(), operator("test"), short)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A seed goes into nothing but emptiness, and is not to be reached from outside.
func TestSeedRefused(t *testing.T) {
	k := openKit(t, kitOptions{})
	dir := k.dir.Path
	k.close(t)
	if _, err := tryKit(t, kitOptions{dir: dir, seed: conformanceSeed(devKey, time.Now())}); err == nil || !strings.Contains(err.Error(), errNotFresh.Error()) {
		t.Errorf("over a list: %v", err)
	}
	k = openSeeded(t, kitOptions{})
	dir = k.dir.Path
	k.close(t)
	if _, err := tryKit(t, kitOptions{dir: dir, seed: conformanceSeed(devKey, time.Now())}); err == nil || !strings.Contains(err.Error(), errNotFresh.Error()) {
		t.Errorf("a second time: %v", err)
	}
	again := openKit(t, kitOptions{dir: dir})
	if again.Banner() == "" || again.catalogue == nil {
		t.Error("the list forgot that it is a test list")
	}
	good := defaultConfig()
	seed := conformanceSeed(devKey, time.Now())
	if err := seed.check(good); err != nil {
		t.Errorf("loopback: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"all addresses":     func(c *Config) { c.Listen = "0.0.0.0:8080" },
		"no host":           func(c *Config) { c.Listen = ":8080" },
		"a name":            func(c *Config) { c.Listen = "example.jp:8080" },
		"a base URL":        func(c *Config) { c.BaseURL = "https://cve.example.jp" },
		"behind a proxy":    func(c *Config) { c.TrustedProxy = []string{"10.0.0.1"} },
		"under other names": func(c *Config) { c.Hosts = []string{"cve.example.jp"} },
	} {
		c := good
		change(&c)
		if seed.check(c) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := conformanceSeed("", time.Now()).check(good); err == nil || !strings.Contains(err.Error(), devKeyEnv) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := seedOf("nonsense", devKey, time.Now()); err == nil {
		t.Error("an unknown seed is taken")
	}
}

// BenchmarkSeed is the time from an empty directory to a node that could listen.
func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		k := openSeeded(b, kitOptions{})
		b.StopTimer()
		k.close(b)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/seed")
	if per := b.Elapsed() / time.Duration(b.N); per > 3*time.Second {
		b.Errorf("%v for a seed", per)
	}
}
