package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"tasuki/internal/charter"
)

// drillTown is who takes part: where they are, and with which keys.
type drillTown struct {
	list      string // id
	chain     atomic.Pointer[charter.Chain]
	operator  drillPlace
	mirrors   []*drillPlace
	spare     drillPlace
	client    drillPlace // a reader with a copy of its own
	witnesses []drillPlace
	board     []string // key files of the seats
	founder   string   // key file of the founder, who leaves the board
	escrow    string   // key file
	authors   []*drillAuthor
	classic   *drillClassic
	at        atomic.Pointer[string] // URL of the present operator
	handed    *drillPlace            // the mirror that the board's charter is handed to
	successor *drillPlace
	lost      *drillPlace // a mirror that is lost with the operator, nil for none
}

// drillPlace is a server: its directory, its address, and its process while it runs.
type drillPlace struct {
	name, dir, addr, key, vkey string
	process                    *drillProcess
}

func (p *drillPlace) url() string { return "http://" + p.addr }

// place makes a place with an address and, for those who sign, a key.
func (d *drill) place(ctx context.Context, name, keygen string) (p drillPlace, err error) {
	p = drillPlace{name: name, dir: d.path(name)}
	if p.addr, err = freeAddress(); err != nil || keygen == "" {
		return p, err
	}
	p.key = d.path(name + ".key")
	out, err := d.here(ctx, keygen, "keygen", "--name", name+".example/drill", p.key)
	p.vkey = strings.TrimSpace(out)
	return p, err
}

// drillBoard is the board: so many seats, and so many of them decide.
const drillBoard, drillDecide = 5, 3

// found makes the list: an authority with its records, authorities, and a charter with mirrors, witnesses, a board and an escrow.
func (d *drill) found(ctx context.Context) (err error) {
	if d.operator, err = d.place(ctx, "operator", ""); err != nil {
		return err
	}
	d.operator.name = "first"
	if _, err := d.onOperator(ctx, "authority", "init", "--short", "sec", "--name", "Secretariat", "--user", "root@sec.example"); err != nil {
		return err
	}
	if err := d.records(); err != nil {
		return err
	}
	if _, err := d.onOperator(ctx, "import", "cvelist", d.path("records")); err != nil {
		return err
	}
	if err := d.enter(ctx); err != nil {
		return err
	}
	if err := d.firstCharter(ctx); err != nil {
		return err
	}
	return d.open(ctx)
}

// onOperator runs a command in the operator's data directory, or beside its process.
func (d *drill) onOperator(ctx context.Context, args ...string) (string, error) {
	return d.tasuki(ctx, append([]string{"--data", d.operator.dir, "--log-level", "error"}, args...)...)
}

// records writes the records that the list begins with.
func (d *drill) records() error {
	dice := d.dice("records")
	if err := os.Mkdir(d.path("records"), 0o700); err != nil {
		return err
	}
	for i := range d.plan.Records {
		id := fmt.Sprintf("CVE-%d-%d", 2017+i%8, 10_000+i/8)
		text := fmt.Sprintf("A flaw, number %d. %s", i, strings.Repeat("It is found in many a place. ", dice.IntN(20)))
		record := fmt.Sprintf(`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,`+
			`"assignerOrgId":"11111111-1111-4111-8111-111111111111","assignerShortName":"before","state":"PUBLISHED","datePublished":"2024-01-%02dT00:00:00.000Z","dateUpdated":"2024-02-%02dT00:00:00.000Z"},"containers":{"cna":{"providerMetadata":`+
			`{"orgId":"11111111-1111-4111-8111-111111111111","shortName":"before"},%s}}}`, id, 1+dice.IntN(28), 1+dice.IntN(28), drillContainer(text))
		if err := os.WriteFile(filepath.Join(d.path("records"), id+".json"), []byte(record), 0o600); err != nil {
			return err
		}
		d.drillTruth.began = append(d.drillTruth.began, id)
	}
	return nil
}

// drillContainer are the members of a container that says text.
func drillContainer(text string) string {
	said, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return fmt.Sprintf(`"affected":[{"vendor":"Drill","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],`+
		`"descriptions":[{"lang":"en","value":%s}],"references":[{"url":"https://drill.example/1"}]`, said)
}

// enter lets the authorities in: three with nodes of their own, and one that uses the API.
func (d *drill) enter(ctx context.Context) error {
	raw, err := d.onOperator(ctx, "charter", "chain", "--raw")
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("founding.charters"), []byte(raw), 0o600); err != nil {
		return err
	}
	docs, err := readCharters(d.path("founding.charters"))
	if err != nil {
		return err
	}
	d.list = docs[0].Hash()
	for _, short := range []string{"alpha", "beta", "gamma"} {
		org, err := d.organisation(ctx, short)
		if err != nil {
			return err
		}
		a := &drillAuthor{d: d, short: short, org: org, folder: d.path(short), dice: d.dice(short)}
		d.authors = append(d.authors, a)
	}
	if _, err := d.organisation(ctx, "delta"); err != nil {
		return err
	}
	secret, err := d.onOperator(ctx, "authority", "user", "add", "delta", "dora@delta.example", "--admin")
	if err != nil {
		return err
	}
	d.classic = newDrillClassic(d, "delta", "dora@delta.example", strings.TrimSpace(secret))
	return nil
}

func (d *drill) organisation(ctx context.Context, short string) (id string, err error) {
	out, err := d.onOperator(ctx, "authority", "org", "add", short, "--name", "The "+short+" authority", "--quota", "100000", "--json")
	if err != nil {
		return "", err
	}
	org, err := readDrillJSON[orgAnswer](out)
	return org.ID, err
}

// firstCharter is the one that a founder signs together with the new board: mirrors, witnesses, escrow.
func (d *drill) firstCharter(ctx context.Context) (err error) {
	draft := []string{"charter", "draft", "--data", d.operator.dir, d.path("draft2.json"), "--operator-slug", d.operator.name, "--operator-url", d.operator.url(),
		"--q", fmt.Sprint(d.plan.Q), "--k", fmt.Sprint(drillDecide), "--remove-seat", "b1", "--policy", d.path("policy"), "--reason", "the first mirrors"}
	for i := range d.plan.Mirrors {
		m, err := d.place(ctx, fmt.Sprintf("m%d", i+1), "mirror")
		if err != nil {
			return err
		}
		d.mirrors = append(d.mirrors, &m)
		draft = append(draft, "--mirror", m.vkey+","+m.url())
	}
	if d.spare, err = d.place(ctx, fmt.Sprintf("m%d", d.plan.Mirrors+1), "mirror"); err != nil {
		return err
	}
	if d.client, err = d.place(ctx, "client", ""); err != nil {
		return err
	}
	var policy, group strings.Builder
	for i := range 3 {
		w, err := d.place(ctx, fmt.Sprintf("w%d", i+1), "witness")
		if err != nil {
			return err
		}
		d.witnesses = append(d.witnesses, w)
		fmt.Fprintf(&policy, "witness %s %s %s\n", w.name, w.vkey, w.url())
		fmt.Fprintf(&group, " %s", w.name)
	}
	fmt.Fprintf(&policy, "group W 2%s\nquorum W\n", group.String())
	if err := os.WriteFile(d.path("policy"), []byte(policy.String()), 0o600); err != nil {
		return err
	}
	for i := range drillBoard {
		key := d.path(fmt.Sprintf("seat%d.key", i+1))
		seat, err := d.here(ctx, "board", "keygen", "--id", fmt.Sprintf("s%d", i+1), "--holder", fmt.Sprintf("Body %d", i+1), "--genesis", key)
		if err != nil {
			return err
		}
		d.board = append(d.board, key)
		draft = append(draft, "--board-seat", strings.TrimSpace(seat))
	}
	d.escrow = d.path("escrow.key")
	recipient, err := d.here(ctx, "escrow", "keygen", d.escrow)
	if err != nil {
		return err
	}
	logKey, err := d.here(ctx, "charter", "log-key", "--from", d.path("founding.charters"), "--slug", d.operator.name, d.path("log2.key"))
	if err != nil {
		return err
	}
	draft = append(draft, "--escrow", strings.TrimSpace(recipient), "--log-key", strings.TrimSpace(logKey))
	if _, err := d.tasuki(ctx, draft...); err != nil {
		return err
	}
	d.founder = d.path("founder.key")
	if err := os.Rename(filepath.Join(d.operator.dir, boardKeyFile), d.founder); err != nil {
		return err
	}
	if err := d.sign(ctx, 2, d.path("founding.charters"), append([]string{d.founder}, d.deciding(d.dice("board of charter 2"))...)); err != nil {
		return err
	}
	_, err = d.onOperator(ctx, "promote", "--charter", d.path("charter2.json"), "--key", d.path("log2.key"))
	return err
}

// deciding are as many seats of the board as it takes.
func (d *drill) deciding(dice *rand.Rand) (keys []string) {
	for _, i := range dice.Perm(len(d.board))[:drillDecide] {
		keys = append(keys, d.board[i])
	}
	return keys
}

// sign lets holders of keys sign draft V, each on a machine of their own, and puts the signatures together.
func (d *drill) sign(ctx context.Context, v int, chain string, keys []string) error {
	draft := d.path(fmt.Sprintf("draft%d.json", v))
	combine := []string{"board", "combine", "--chain", chain, "-o", d.path(fmt.Sprintf("charter%d.json", v)), draft}
	for i, key := range keys {
		signed := d.path(fmt.Sprintf("draft%d.%d.json", v, i+1))
		if _, err := d.here(ctx, "board", "sign", "--yes", "--chain", chain, "--key", key, draft, signed); err != nil {
			return err
		}
		combine = append(combine, signed)
	}
	_, err := d.here(ctx, combine...)
	return err
}

// open starts everybody.
func (d *drill) open(ctx context.Context) (err error) {
	if d.operator.process, err = d.start(ctx, "operator", "--data", d.operator.dir, "--log-level", "info", "serve", "--listen", d.operator.addr); err != nil {
		return err
	}
	d.moved(d.operator.url())
	from := []string{"--from", d.operator.url()}
	sources := []string{d.operator.url()}
	for _, m := range d.mirrors {
		from, sources = append(from, "--from", m.url()), append(sources, m.url())
	}
	var all []func() error
	for i := range d.witnesses {
		w := &d.witnesses[i]
		all = append(all, func() (err error) {
			w.process, err = d.start(ctx, w.name, append([]string{"--log-level", "warn", "witness", "serve", "--key", w.key, "--state", w.dir, "--list", d.list,
				"--listen", w.addr}, from...)...)
			return err
		})
	}
	for _, m := range append([]*drillPlace{&d.spare}, d.mirrors...) {
		all = append(all, func() (err error) {
			m.process, err = d.start(ctx, m.name, append([]string{"--data", m.dir, "--log-level", "info", "mirror", "follow", "--list", d.list, "--key", m.key,
				"--listen", m.addr}, sources...)...)
			return err
		})
	}
	all = append(all, func() (err error) {
		d.client.process, err = d.start(ctx, "client", append([]string{"--data", d.client.dir, "--log-level", "info", "client", "follow", "--list", d.list,
			"--listen", d.client.addr}, sources...)...)
		return err
	})
	return together(all...)
}

// together does several things at once and returns what went wrong first.
func together(do ...func() error) error {
	errs := make([]error, len(do))
	var wg sync.WaitGroup
	for i, f := range do {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// moved says where the operator is from now on.
func (d *drill) moved(url string) { d.at.Store(&url) }
