package c2sp

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"strings"
	"testing"
)

// testKey is the i-th of the tests' keys, named for one use.
func testKey(t testing.TB, name string, alg byte, i int) VKey {
	t.Helper()
	seed := sha256.Sum256([]byte{'p', byte(i)})
	k, err := NewVKey(name, alg, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// withKeys replaces {w1} by a cosigner's key and {l1} by a log's.
func withKeys(t testing.TB, text string) string {
	for i := 1; i <= 9; i++ {
		text = strings.ReplaceAll(text, fmt.Sprintf("{w%d}", i), testKey(t, fmt.Sprintf("w%d.example", i), AlgCosignature, i).String())
		text = strings.ReplaceAll(text, fmt.Sprintf("{l%d}", i), testKey(t, fmt.Sprintf("log%d.example", i), AlgEd25519, i).String())
	}
	return text
}

// specPolicy is the shape of the specification's own example.
const specPolicy = `
# two organisations
log {l7}

witness X1 {w1} https://x1.example/
	witness X2   {w2}
witness X3 {w3}
group X-witnesses 2 X1 X2 X3

witness Y1 {w4}
witness Y2 {w5}
group Y-witnesses any Y1 Y2

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`

func TestPolicy(t *testing.T) {
	p, err := ParsePolicy(withKeys(t, specPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Logs) != 1 || len(p.Witnesses) != 5 || len(p.Groups) != 3 || p.Quorum != "X-and-Y" || p.Witnesses[0].URL != "https://x1.example/" {
		t.Fatalf("%+v", p)
	}
	for _, tc := range []struct {
		who  string
		want bool
	}{
		{"", false}, {"X1 X2", false}, {"X1 X2 X3", false}, {"X1 Y1", false}, {"Y1 Y2", false}, {"X1 X3 Y2", true}, {"X1 X2 X3 Y1 Y2", true},
	} {
		got := p.Satisfied(func(w PolicyWitness) bool { return strings.Contains(" "+tc.who+" ", " "+w.Name+" ") })
		if got != tc.want {
			t.Errorf("cosigned by %q: %v", tc.who, got)
		}
	}
	if p.Fewest() != 3 || p.Splits() {
		t.Errorf("fewest %d, splits %v", p.Fewest(), p.Splits())
	}
	const canonical = `log {l7}
witness X1 {w1} https://x1.example/
witness X2 {w2}
witness X3 {w3}
witness Y1 {w4}
witness Y2 {w5}
group X-witnesses 2 X1 X2 X3
group Y-witnesses 1 Y1 Y2
group X-and-Y 2 X-witnesses Y-witnesses
quorum X-and-Y
`
	if got := p.String(); got != withKeys(t, canonical) {
		t.Errorf("written as\n%s", got)
	}
	none, err := ParsePolicy("quorum none\n")
	if err != nil || !none.Satisfied(func(PolicyWitness) bool { return false }) || none.Fewest() != 0 || !none.Splits() {
		t.Errorf("quorum none: %+v, %v", none, err)
	}
}

func TestPolicyRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, text   string
		line, column int
	}{
		{"nothing", "", 1, 1},
		{"only a comment", "# x\n", 2, 1},
		{"unfinished last line", "quorum none", 1, 12},
		{"carriage return", "quorum none\r\n", 1, 12},
		{"delete", "quorum none # \x7f\n", 1, 15},
		{"unknown word", "  mirror x\nquorum none\n", 1, 3},
		{"two quorums", "quorum none\nquorum none\n", 2, 1},
		{"unknown quorum", "quorum x\n", 1, 8},
		{"quorum before its witness", "quorum X\nwitness X {w1}\n", 1, 8},
		{"quorum of two", "witness X {w1}\nwitness Y {w2}\nquorum X Y\n", 3, 10},
		{"quorum of none", "quorum\n", 1, 7},
		{"log without key", "log\nquorum none\n", 1, 4},
		{"log with more", "log {l1} u v\nquorum none\n", 1, 0},
		{"log with a cosigner's key", "log {w1}\nquorum none\n", 1, 5},
		{"log twice", "log {l1}\nlog {l1}\nquorum none\n", 2, 5},
		{"witness with a log's key", "witness X {l1}\nquorum X\n", 1, 11},
		{"witness without key", "witness X\nquorum none\n", 1, 10},
		{"witness key twice", "witness X {w1}\nwitness Y {w1}\nquorum X\n", 2, 11},
		{"witness name twice", "witness X {w1}\nwitness X {w2}\nquorum X\n", 2, 9},
		{"witness called none", "witness none {w1}\nquorum none\n", 1, 9},
		{"not a key", "witness X x+00000000+AA==\nquorum X\n", 1, 11},
		{"group without members", "group G any\nquorum none\n", 1, 12},
		{"group of itself", "group G any G\nquorum G\n", 1, 13},
		{"group of none", "group G any none\nquorum G\n", 1, 13},
		{"group of strangers", "group G any X\nwitness X {w1}\nquorum G\n", 1, 13},
		{"group names a witness twice", "witness X {w1}\ngroup G 1 X X\nquorum G\n", 2, 13},
		{"two groups name a witness", "witness X {w1}\ngroup G 1 X\ngroup H 1 X\nquorum G\n", 3, 11},
		{"group takes a witness's name", "witness X {w1}\nwitness Y {w2}\ngroup X 1 Y\nquorum X\n", 3, 7},
		{"threshold 0", "witness X {w1}\ngroup G 0 X\nquorum G\n", 2, 9},
		{"threshold above", "witness X {w1}\ngroup G 2 X\nquorum G\n", 2, 9},
		{"threshold 01", "witness X {w1}\ngroup G 01 X\nquorum G\n", 2, 9},
		{"threshold some", "witness X {w1}\ngroup G some X\nquorum G\n", 2, 9},
	} {
		p, err := ParsePolicy(withKeys(t, tc.text))
		var at *PolicyError
		if !errors.As(err, &at) || !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %+v, %v", tc.name, p, err)
		} else if at.Line != tc.line || tc.column > 0 && at.Column != tc.column {
			t.Errorf("%s: found at %d:%d, stands at %d:%d: %s", tc.name, at.Line, at.Column, tc.line, tc.column, at.Message)
		}
	}
	// Octets with the high bit are opaque: a Kelvin sign is not a K, and a no-break space is part of a name.
	if _, err := ParsePolicy(withKeys(t, "witness K {w1}\nwitness \u212a {w2}\nwitness a\u00a0b {w3}\nwitness \xff {w4}\ngroup G all K \u212a a\u00a0b \xff\nquorum G\n")); err != nil {
		t.Error(err)
	}
}

// FuzzPolicy: a policy that is read is written as one of the same meaning; more cosignatures never hurt, all of them are
// enough; Fewest and Splits agree with trying every set.
func FuzzPolicy(f *testing.F) {
	f.Add(withKeys(f, specPolicy))
	f.Add("quorum none\n")
	f.Add(withKeys(f, "witness a {w1}\nwitness b {w2}\nwitness c {w3}\nwitness d {w4}\ngroup G any a b\ngroup H 2 G c d\nquorum H\n"))
	f.Add(withKeys(f, "witness a {w1} u\nquorum a\n"))
	f.Add(withKeys(f, "log {l1}\nlog {l2} u\nwitness a {w1}\nquorum none\n"))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy(text)
		if err != nil {
			var at *PolicyError
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 || at.Line > strings.Count(text, "\n")+2 {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		again, err := ParsePolicy(p.String())
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("read back %+v, %v", again, err)
		}
		n := len(p.Witnesses)
		if n > 10 {
			return
		}
		enough := make([]bool, 1<<n)
		fewest := n + 1
		for set := range enough {
			i := 0
			enough[set] = p.Satisfied(func(PolicyWitness) bool { i++; return set>>(i-1)&1 == 1 })
			if enough[set] {
				fewest = min(fewest, bits.OnesCount(uint(set)))
			}
		}
		splits := false
		for set, ok := range enough {
			for i := range n {
				if ok && !enough[set|1<<i] {
					t.Fatalf("a cosignature more makes %b too few", set)
				}
			}
			splits = splits || ok && enough[(len(enough)-1)&^set]
		}
		if !enough[len(enough)-1] || fewest != p.Fewest() || splits != p.Splits() {
			t.Fatalf("all are enough: %v; fewest %d, said %d; splits %v, said %v", enough[len(enough)-1], fewest, p.Fewest(), splits, p.Splits())
		}
	})
}
