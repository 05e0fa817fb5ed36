package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"tasuki/internal/authority"
	"tasuki/internal/store/storetest"
)

// twoAuthorities are two nodes of one store with a Secretariat and two CNAs; acme's quota is small.
func twoAuthorities(t *testing.T, quota int64) (a, b *kitNode, keys map[string]string) {
	t.Helper()
	dsn := storetest.Postgres(t)
	a = openKit(t, kitOptions{store: dsn})
	b = openTwin(t, a, true, kitOptions{store: dsn})
	founded, err := asOperator[foundedAnswer](t, a, "authority init", foundRequest{Short: "jp", Name: "Authority", User: "root@jp.test", Years: []int64{2026}})
	if err != nil {
		t.Fatal(err)
	}
	keys = map[string]string{"jp": founded.Secret}
	for _, short := range []string{"acme", "other"} {
		if _, err := asOperator[orgAnswer](t, b, "authority org add", newOrgRequest{Short: short, Name: short, Roles: []string{"CNA"}, Quota: &quota}); err != nil {
			t.Fatal(err)
		}
		u, err := asOperator[userAnswer](t, a, "authority user add", newUserRequest{Org: short, User: "root@" + short + ".test"})
		if err != nil {
			t.Fatal(err)
		}
		keys[short] = u.Secret
	}
	return a, b, keys
}

// as is a client of a node for the user of an organisation.
func as(t testing.TB, k *kitNode, keys map[string]string, short string) *suiteClient {
	t.Helper()
	c := newSuite(t, k)
	c.org, c.user, c.key = short, "root@"+short+".test", keys[short]
	return c
}

// Clients of two nodes reserve as fast as they can, in all ways: no number is given out twice, none is left out that the protocol would
// not leave out, the quota holds to the last identifier, and both nodes say the same of it.
func TestTwoNodesReserve(t *testing.T) {
	const quota = 300
	a, b, keys := twoAuthorities(t, quota)
	var mu sync.Mutex
	given := map[string]string{} // owner by identifier
	got, refused := map[string]int{}, map[string]int{}
	kinds := map[string][]int{}
	var group errgroup.Group
	for w := range 8 {
		short := []string{"acme", "other"}[w/2%2]
		c := as(t, []*kitNode{a, b}[w%2], keys, short)
		group.Go(func() error {
			for i := 0; ; i++ {
				amount, batch := 1, ""
				switch i % 3 {
				case 1:
					amount, batch = 1+i%7, "sequential"
				case 2:
					amount, batch = 1+i%10, "nonsequential"
				}
				query := []string{"amount", strconv.Itoa(amount), "short_name", short, "cve_year", "2026"}
				if batch != "" {
					query = append(query, "batch_type", batch)
				}
				status, raw := c.do(http.MethodPost, "cve-id", "", query...)
				if status == http.StatusForbidden && strings.Contains(string(raw), "EXCEEDED_ID_QUOTA") {
					mu.Lock()
					refused[short]++
					mu.Unlock()
					if amount == 1 {
						return nil // nothing is left
					}
					continue
				}
				var out struct {
					IDs []struct {
						ID    string `json:"cve_id"`
						Owner string `json:"owning_cna"`
					} `json:"cve_ids"`
				}
				if err := json.Unmarshal(raw, &out); status != http.StatusOK || err != nil || len(out.IDs) != amount {
					return fmt.Errorf("%d of %q: %d %s", amount, batch, status, raw)
				}
				mu.Lock()
				for n, id := range out.IDs {
					if other, twice := given[id.ID]; twice {
						t.Errorf("%s was given to %s and to %s", id.ID, other, short)
					}
					given[id.ID] = short
					number, err := strconv.Atoi(strings.TrimPrefix(id.ID, "CVE-2026-"))
					if err != nil {
						t.Error(err)
					}
					kinds[batch] = append(kinds[batch], number)
					if batch == "sequential" && n > 0 && number != kinds[batch][len(kinds[batch])-2]+1 {
						t.Errorf("a sequential batch has %d after %d", number, kinds[batch][len(kinds[batch])-2])
					}
				}
				got[short] += amount
				mu.Unlock()
			}
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, short := range []string{"acme", "other"} {
		if got[short] != quota || refused[short] == 0 {
			t.Errorf("%s holds %d of a quota of %d, and was refused %d times", short, got[short], quota, refused[short])
		}
	}
	// The priority block has no gaps; in the general one, all that is not given out is in the pool.
	single := slices.Sorted(slices.Values(kinds[""]))
	for i, n := range single {
		if n != i+1 {
			t.Fatalf("the priority block has %v", single)
		}
	}
	general := slices.Sorted(slices.Values(slices.Concat(kinds["sequential"], kinds["nonsequential"])))
	if spread := general[len(general)-1] - 20_000; spread > len(general)+250 {
		t.Errorf("%d numbers of the general block are spread over %d", len(general), spread)
	}
	lists := map[string]string{}
	for name, k := range map[string]*kitNode{"a": a, "b": b} {
		_, page1 := as(t, k, keys, "jp").do(http.MethodGet, "cve-id", "")
		_, page2 := as(t, k, keys, "jp").do(http.MethodGet, "cve-id", "", "page", "2")
		lists[name] = string(page1) + string(page2)
		for id := range given {
			if !strings.Contains(lists[name], `"`+id+`"`) {
				t.Errorf("%s does not list %s", name, id)
			}
		}
	}
	if lists["a"] != lists["b"] {
		t.Error("the nodes list differently")
	}
	if x, y := a.check(t), b.check(t); !maps.Equal(x, y) {
		t.Errorf("%v and %v", x, y)
	}
	t.Logf("%d identifiers, refused %v", len(given), refused)
}

// What one node wrote holds on the other at once: records, keys, roles.
func TestTwoNodesOneAuthority(t *testing.T) {
	a, b, keys := twoAuthorities(t, 100)
	here, there := as(t, a, keys, "acme"), as(t, b, keys, "acme")
	_, raw := here.do(http.MethodPost, "cve-id", "", "amount", "1", "short_name", "acme", "cve_year", "2026")
	if !strings.Contains(string(raw), "CVE-2026-0001") {
		t.Fatalf("%s", raw)
	}
	const container = `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],` +
		`"references":[{"url":"https://acme.test/1"}]}}`
	if status, raw := there.do(http.MethodPost, "cve/CVE-2026-0001/cna", container); status != http.StatusOK {
		t.Fatalf("published on the other node: %d %s", status, raw)
	}
	for _, c := range []*suiteClient{here, there} {
		if status, raw := c.do(http.MethodGet, "cve/CVE-2026-0001", ""); status != http.StatusOK || !strings.Contains(string(raw), "A flaw.") {
			t.Errorf("read: %d %s", status, raw)
		}
	}
	if _, err := asOperator[userAnswer](t, a, "authority user reset-secret", secretRequest{Org: "acme", User: "root@acme.test", Secret: "Another-One"}); err != nil {
		t.Fatal(err)
	}
	if status, _ := there.do(http.MethodGet, "org/acme", ""); status != http.StatusUnauthorized {
		t.Errorf("the former key still opens the other node: %d", status)
	}
	there.key = "Another-One"
	if status, _ := there.do(http.MethodGet, "org/acme", ""); status != http.StatusOK {
		t.Errorf("the new key does not: %d", status)
	}
	if _, err := asOperator[orgAnswer](t, a, "authority org change", orgChangeRequest{Short: "acme", Remove: []string{string(authority.CNA)}}); err != nil {
		t.Fatal(err)
	}
	if status, raw := there.do(http.MethodPost, "cve-id", "", "amount", "1", "short_name", "acme", "cve_year", "2026"); status != http.StatusForbidden {
		t.Errorf("a role that was taken still holds on the other node: %d %s", status, raw)
	}
}
