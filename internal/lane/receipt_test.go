package lane

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
)

var receipts = map[string]Receipt{
	"plain": {List: "9c1f00aa5d77e013", ID: "CVE-2026-310042", Org: "acme", Node: "node-eu", Lane: 3, N: 42, At: start},
	"subject": {List: "9c1f00aa5d77e013", ID: "GCVE-104-2026-0042", Org: "acme", Node: "node-eu", Lane: 3, N: 42, At: start,
		Subject: strings.Repeat("5b1c", 16)},
}

// Receipts are kept by strangers for years: their form never changes.
func TestFrozenReceipt(t *testing.T) {
	const plain = `tasuki-assign/v1
9c1f00aa5d77e013
CVE-2026-310042
acme lane 3 n 42
2026-11-21T20:59:58Z

— acme/node-eu `
	raw, err := receipts["plain"].Sign(nodeKey(1))
	if err != nil || !strings.HasPrefix(string(raw), plain) {
		t.Errorf("%s (%v)", raw, err)
	}
	raw, err = receipts["subject"].Sign(nodeKey(1))
	if want := "\nsubject sha256:" + receipts["subject"].Subject + "\n\n— acme/node-eu "; err != nil || !strings.Contains(string(raw), want) {
		t.Errorf("%s (%v)", raw, err)
	}
}

func TestReceipts(t *testing.T) {
	pub := nodeKey(1).Public().(ed25519.PublicKey)
	for name, r := range receipts {
		raw, err := r.Sign(nodeKey(1))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenReceipt(raw, pub); err != nil || got != r {
			t.Errorf("%s: %+v (%v)", name, got, err)
		}
		for what, bad := range map[string]string{
			"another number": strings.Replace(string(raw), "0042", "0043", 1), "in another's name": strings.Replace(string(raw), "— acme/", "— evil/", 1),
			"another organisation": strings.Replace(string(raw), "acme lane", "evil lane", 1), "cut": string(raw[:len(raw)-2]), "no note": r.Text(),
			"another form": strings.Replace(string(raw), "/v1", "/v2", 1), "long": string(raw) + strings.Repeat("x", MaxReceipt),
		} {
			if _, err := OpenReceipt([]byte(bad), pub); !errors.Is(err, ErrReceipt) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if _, err := OpenReceipt(raw, nodeKey(2).Public().(ed25519.PublicKey)); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s, another's key: %v", name, err)
		}
	}
	for _, spoil := range []func(*Receipt){
		func(r *Receipt) { r.ID = "CVE-2026-1\n" }, func(r *Receipt) { r.Org = "a b" }, func(r *Receipt) { r.Node = "a+b" }, func(r *Receipt) { r.Lane = 0 },
		func(r *Receipt) { r.Subject = "5B1C" }, func(r *Receipt) { r.List = "" }, func(r *Receipt) { r.ID = "CVE-2026-042" },
	} {
		r := receipts["plain"]
		spoil(&r)
		if raw, err := r.Sign(nodeKey(1)); err == nil {
			t.Errorf("signed: %s", raw)
		}
	}
}

// What is read as a receipt has one text.
func FuzzReceipt(f *testing.F) {
	for _, r := range receipts {
		f.Add(r.Text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseReceipt(text)
		if err != nil {
			return
		}
		if r.Text() != text {
			t.Fatalf("two texts:\n%q\n%q", text, r.Text())
		}
		r.Node = "n"
		raw, err := r.Sign(nodeKey(1))
		if err != nil {
			t.Fatalf("read, and not signed: %v", err)
		}
		if again, err := OpenReceipt(raw, nodeKey(1).Public().(ed25519.PublicKey)); err != nil || again != r {
			t.Fatalf("%+v, and back %+v: %v", r, again, err)
		}
	})
}

// Lines that are believed are written the same again, and what a journal says was given out is never more than its lanes have, and
// never twice.
func FuzzJournal(f *testing.F) {
	d := newDisk("a")
	j := begin(f, d, block(2026, 1001, 1500, 100))
	assign(f, j, 2026, 5, Sequential)
	assign(f, j, 2026, 2, NonSequential)
	copied := d.copyTo("b")
	if _, _, err := Restore(env(copied, 1), public(2)); err != nil {
		f.Fatal(err)
	}
	f.Add(bodyOf(d.durable[journalFile]))
	f.Add(bodyOf(copied.durable[journalFile]))
	f.Fuzz(func(t *testing.T, lines string) {
		// The checks are made for the fuzzer, who would not find one.
		var raw []byte
		before := ""
		for line := range strings.Lines(lines) {
			line = strings.TrimSuffix(line, "\n")
			check := checkOf(before, []byte(line))
			raw = append(raw, line+" "+check+"\n"...)
			before = check
		}
		entries, whole := parseJournal(raw)
		var again []byte
		before = ""
		for _, e := range entries {
			again = e.append(again, before)
			before = e.check
		}
		if string(again) != string(raw[:whole]) {
			t.Fatalf("two spellings:\n%s\n%s", raw[:whole], again)
		}
		d := newDisk("a")
		d.durable[journalFile] = raw
		d.mark = &Mark{int64(len(entries)), before}
		j, err := Open(env(d, 1))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		j.Given(func(_ Given, numbers []Number) {
			for _, n := range numbers {
				if seen[n.ID] {
					t.Fatalf("%s was given twice", n.ID)
				}
				seen[n.ID] = true
			}
		})
	})
}

// bodyOf is a journal without its checks.
func bodyOf(raw []byte) (out string) {
	for line := range strings.Lines(string(raw)) {
		out += line[:strings.LastIndexByte(line, ' ')] + "\n"
	}
	return out
}
