package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

var reservations = flag.Int("reservations", 0, "how many reservations TestAllocation makes on each engine (0: a few)")

// allocClients is how many clients reserve at once.
const allocClients = 64

// Sixty-four clients reserve in all ways at nodes that are killed and started again meanwhile, while identifiers are transferred,
// rejected and put back and quotas change: no identifier is given out twice, none is left out that the protocol would not leave out,
// no quota is exceeded, and nothing that was acknowledged is lost.
func TestAllocation(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { allocate(t, "", 1) })
	t.Run("postgres", func(t *testing.T) { allocate(t, storetest.Postgres(t), 3) })
}

func allocate(t *testing.T, dsn string, nodes int) {
	a := &allocTest{t: t, want: 750, each: 120, free: 700, tight: 60, given: map[string]*allocID{}, unheard: map[string][]int{},
		tally: map[string]int{}, taken: map[string]bool{}}
	switch {
	case testing.Short() && *reservations == 0:
		a.want = 300
	case *reservations > 0:
		a.want, a.each, a.free, a.tight = *reservations, 900, 60_000, 1_500
	}
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	dir := filepath.Join(t.TempDir(), "first")
	a.found(dir, dsn)
	for i := range nodes {
		if i > 0 {
			dir = filepath.Join(t.TempDir(), fmt.Sprint("node", i))
		}
		n := newAllocNode(t, dir, dsn)
		if err := errors.Join(n.begin(), n.ready()); err != nil {
			t.Fatal(err)
		}
		a.nodes = append(a.nodes, n)
	}
	a.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: allocClients}, Timeout: time.Minute}
	defer a.client.CloseIdleConnections()

	began := time.Now()
	ctx, done := context.WithCancel(t.Context())
	var killing errgroup.Group
	killing.Go(func() error { return a.killer(ctx, rand.New(rand.NewPCG(seed, 0))) })
	var clients sync.WaitGroup
	for c := range allocClients {
		clients.Go(func() { a.work(rand.New(rand.NewPCG(seed, uint64(c)+1))) })
	}
	clients.Wait()
	done()
	if err := killing.Wait(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	a.exhaust()
	a.compare()
	for _, n := range a.nodes {
		if err := n.stop(); err != nil {
			t.Errorf("the node at %s ended with %v", n.addr, err)
		}
	}
	k := openKit(t, kitOptions{dir: a.nodes[0].dir, store: dsn})
	law := readLaw(t, k)
	a.sameAs(law, k)
	k.check(t)
	if a.tally["kill"] == 0 || a.tally["ids"] == 0 || a.tally["over quota"] == 0 || a.tally["transfer"] == 0 || a.tally["undo"] == 0 {
		t.Errorf("the test tests too little: %v", a.tally)
	}
	t.Logf("%d reservations of %d identifiers in %v (%.0f/s) by %d clients of %d nodes; %v; %d were never answered", a.tally["reservation"], a.tally["ids"],
		took.Round(time.Second/10), float64(a.tally["reservation"])/took.Seconds(), allocClients, nodes, a.tally, a.tally["unheard"])
}

// allocTest is one run: nodes, and what they have promised.
type allocTest struct {
	t     *testing.T
	nodes []*allocNode
	orgs  []string // that reserve, transfer, reject: all but the tight ones
	uuids map[string]string
	taken map[string]bool // imported
	want  int             // reservations
	each  int             // reservations from one kill to the next, on the average

	free, tight int64 // quotas
	client      *http.Client

	mu      sync.Mutex
	given   map[string]*allocID
	idle    []string         // identifiers that nobody is about to change, and of which all is known
	aside   []string         // such that were rejected
	unheard map[string][]int // amounts of reservations that were never answered, by year, owner and who asked
	tally   map[string]int
}

// allocID is what an identifier may be now: more than one thing after a change that was never answered.
type allocID struct{ owners, states []string }

const (
	allocKey    = "one-key-for-everybody"
	allocNarrow = 1998 // a year whose priority block has few numbers left
)

var (
	allocYears = []int{2026, 2025, allocNarrow}
	allocTight = []string{"tight0", "tight1"} // their quota is met to the last identifier
)

// found makes the list: organisations with one user each, years, and what an import brought before.
func (a *allocTest) found(dir, dsn string) {
	t := a.t
	k := openKit(t, kitOptions{dir: dir, store: dsn})
	defer k.close(t)
	if _, err := asOperator[foundedAnswer](t, k, "authority init", foundRequest{Short: "sec", Name: "Secretariat", User: "user@sec", Secret: allocKey, Years: []int64{2026, 2025}}); err != nil {
		t.Fatal(err)
	}
	a.orgs = []string{"free0", "free1", "free2", "free3", "free4", "free5"}
	a.uuids = map[string]string{}
	for _, short := range slices.Concat(a.orgs, allocTight) {
		quota := a.free
		if slices.Contains(allocTight, short) {
			quota = a.tight
		}
		if _, err := asOperator[orgAnswer](t, k, "authority org add", newOrgRequest{Short: short, Name: short, Roles: []string{"CNA"}, Quota: &quota}); err != nil {
			t.Fatal(err)
		}
		if _, err := asOperator[userAnswer](t, k, "authority user add", newUserRequest{Org: short, User: "user@" + short, Secret: allocKey}); err != nil {
			t.Fatal(err)
		}
	}
	for _, short := range slices.Concat([]string{"sec"}, a.orgs, allocTight) {
		a.uuids[k.mustOrg(t, short).ID] = short
	}
	err := k.gate.Do(t.Context(), operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
		return registry.OpenRange(ctx, turn.Tx, turn, allocNarrow, event.Skip{Priority: registry.PriorityEnd - 30})
	}})
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for _, year := range allocYears {
		for _, n := range []int{1, 2, 5, 17, 18, 19, 40, 111, 19_975, 19_990, 20_001, 20_004, 20_030, 20_031, 20_032, 20_150, 20_333, 20_334, 20_800, 21_500, 21_501, 23_000} {
			id := fmt.Sprintf("CVE-%d-%04d", year, n)
			a.taken[id] = true
			lines = append(lines, kitRecord(id, "PUBLISHED", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "elsewhere", "en", "A flaw.")...)
		}
	}
	if sum, err := k.bringBytes(t.Context(), lines); err != nil || sum.Added != int64(len(a.taken)) {
		t.Fatalf("%+v, %v", sum, err)
	}
}

// killer kills a node each time when about so many more reservations were made, at work or while it starts, and starts it again.
func (a *allocTest) killer(ctx context.Context, rnd *rand.Rand) error {
	for next := 0; ; {
		next += a.each/2 + rnd.IntN(a.each)
		for a.made() < next {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Duration(1 + rnd.Int64N(int64(10*time.Millisecond)))):
			}
		}
		n := a.nodes[rnd.IntN(len(a.nodes))]
		for again := true; again; again = rnd.IntN(3) == 0 {
			n.kill()
			a.count("kill", 1)
			time.Sleep(time.Duration(rnd.Int64N(int64(200 * time.Millisecond))))
			if err := n.begin(); err != nil {
				return err
			}
			time.Sleep(time.Duration(rnd.Int64N(int64(400 * time.Millisecond))))
		}
		if err := n.ready(); err != nil {
			return err
		}
	}
}

func (a *allocTest) made() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tally["reservation"]
}

func (a *allocTest) count(what string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tally[what] += n
}

// errUnheard means that a request went out, and that its answer never came.
var errUnheard = errors.New("no answer")

// send asks one of the nodes that answer. by is whose user asks.
func (a *allocTest) send(rnd *rand.Rand, by, method, path string, query ...string) (int, []byte, error) {
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	for try := 0; ; try++ {
		n := a.nodes[rnd.IntN(len(a.nodes))]
		req, err := http.NewRequest(method, "http://"+n.addr+"/api/"+path+"?"+v.Encode(), nil)
		if err != nil {
			return 0, nil, err
		}
		for name, value := range map[string]string{"CVE-API-ORG": by, "CVE-API-USER": "user@" + by, "CVE-API-KEY": allocKey} {
			req.Header.Set(name, value)
		}
		resp, err := a.client.Do(req)
		if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" && try < 2000 {
			time.Sleep(30 * time.Millisecond) // the node is down; nothing was sent
			continue
		}
		if err != nil {
			return 0, nil, errUnheard
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read, or the read says why not
		if err != nil {
			return 0, nil, errUnheard
		}
		return resp.StatusCode, raw, nil
	}
}

// work is the life of a client, until enough was reserved.
func (a *allocTest) work(rnd *rand.Rand) {
	for {
		if a.made() >= a.want || a.t.Failed() {
			return
		}
		switch p := rnd.IntN(100); {
		case p < 76:
			a.reserve(rnd)
		case p < 98:
			a.change(rnd)
		default:
			a.setQuota(rnd)
		}
	}
}

func (a *allocTest) reserve(rnd *rand.Rand) {
	owner := slices.Concat(a.orgs, allocTight)[rnd.IntN(len(a.orgs)+len(allocTight))]
	by := owner
	if rnd.IntN(10) == 0 {
		by = "sec"
	}
	year, amount, batch := allocYears[rnd.IntN(len(allocYears))], 1, ""
	switch rnd.IntN(10) {
	case 0, 1:
		amount, batch = 1+min(rnd.IntN(50), rnd.IntN(50)), "sequential"
	case 2, 3, 4:
		amount, batch = 1+rnd.IntN(10), []string{"nonsequential", "non-sequential"}[rnd.IntN(2)]
	}
	a.ask(rnd, owner, by, year, amount, batch)
}

// ask reserves, and writes down what came of it. It returns false where the quota did not allow it.
func (a *allocTest) ask(rnd *rand.Rand, owner, by string, year, amount int, batch string) bool {
	t := a.t
	query := []string{"amount", strconv.Itoa(amount), "short_name", owner, "cve_year", strconv.Itoa(year)}
	if batch != "" {
		query = append(query, "batch_type", batch)
	}
	status, raw, err := a.send(rnd, by, http.MethodPost, "cve-id", query...)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		group := fmt.Sprintf("%d %s %s", year, owner, by)
		a.unheard[group] = append(a.unheard[group], amount)
		a.tally["unheard"]++
		return true
	}
	if status == http.StatusForbidden && strings.Contains(string(raw), "EXCEEDED_ID_QUOTA") {
		a.tally["over quota"]++
		return false
	}
	var out struct {
		IDs []struct {
			ID    string `json:"cve_id"`
			Owner string `json:"owning_cna"`
			State string `json:"state"`
		} `json:"cve_ids"`
		Meta struct {
			Left int64 `json:"remaining_quota"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(raw, &out); status != http.StatusOK || err != nil || len(out.IDs) != amount || out.Meta.Left < 0 {
		t.Errorf("%d of %q of %d for %s: %d %s", amount, batch, year, owner, status, raw)
		return false
	}
	a.tally["reservation"]++
	a.tally["ids"] += amount
	a.tally[batch]++
	for i, id := range out.IDs {
		if a.given[id.ID] != nil {
			t.Errorf("%s was given out twice", id.ID)
		}
		if a.taken[id.ID] {
			t.Errorf("%s was imported before, and is given out", id.ID)
		}
		if id.Owner != owner || id.State != "RESERVED" {
			t.Errorf("%s is %s of %s, reserved for %s", id.ID, id.State, id.Owner, owner)
		}
		a.given[id.ID] = &allocID{[]string{owner}, []string{"RESERVED"}}
		if !slices.Contains(allocTight, owner) {
			a.idle = append(a.idle, id.ID)
		}
		if batch == "sequential" && i > 0 {
			for n := numberOf(out.IDs[i-1].ID) + 1; n != numberOf(id.ID); n++ {
				if n > numberOf(id.ID) || !a.taken[fmt.Sprintf("CVE-%d-%04d", year, n)] {
					t.Errorf("a batch goes from %s to %s, and %d was not imported", out.IDs[i-1].ID, id.ID, n)
					break
				}
			}
		}
	}
	return true
}

func numberOf(id string) int {
	n, err := strconv.Atoi(id[len("CVE-2026-"):])
	if err != nil {
		return -1
	}
	return n
}

// change transfers, rejects or restores an identifier.
func (a *allocTest) change(rnd *rand.Rand) {
	a.mu.Lock()
	from := &a.idle
	if len(a.aside) > 0 && rnd.IntN(4) == 0 { // by chance alone one rejected would hardly be met among all
		from = &a.aside
	}
	if len(*from) == 0 {
		a.mu.Unlock()
		return
	}
	n, last := rnd.IntN(len(*from)), len(*from)-1
	id := (*from)[n]
	(*from)[n] = (*from)[last]
	*from = (*from)[:last]
	is := a.given[id]
	owner, state := is.owners[0], is.states[0]
	a.mu.Unlock()

	to, becomes, kind, query := owner, state, "transfer", []string(nil)
	switch {
	case from == &a.aside:
		becomes, kind, query = "RESERVED", "undo", []string{"state", "RESERVED"}
	case rnd.IntN(2) == 0:
		becomes, kind, query = "REJECTED", "reject", []string{"state", "REJECTED"}
	default:
		to = a.orgs[rnd.IntN(len(a.orgs))]
		query = []string{"org", to}
	}
	status, raw, err := a.send(rnd, owner, http.MethodPut, "cve-id/"+id, query...)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil: // one or the other; it is left alone from now on
		is.owners, is.states = []string{owner, to}, []string{state, becomes}
		a.tally["unheard"]++
		return
	case status == http.StatusForbidden && kind == "undo" && strings.Contains(string(raw), "TRANSITION_STATE_RESERVED_NO_QUOTA"):
		kind = "undo without quota"
	case status != http.StatusOK:
		a.t.Errorf("%s of %s, %s of %s: %d %s", kind, id, state, owner, status, raw)
		return
	default:
		is.owners, is.states = []string{to}, []string{becomes}
	}
	a.tally[kind]++
	if is.states[0] == "REJECTED" {
		a.aside = append(a.aside, id)
	} else {
		a.idle = append(a.idle, id)
	}
}

// setQuota gives an organisation another quota, which may be below what it holds. What comes of it the log says.
func (a *allocTest) setQuota(rnd *rand.Rand) {
	quota := a.free*9/10 + rnd.Int64N(a.free/2)
	status, raw, err := a.send(rnd, "sec", http.MethodPut, "org/"+a.orgs[rnd.IntN(len(a.orgs))], "id_quota", strconv.FormatInt(quota, 10))
	if err == nil && status != http.StatusOK {
		a.t.Errorf("quota of %d: %d %s", quota, status, raw)
	}
	a.count("quota", 1)
}

// exhaust uses the tight quotas up and looks whether they are met exactly.
func (a *allocTest) exhaust() {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, short := range allocTight {
		for a.ask(rnd, short, short, 2026, 1, "") && !a.t.Failed() {
		}
		_, raw, err := a.send(rnd, short, http.MethodGet, "org/"+short+"/id_quota")
		if want := fmt.Sprintf(`{"id_quota":%d,"total_reserved":%d,"available":0}`, a.tight, a.tight); err != nil || strings.TrimSpace(string(raw)) != want {
			a.t.Errorf("%s: %s (%v), want %s", short, raw, err, want)
		}
	}
}

// listed is an identifier as a node lists it.
type listed struct {
	ID    string `json:"cve_id"`
	State string `json:"state"`
	Owner string `json:"owning_cna"`
	By    struct {
		CNA string `json:"cna"`
	} `json:"requested_by"`
}

// list is every identifier that somebody here owns, and a text that says all of it.
func (a *allocTest) list(n *allocNode) (map[string]listed, error) {
	all := map[string]listed{}
	one := &allocTest{t: a.t, nodes: []*allocNode{n}, client: a.client}
	rnd := rand.New(rand.NewPCG(1, 2))
	for page := 1; page > 0; {
		status, raw, err := one.send(rnd, "sec", http.MethodGet, "cve-id", "page", strconv.Itoa(page))
		var out struct {
			IDs  []listed `json:"cve_ids"`
			Next *int     `json:"nextPage"`
		}
		if err == nil {
			err = json.Unmarshal(raw, &out)
		}
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("page %d: %d %.300s (%w)", page, status, raw, err)
		}
		for _, i := range out.IDs {
			if _, twice := all[i.ID]; twice {
				return nil, fmt.Errorf("%s is listed twice", i.ID)
			}
			all[i.ID] = i
		}
		page = 0
		if out.Next != nil {
			page = *out.Next
		}
	}
	return all, nil
}

// compare holds what every node lists to what was acknowledged.
func (a *allocTest) compare() {
	t := a.t
	lists := make([]map[string]listed, len(a.nodes))
	var group errgroup.Group
	for i, n := range a.nodes {
		group.Go(func() (err error) { lists[i], err = a.list(n); return err })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range lists[1:] {
		if !maps.Equal(lists[0], lists[i+1]) {
			t.Errorf("the nodes %d and 0 list differently", i+1)
		}
	}
	have := lists[0]
	for id, want := range a.given {
		switch i, ok := have[id]; {
		case !ok:
			t.Errorf("%s was acknowledged and is lost", id)
		case !slices.Contains(want.owners, i.Owner) || !slices.Contains(want.states, i.State):
			t.Errorf("%s is %s of %s; it should be %v of %v", id, i.State, i.Owner, want.states, want.owners)
		}
	}
	// What is there and was not acknowledged came of reservations that were never answered: each all of it or nothing.
	more := map[string]int{}
	for id, i := range have {
		if a.given[id] == nil && !a.taken[id] {
			more[fmt.Sprintf("%s %s %s", id[4:8], i.Owner, i.By.CNA)]++
		}
	}
	for group, n := range more {
		if !sumOf(a.unheard[group], n) {
			t.Errorf("%s: %d identifiers that nobody was told of; unanswered were reservations of %v", group, n, a.unheard[group])
		}
	}
	// What quotas count is what the list holds.
	reserved := map[string]int{}
	for _, i := range have {
		if i.State == "RESERVED" {
			reserved[i.Owner]++
		}
	}
	rnd := rand.New(rand.NewPCG(1, 3))
	for _, short := range slices.Concat(a.orgs, allocTight) {
		_, raw, err := a.send(rnd, "sec", http.MethodGet, "org/"+short+"/id_quota")
		if err != nil || !strings.Contains(string(raw), fmt.Sprintf(`"total_reserved":%d,`, reserved[short])) {
			t.Errorf("%s holds %d reserved identifiers, and is told %s (%v)", short, reserved[short], raw, err)
		}
	}
	for id := range have {
		if !a.taken[id] {
			a.tally["listed"]++
		}
	}
}

// sumOf says whether some of the amounts add up to n.
func sumOf(amounts []int, n int) bool {
	can := make([]bool, n+1)
	can[0] = true
	for _, m := range amounts {
		for s := n; s >= m; s-- {
			can[s] = can[s] || can[s-m]
		}
	}
	return can[n]
}

// sameAs holds what the log says to what was acknowledged.
func (a *allocTest) sameAs(law *allocLaw, k *kitNode) {
	for id, want := range a.given {
		i := law.ids[id]
		if i == nil || !slices.Contains(want.owners, a.uuids[i.owner]) || !slices.Contains(want.states, string(i.state)) {
			a.t.Errorf("%s is %+v in the log; it should be %+v", id, i, want)
		}
	}
	for year, want := range law.years {
		var got registry.Range
		err := k.db.View(a.t.Context(), func(tx *store.Tx) (err error) { got, err = registry.GetRange(a.t.Context(), tx, year); return err })
		if err != nil || got.Priority != want.priority || got.General != want.general {
			a.t.Errorf("the counters of %d are %+v (%v), the log says %d and %d", year, got, err, want.priority, want.general)
		}
	}
	if law.given != a.tally["listed"] {
		a.t.Errorf("%d identifiers were given out, %d are listed", law.given, a.tally["listed"])
	}
}
