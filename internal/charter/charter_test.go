package charter

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
	"tasuki/spec/jcs"
)

// dice is a stream of bytes that is the same in every run.
type dice struct{ n uint64 }

func (d *dice) Read(p []byte) (int, error) {
	for i := range p {
		block := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("charter test"), d.n/32))
		p[i] = block[d.n%32]
		d.n++
	}
	return len(p), nil
}

var _ io.Reader = (*dice)(nil)

func clock() time.Time {
	return time.Date(2026, 11, 21, 9, 0, 0, 987654321, time.FixedZone("JST", 9*3600))
}

// key is the i-th of the test's keys.
func key(i int) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{'k', byte(i)})
	return ed25519.NewKeyFromSeed(seed[:])
}

func pub(i int) ed25519.PublicKey { return key(i).Public().(ed25519.PublicKey) }

func pubText(i int) string { return dsse.EncodeKey(pub(i)) }

// logKeys are apart from the board's.
const firstLog = 100

func found(t testing.TB) (*Chain, *BoardKey) {
	t.Helper()
	d, board, err := Genesis(Options{Log: pub(firstLog)}, &dice{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewChain(d)
	if err != nil {
		t.Fatal(err)
	}
	return c, board
}

const (
	goldenGenesis = "testdata/genesis.json"
	goldenListID  = "34a6f317f32418769d46a426f3c78bab92829ab6f3f6c01ea25a98430aaf1ecf"
)

// The genesis format is frozen: every list id, and with it every leaf of every list, hangs on these bytes. If this
// test fails, the change is wrong, not the file.
func TestGenesisIsFrozen(t *testing.T) {
	want, err := os.ReadFile(goldenGenesis)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.TrimSuffix(want, []byte("\n"))
	c, board := found(t)
	got, err := c.Genesis().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("genesis is\n%s\nfrozen is\n%s", got, want)
	}
	if c.ListID() != goldenListID {
		t.Errorf("list id %s, frozen is %s", c.ListID(), goldenListID)
	}
	if board.List != c.ListID() {
		t.Errorf("the board key is for list %s", board.List)
	}
	if got, want := c.Genesis().Origin(), "tasuki/"+goldenListID[:16]+"/1-first"; got != want {
		t.Errorf("origin %s, want %s", got, want)
	}
}

// A whole document with every optional member, frozen likewise.
func TestFullCharterIsFrozen(t *testing.T) {
	want, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.TrimSuffix(want, []byte("\n"))
	d := fullCharter(t)
	got, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("charter is\n%s\nfrozen is\n%s", got, want)
	}
	again, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != d.Hash() || len(again.Sigs()) != 2 {
		t.Errorf("read back as %s with %d signatures", again.Hash(), len(again.Sigs()))
	}
}

func fullCharter(t testing.TB) *Document {
	t.Helper()
	c, board := found(t)
	d, err := c.OpenEpoch(clock, Epoch{
		Log: pub(firstLog + 1), Slug: "second", URL: "https://list.second.example", Size: 5201, Root: sha256.Sum256([]byte("root")),
		Reason: "operator stopped on 2026-11-20\nboard met on 2026-11-21",
		Change: func(n *Charter) {
			n.Board = Board{K: 2, Emergency: 1, Keys: []BoardSeat{
				{"b1", "Body A", pubText(1)}, {"b2", "株式会社 B", pubText(2)}, {"b3", "Body C", pubText(3)}}}
			n.Mandate = &Mandate{From: "2026-11-21", Until: "2029-11-20"}
			n.Mirrors = &Mirrors{Q: 2, F: 0, List: []Mirror{
				{mirrorKey(t, "m1.example", 10), "https://m1.example"}, {mirrorKey(t, "m2.example", 11), "https://m2.example"},
				{mirrorKey(t, "m3.example", 12), "https://m3.example"}}}
			n.Policy = "witness w1 " + mirrorKey(t, "w1", 13) + "\nquorum w1\n"
			n.Emergency = &Emergency{SilenceDays: 7, MandateOver: true, NoticeHours: 72}
			n.Names = []string{"cve.example", "api.cve.example"}
			n.Escrow = []string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}
			n.Features = []string{"events-1", "events-2"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Sign("b1", board.Private)
	d.Sign("b2", key(2))
	return d
}

// mirrorKey is a cosigner's verifier key, of a mirror or a witness.
func mirrorKey(t testing.TB, name string, i int) string {
	t.Helper()
	v, err := c2sp.NewVKey(name, c2sp.AlgCosignature, pub(i))
	if err != nil {
		t.Fatal(err)
	}
	return v.String()
}

func TestDerivedNamesVerifyCheckpoints(t *testing.T) {
	c, _ := found(t)
	lk := &LogKey{Origin: c.Head().Origin(), Private: key(firstLog)}
	s, err := lk.Signer()
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: c.Head().Origin() + "\n0\n\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(msg, note.VerifierList(c.Head().Verifier())); err != nil {
		t.Errorf("the head's verifier: %v", err)
	}
	if _, err := note.Open(msg, c.Verifiers()); err != nil {
		t.Errorf("the chain's verifiers: %v", err)
	}
}

func TestGenesisOptions(t *testing.T) {
	_, _, err := Genesis(Options{Log: pub(firstLog), Slug: "Not A Slug", URL: "ftp://x", Org: "acme", Escrow: []string{"x"}}, &dice{}, clock)
	var bad Invalid
	if !errors.As(err, &bad) {
		t.Fatalf("got %v", err)
	}
	var at []string
	for _, p := range bad {
		at = append(at, p.Pointer)
	}
	if got, want := strings.Join(at, " "), "/operator/org /operator/slug /operator/url /escrow/0"; got != want {
		t.Errorf("problems at %s, want %s", got, want)
	}
	if _, _, err := Genesis(Options{}, &dice{}, clock); !errors.As(err, &bad) || bad[0].Pointer != "/operator/ed25519" {
		t.Errorf("without a log key: %v", err)
	}
	if _, _, err := Genesis(Options{Log: pub(1)}, strings.NewReader("short"), clock); err == nil {
		t.Error("a dry source of randomness was accepted")
	}
}

func TestParseRefuses(t *testing.T) {
	c, _ := found(t)
	raw, err := c.Genesis().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	if _, err := Parse(raw); err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if strings.Count(good, old) != 1 {
			t.Fatalf("%q occurs %d times", old, strings.Count(good, old))
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, tc := range map[string]struct{ in, want string }{
		"not canonical":           {good + "\n", "trailing"},
		"unknown member":          {swap(`"v":1}`, `"v":1,"x":1}`), "/signed/x"},
		"explicit false":          {swap(`"prev":"","v"`, `"prev":"","test":false,"v"`), "spelling"},
		"explicit empty":          {swap(`"prev":"","v"`, `"prev":"","reason":"","v"`), "spelling"},
		"empty list":              {swap(`"features":`, `"escrow":[],"features":`), "spelling"},
		"missing k_e":             {swap(`,"k_e":1`, ``), "/board/k_e"},
		"missing genesis":         {swap(`"genesis":"",`, ``), "spelling"},
		"threshold 0":             {swap(`"k":1`, `"k":0`), "/board/k"},
		"threshold above n":       {swap(`"k":1`, `"k":2`), "/board/k"},
		"emergency above k":       {swap(`"k_e":1`, `"k_e":2`), "/board/k_e"},
		"no features":             {swap(`["events-1"]`, `[]`), "/features"},
		"features unsorted":       {swap(`["events-1"]`, `["events-2","events-1"]`), "/features/1"},
		"version 0":               {swap(`"v":1}`, `"v":0}`), "/v"},
		"version 2 without prev":  {swap(`"v":1}`, `"v":2}`), "/prev"},
		"genesis with prev":       {swap(`"prev":""`, `"prev":"`+strings.Repeat("a", 64)+`"`), "/prev"},
		"genesis in epoch 2":      {swap(`"epoch":1`, `"epoch":2`), "/operator/epoch"},
		"key cut":                 {swap(pubText(firstLog), pubText(firstLog)[1:]), "/operator/ed25519"},
		"upper-case uuid":         {swap(`"org":"`, `"org":"A`), "/operator/org"},
		"date with a zone":        {swap(`2026-11-21T00:00:00Z`, `2026-11-21T00:00:00+00:00`), "/issued"},
		"the 31st of November":    {swap(`2026-11-21T00:00:00Z`, `2026-11-31T00:00:00Z`), "/issued"},
		"address with user":       {swap(`http://127.0.0.1:8080`, `http://u:p@127.0.0.1:8080`), "/operator/url"},
		"signature cut":           {swap(`"sig":"`, `"sig":"A`), "/sigs/0/sig"},
		"log seat on the board":   {swap(`"holder":"founder","id":"b1"`, `"holder":"founder","id":"log"`), "/board/keys/0/id"},
		"null":                    {swap(`"v":1}`, `"v":null}`), "null"},
		"signed is a list":        {`{"signed":[],"sigs":[]}`, "/signed"},
		"too long":                {`{"signed":"` + strings.Repeat("x", MaxSize) + `"}`, "64 KiB"},
		"continue_at in genesis":  {strings.Replace(good, `,"features"`, `,"continue_at":{"root":"`+strings.Repeat("0", 64)+`","size":0},"features"`, 1), "/continue_at"},
		"mandate backwards":       {strings.Replace(good, `,"operator"`, `,"mandate":{"from":"2027-01-01","until":"2026-01-01"},"operator"`, 1), "/mandate/until"},
		"too few mirrors for q":   {strings.Replace(good, `,"operator"`, `,"mirrors":{"f":0,"list":[],"q":1},"operator"`, 1), "/mirrors/list"},
		"control character":       {swap(`"holder":"founder"`, `"holder":"foun\u0007der"`), "/board/keys/0/holder"},
		"emergency opens nothing": {strings.Replace(good, `,"features"`, `,"emergency":{"notice_hours":1},"features"`, 1), "/emergency"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.in))
			var form Invalid
			var syntax *jcs.Error
			if !errors.As(err, &form) && !errors.As(err, &syntax) && !errors.Is(err, ErrSize) {
				t.Fatalf("Parse = %v", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse = %v, want something about %s", err, tc.want)
			}
		})
	}
}

// FuzzParse: a document that is accepted has one spelling, and its names can be derived.
func FuzzParse(f *testing.F) {
	c, _ := found(f)
	for _, d := range []*Document{c.Genesis(), fullCharter(f)} {
		raw, err := d.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"signed":{},"sigs":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(raw)
		if err != nil {
			return
		}
		if again, err := d.Bytes(); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%q is written %q, %v", raw, again, err)
		}
		if d.Verifier().Name() != d.Origin() {
			t.Fatalf("verifier %s for origin %s", d.Verifier().Name(), d.Origin())
		}
		for _, lang := range []string{"en", "ja"} {
			for _, line := range Describe(d, lang) {
				if strings.Contains(line, "%!") || strings.Contains(line, "\n") {
					t.Fatalf("line %q", line)
				}
			}
		}
	})
}
