package charter

import (
	"encoding/base64"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tasuki/spec/jcs"
)

// FuzzChain writes chains by a program of bytes: each amendment starts as a legal copy of the head, is altered in up
// to three ways (some legal, most not), signed by some keys, and offered. The law: this package and the second
// verifier agree on every document, and what is accepted is the next version, bound to its predecessor, with every change
// of it said in words. A document that takes the place of the head is a sibling exactly if the second verifier takes it
// there, and never extends the chain.
func FuzzChain(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0xff})
	f.Add([]byte{13, 1, 0, 0, 0, 0, 0, 0xff, 13, 2, 0, 0, 0, 0, 0, 0xff})        // two new epochs
	f.Add([]byte{13, 1, 14, 3, 0, 0, 0, 0xff, 13, 2, 15, 1, 0, 0, 1, 0xff})      // mirrors, then an epoch without continue_at
	f.Add([]byte{16, 2, 0, 0, 0, 0, 2, 0})                                       // features by the log key
	f.Add([]byte{1, 2, 0, 0, 0, 0, 0, 0xff, 2, 1, 0, 0, 0, 0, 0, 0xff})          // skipped version, wrong prev
	f.Add([]byte{4, 0, 0, 0, 0, 0, 0, 0xff, 4, 5, 0, 0, 0, 0, 0, 0xff})          // threshold 0, threshold above n
	f.Add([]byte{8, 0x01, 0, 0, 0, 0, 3, 0x07})                                  // one key under several ids
	f.Add([]byte{7, 0x19, 0, 0, 0, 0, 0, 0xff, 7, 0x01, 6, 7, 4, 2, 0, 0x7f})    // seat's key replaced; board changed
	f.Add([]byte{13, 1, 13, 1, 10, 1, 0, 0xff, 13, 3, 11, 1, 9, 0xff, 0, 0xff})  // epochs that do not follow
	f.Add([]byte{16, 2, 17, 1, 0, 0, 2, 0, 16, 2, 19, 1, 0, 0, 2, 0})            // features and something else by the log key
	f.Add([]byte{13, 1, 0, 0, 0, 0, 0, 0xff, 16, 3, 0, 0, 0, 0, 2, 1, 13, 2, 1}) // features after a restore
	f.Add([]byte{20, 0, 0, 0, 0, 0, 0, 0xff, 19, 0, 0, 0, 0, 0, 0x80, 0x1f})     // the board signs twice
	f.Add([]byte{20, 0, 0, 0, 0, 0, 0, 0xff, 4, 0, 0, 0, 0, 0, 0x80, 0x1f})      // a sibling with threshold 0
	f.Add([]byte{21, 255, 0, 0, 0, 0, 0, 0xff, 21, 3, 0, 0, 0, 0, 0, 0xff})      // oversize, and not
	f.Add([]byte{13, 1, 14, 0x0b, 18, 3, 0, 0xff, 13, 2, 18, 4, 0, 0, 0, 0xff})  // mirrors and witnesses; a broken policy
	f.Add([]byte{13, 1, 14, 0x0b, 22, 1, 0, 0xff, 13, 2, 14, 0x0b, 22, 9, 0, 0xff})

	w := newProgrammer(f)
	f.Fuzz(func(t *testing.T, program []byte) { w.run(t, program) })
}

// TestChainPrograms runs the same law over drawn programs, 150 in each test run (-programs N for more).
func TestChainPrograms(t *testing.T) {
	w := newProgrammer(t)
	draw := rand.NewChaCha8([32]byte{'c', 'h', 'a', 'i', 'n'})
	dice := rand.New(draw)
	accepted, refused := 0, 0
	for range *programs {
		program := make([]byte, 8*(1+dice.IntN(4)))
		_, _ = draw.Read(program)
		for i := 0; i < len(program); i += 8 {
			// Most drafts stay legal in most ways, or no chain would grow beyond its genesis.
			for j := 0; j < 6; j += 2 {
				if dice.IntN(2) == 0 {
					program[i+j] = 0
				}
			}
			if dice.IntN(3) > 0 {
				program[i+6], program[i+7] = 0, 0xff
			}
		}
		a, r := w.run(t, program)
		accepted, refused = accepted+a, refused+r
	}
	t.Logf("%d charters accepted, %d refused", accepted, refused)
	if accepted < *programs/10 || refused < *programs/10 {
		t.Errorf("%d accepted and %d refused say little", accepted, refused)
	}
}

var programs = flag.Int("programs", 150, "how many drawn chains TestChainPrograms tries")

// programmer holds what every program starts from.
type programmer struct {
	genesis []byte
	mirrors []Mirror // three mirrors, two witnesses, and three that may not be mirrors of the others' charter
}

func newProgrammer(t testing.TB) *programmer {
	genesis, err := threeOfFive(t).Genesis().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return &programmer{genesis, []Mirror{
		{mirrorKey(t, "m1", 40), "https://m1.example"}, {mirrorKey(t, "m2", 41), "https://m2.example"}, {mirrorKey(t, "m3", 42), "https://m3.example"},
		{mirrorKey(t, "w1", 43), ""}, {mirrorKey(t, "w2", 44), ""},
		{mirrorKey(t, "m9", 1), "https://m9.example"}, {mirrorKey(t, "m2", 45), "https://m2b.example"}, {"m1+00000000+BAAA", "https://m1.example"}}}
}

func (w *programmer) run(t *testing.T, program []byte) (accepted, refused int) {
	chain, err := ParseChain(w.genesis)
	if err != nil {
		t.Fatal(err)
	}
	wires := [][]byte{w.genesis}
	for ; len(program) >= 8 && accepted+refused < 6; program = program[8:] {
		head, before := chain.Head(), len(wires)
		if beside := program[6]&0x80 != 0 && before > 1; beside {
			before--
			head = chain.docs()[before-1]
		}
		next := head.charter.clone()
		next.V++
		next.Prev, next.Genesis, next.ContinueAt, next.Reason = head.hash, chain.ListID(), nil, ""
		for i := 0; i < 6; i += 2 {
			alter(&next, chain, w.mirrors, program[i], int(program[i+1]))
		}
		raw := signed(t, &next, head, program[6]&0x7f, program[7])
		last := chain.Head()
		d, err := Parse(raw)
		if err == nil {
			err = chain.Extend(d)
		}
		ours := err == nil
		if before < len(wires) { // beside the head
			if ours = errors.Is(err, ErrSibling); err == nil && d.charter.V == head.charter.V+1 {
				t.Fatalf("a sibling extended the chain: %s", raw)
			}
			if errors.Is(err, ErrKnown) { // by its hash; its signatures matter no more
				refused++
				continue
			}
			if err == nil { // altered into the next version after all
				accepted, wires = accepted+1, append(wires, raw)
				continue
			}
		}
		theirs := tinyChain(append(slices.Clone(wires[:before]), raw)) == before+1
		if ours != theirs {
			t.Fatalf("this package: %v; the second verifier accepts: %v\n%s", err, theirs, raw)
		}
		if err != nil {
			if refused++; chain.Head() != last {
				t.Fatal("a refused charter changed the chain")
			}
			continue
		}
		if said := unsaid(t, head, d); said != "" {
			t.Fatalf("said and done differ:\n%s", said)
		}
		if d.charter.V != head.charter.V+1 || d.charter.Prev != head.hash || d.ListID() != head.ListID() {
			t.Fatalf("accepted after charter %d: %s", head.charter.V, raw)
		}
		accepted++
		wires = append(wires, raw)
	}
	return accepted, refused
}

// alter changes one thing about a draft.
func alter(c *Charter, chain *Chain, mirrors []Mirror, what byte, arg int) {
	seat := arg % max(len(c.Board.Keys), 1)
	other := pubText(1 + arg>>3%9)
	if len(c.Board.Keys) == 0 {
		c.Board.Keys = []BoardSeat{{"b1", "x", other}}
	}
	switch what % 23 {
	case 1:
		c.V += int64(arg%5) - 2
	case 2:
		c.Prev = []string{chain.Genesis().hash, goldenListID, ""}[arg%3]
	case 3:
		c.Genesis = []string{chain.Head().hash, goldenListID, ""}[arg%3]
	case 4:
		c.Board.K = int64(arg % 8)
	case 5:
		c.Board.Emergency = int64(arg % 8)
	case 6:
		c.Board.Keys = append(c.Board.Keys, BoardSeat{"b" + string(rune('0'+arg%10)), "new", other})
	case 7:
		c.Board.Keys[seat].Key = other
	case 8:
		for i := range c.Board.Keys {
			c.Board.Keys[i].Key = other
		}
	case 9:
		c.Board.Keys = slices.Delete(c.Board.Keys, seat, seat+1)
	case 10:
		c.Operator.Epoch += int64(arg%5) - 2
	case 11:
		c.Operator.Slug = []string{"first", "second", "third"}[arg%3]
	case 12:
		c.Operator.Key = pubText(firstLog + arg%4)
	case 13: // a proper new epoch
		c.Operator.Epoch++
		c.Operator.Key = pubText(firstLog + arg%8)
		c.ContinueAt = &ContinueAt{Size: int64(arg), Root: goldenListID}
	case 14:
		if c.Mirrors = nil; arg > 0 {
			c.Mirrors = &Mirrors{Q: int64(arg >> 2 % 5), F: int64(arg >> 4 % 4), List: slices.Clone(mirrors[:arg%4])}
		}
	case 15:
		if c.ContinueAt = nil; arg%2 == 0 {
			c.ContinueAt = &ContinueAt{Size: int64(arg), Root: goldenListID}
		}
	case 16:
		c.Features = []string{"events-1", "events-2", "events-3"}[:1+arg%3]
	case 17:
		c.Test = !c.Test
	case 18:
		one, two := mirrors[3].VKey, mirrors[4].VKey
		c.Policy = []string{"", "quorum none\n", "witness a " + one + "\nquorum a\n",
			"# two\nwitness a " + one + "\nwitness b " + two + " https://b.example\ngroup g any a b\nquorum g\n",
			"witness a " + one + "\ngroup g 0 a\nquorum g\n", "witness a " + one + "\nwitness b " + one + "\nquorum a\n",
			"witness a " + mirrors[0].VKey + "\nquorum a\n", "quorum a\nwitness a " + one + "\n", "witness a " + one + "\nquorum a"}[arg%9]
	case 19:
		c.Names = []string{"cve.example"}
	case 20:
		c.Reason = "because"
	case 21: // up to twice the largest size
		c.Names = nil
		for i := range 2 * arg {
			c.Names = append(c.Names, strings.Repeat("a", 60)+"."+strings.Repeat("b", 60)+"."+strings.Repeat("c", 60)+"."+strconv.Itoa(i))
		}
	case 22: // a mirror's key that has another role, or is none
		if c.Mirrors != nil && len(c.Mirrors.List) > 0 {
			c.Mirrors.List[0] = mirrors[5+arg%3]
		}
	}
}

// signed writes the document without asking the package whether it is well formed, signed in one of four ways.
func signed(t testing.TB, c *Charter, last *Document, how, mask byte) []byte {
	body, err := jcs.Canonical(*c)
	if err != nil {
		t.Fatal(err)
	}
	d := &Document{signed: body}
	all := map[string]int{} // every test key by its text
	for i := 1; i <= 10; i++ {
		all[pubText(i)] = i
	}
	seats := append(slices.Clone(last.charter.Board.Keys), c.Board.Keys...)
	switch how % 4 {
	case 0: // whoever sits at the table, as the mask says
		for i, s := range seats {
			if mask&(1<<(i%8)) != 0 {
				d.Sign(s.ID, key(all[s.Key]))
			}
		}
	case 1: // everybody in the new board only
		for _, s := range c.Board.Keys {
			d.Sign(s.ID, key(all[s.Key]))
		}
	case 2: // the log key of this epoch, or another
		log := firstLog
		for i := range 8 {
			if pubText(firstLog+i) == last.charter.Operator.Key {
				log = firstLog + i
			}
		}
		d.Sign(LogSigner, key(log+int(mask&8)))
	case 3: // one key under every id
		for _, s := range seats {
			d.Sign(s.ID, key(1+int(mask)%9))
		}
	}
	if mask == 0x55 { // and one that is none
		d.sigs = append(d.sigs, Sig{"zz", base64.StdEncoding.EncodeToString(make([]byte, 64))})
	}
	sigs := []any{}
	for _, s := range d.sigs {
		sigs = append(sigs, map[string]string{"id": s.ID, "sig": s.Sig})
	}
	raw, err := jcs.Canonical(map[string]any{"signed": *c, "sigs": sigs})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
