package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

// How hard BenchmarkDurableWrites works, and what the issue asks for.
const (
	durableWriters = 256
	durableFor     = 20 * time.Second
	durableSecret  = "a-secret-that-is-long-enough"
)

// launched is a process of this program that serves. Its fields are those of served; beside is empty without a profiler.
func launched(tb testing.TB, underLoad bool, args ...string) *served {
	tb.Helper()
	s := &served{began: time.Now()}
	wants := []*string{&s.base}
	if underLoad {
		s.cmd, wants = self(tb, "tasuki-under-load", args...), []*string{&s.beside, &s.base}
	} else {
		s.cmd = self(tb, "tasuki", args...)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.stop(tb) })
	lines := bufio.NewReader(out)
	for _, to := range wants {
		line, err := lines.ReadString('\n')
		if err != nil {
			tb.Fatalf("%s did not start: %v", strings.Join(args, " "), err)
		}
		*to = strings.TrimSpace(line)
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // whatever it still says
	return s
}

// ran is the first line of what a command of this program printed.
func ran(tb testing.TB, args ...string) string {
	tb.Helper()
	cmd := self(tb, "tasuki", args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("tasuki %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.Bytes())
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// freePort is an address on loopback that nobody listens on at the moment.
func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only for its number
	return l.Addr().String()
}

// durableList is a list of real processes on this machine: an operator, three mirrors and three witnesses, of which any two make a quorum.
type durableList struct {
	operator  *served
	mirrors   []*served
	witnesses []*served
	client    *http.Client
}

// openDurableList founds the list by the commands that people use, with a CNA that may reserve.
func openDurableList(b *testing.B) *durableList {
	b.Helper()
	at := b.TempDir()
	file := func(name string, i int) string { return filepath.Join(at, fmt.Sprintf("%s%d", name, i)) }
	dir, address := filepath.Join(at, "operator"), freePort(b)
	d := &durableList{client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: durableWriters}}}
	first := launched(b, false, "--data", dir, "--log-level", "error", "serve", "--listen", address)
	list := first.health(b).List
	b.Setenv("TASUKI_SECRET", durableSecret)
	ran(b, "--data", dir, "authority", "init", "--short", "sec", "--name", "Secretariat", "--user", "root@sec.test", "--year", "2026")
	ran(b, "--data", dir, "authority", "org", "add", "acme", "--name", "Acme", "--role", "CNA", "--quota", "100000")
	ran(b, "--data", dir, "authority", "user", "add", "acme", "ann@acme.test")
	var policy bytes.Buffer
	draft := []string{"charter", "draft", "--data", dir, file("draft", 0), "--reason", "mirrors", "--operator-url", first.base}
	var places []string
	for i := 1; i <= 3; i++ {
		vkey := ran(b, "witness", "keygen", "--name", fmt.Sprintf("w%d.example/w", i), file("witness.key", i))
		w := launched(b, false, "--log-level", "error", "witness", "serve", "--key", file("witness.key", i), "--state", file("witness", i),
			"--list", list, "--from", first.base, "--listen", "127.0.0.1:0")
		d.witnesses = append(d.witnesses, w)
		fmt.Fprintf(&policy, "witness w%d %s %s\n", i, vkey, w.base)
		places = append(places, freePort(b))
		draft = append(draft, "--mirror", ran(b, "mirror", "keygen", "--name", fmt.Sprintf("m%d.example/m", i), file("mirror.key", i))+",http://"+places[i-1])
	}
	policy.WriteString("group W 2 w1 w2 w3\nquorum W\n")
	if err := os.WriteFile(file("policy", 0), policy.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	first.stop(b)
	draft = append(draft, "--policy", file("policy", 0), "--log-key", ran(b, "charter", "log-key", "--data", dir, file("log.key", 0)))
	ran(b, draft...)
	ran(b, "board", "sign", "--key", filepath.Join(dir, boardKeyFile), file("draft", 0), file("signed", 0), "--chain", dir, "--yes")
	ran(b, "promote", "--data", dir, "--charter", file("signed", 0), "--key", file("log.key", 0))
	d.operator = launched(b, true, "--data", dir, "--listen", address)
	for i := 1; i <= 3; i++ {
		d.mirrors = append(d.mirrors, launched(b, false, "--data", file("mirror", i), "--log-level", "error", "mirror", "follow", d.operator.base, "--list", list,
			"--key", file("mirror.key", i), "--listen", places[i-1]))
	}
	return d
}

// write sends one write as the CNA and returns the answer, and whether it was acknowledged as durable.
func (d *durableList) write(ctx context.Context, path, body string) (answer []byte, durable bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.operator.base+path, strings.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	for name, value := range map[string]string{"CVE-API-ORG": "acme", "CVE-API-USER": "ann@acme.test", "CVE-API-KEY": durableSecret,
		"Content-Type": "application/json"} {
		req.Header.Set(name, value)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %.200s", path, resp.Status, answer)
	}
	return answer, resp.Header.Get("Tasuki-Ack") == "durable", err
}

// reserve takes one number.
func (d *durableList) reserve(ctx context.Context) (id string, durable bool, err error) {
	raw, durable, err := d.write(ctx, "/api/cve-id?amount=1&cve_year=2026&short_name=acme", "")
	if err != nil {
		return "", false, err
	}
	var out struct {
		IDs []struct {
			ID string `json:"cve_id"`
		} `json:"cve_ids"`
	}
	if err := json.Unmarshal(raw, &out); err != nil || len(out.IDs) != 1 {
		return "", false, fmt.Errorf("%w: %.200s", err, raw)
	}
	return out.IDs[0].ID, durable, nil
}

// durableContainer is about what a CNA writes: 1.4 KB.
var durableContainer = `{"cnaContainer":{"title":"Rockets explode","descriptions":[{"lang":"en","value":"` +
	strings.Repeat("A flaw in the launch sequence lets rockets explode. ", 18) + `"}],` +
	`"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected","lessThan":"1.7.3","versionType":"semver"}],` +
	`"defaultStatus":"unaffected"}],` +
	`"problemTypes":[{"descriptions":[{"lang":"en","type":"CWE","cweId":"CWE-787","description":"CWE-787 Out-of-bounds Write"}]}],` +
	`"references":[{"url":"https://acme.test/1"}]}}`

// publish publishes a record.
func (d *durableList) publish(ctx context.Context, id string) (durable bool, err error) {
	_, durable, err = d.write(ctx, "/api/cve/"+id+"/cna", durableContainer)
	return durable, err
}

// busy is the processor time that each kind of process has used.
func (d *durableList) busy() (operator, mirrors, witnesses time.Duration) {
	operator, _, _ = d.operator.used()
	for i := range d.mirrors {
		m, _, _ := d.mirrors[i].used()
		w, _, _ := d.witnesses[i].used()
		mirrors, witnesses = mirrors+m, witnesses+w
	}
	return operator, mirrors, witnesses
}

// BenchmarkDurableWrites reserves and publishes by CVE Services on a list whose replies wait until two of three mirrors have stored what was written and
// two of three witnesses have seen it; seven processes on one machine, the writers in an eighth. Budgets: a lone write 300 ms; 256 writers 200 writes a
// second, p95 1.5 s. Each writer waits for its answer before it writes again.
func BenchmarkDurableWrites(b *testing.B) {
	for b.Loop() {
		d := openDurableList(b)
		ctx := b.Context()
		soon(b, time.Minute, func() string {
			if _, durable, err := d.reserve(ctx); err != nil || !durable {
				return fmt.Sprintf("nothing is durable yet: %v", err)
			}
			return ""
		})

		var lone [2][]time.Duration // reservations, publications
		for range 20 {
			var id string
			for kind := range lone {
				time.Sleep(200 * time.Millisecond)
				began := time.Now()
				durable, err := false, error(nil)
				if kind == 0 {
					id, durable, err = d.reserve(ctx)
				} else {
					durable, err = d.publish(ctx, id)
				}
				if err != nil || !durable {
					b.Fatalf("durable %v: %v", durable, err)
				}
				lone[kind] = append(lone[kind], time.Since(began))
			}
		}

		o0, m0, w0 := d.busy()
		d.operator.profile(b, "durable-writes", durableFor)
		var mu sync.Mutex
		var took []time.Duration
		notDurable := 0
		var last string
		began := time.Now()
		writers, wctx := errgroup.WithContext(ctx)
		for range durableWriters {
			writers.Go(func() error {
				for time.Since(began) < durableFor {
					at := time.Now()
					id, durable, err := d.reserve(wctx)
					reserved := time.Since(at)
					if err != nil {
						return err
					}
					at = time.Now()
					too, err := d.publish(wctx, id)
					if err != nil {
						return err
					}
					published := time.Since(at)
					mu.Lock()
					took, last = append(took, reserved, published), id
					for _, ok := range []bool{durable, too} {
						if !ok {
							notDurable++
						}
					}
					mu.Unlock()
				}
				return nil
			})
		}
		if err := writers.Wait(); err != nil {
			b.Fatal(err)
		}
		all := time.Since(began)
		o1, m1, w1 := d.busy()
		if notDurable > 0 {
			b.Errorf("%d of %d replies are not durable", notDurable, len(took))
		}
		// What was acknowledged is in the mirrors' hands.
		holders := 0
		for _, m := range d.mirrors {
			resp, err := d.client.Get(m.base + "/api/cve/" + last)
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				holders++
			}
		}
		if holders < 2 {
			b.Errorf("%s is at %d mirrors", last, holders)
		}

		slices.Sort(took)
		p95 := took[len(took)*95/100]
		rate := float64(len(took)) / all.Seconds()
		each := func(used time.Duration) string { return fmt.Sprintf("%.2f ms", used.Seconds()*1000/float64(len(took))) }
		table(b, []string{"durable writes", "p50", "p99", "max"},
			quantileRow("a lone reservation", lone[0], "budget 300 ms"),
			quantileRow("a lone publication", lone[1], "budget 300 ms"),
			quantileRow(fmt.Sprintf("%d writers", durableWriters), took, fmt.Sprintf("%.0f/s, budget 200/s; p95 %.0f ms, budget 1,500 ms", rate, p95.Seconds()*1000)),
			[]string{"processor time of a write", "operator " + each(o1-o0), "3 mirrors " + each(m1-m0), "3 witnesses " + each(w1-w0)})
		b.ReportMetric(rate, "writes/s")
		b.ReportMetric(p95.Seconds()*1000, "p95-ms")
		for _, s := range slices.Concat(d.mirrors, d.witnesses, []*served{d.operator}) {
			s.stop(b)
		}
	}
}
