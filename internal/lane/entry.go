package lane

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A line of the journal is words between single spaces, the last of them a check over the line and the check before it:
//
//	tasuki-lanes/1 CVE 9c1f00aa5d77e013 acme node-eu <key> <place> <check>
//	block 2026 30001 31000 100 <key> <check>
//	lane 3 scattered <check>
//	give 2026-11-21T20:59:58Z sequential 2026 3:0:5 <check>
//	restore <key> <place> <check>
//
// The form is frozen: a journal outlives the program that wrote it.
const (
	kindInit    = "tasuki-lanes/1"
	kindBlock   = "block"
	kindLane    = "lane"
	kindGive    = "give"
	kindRestore = "restore"
)

type entry struct {
	kind   string
	config Config // of the first line; of a restore its key
	place  string
	block  Block
	lane   Lane // Number and Scattered
	given  Given
	check  string
}

// append writes the line and learns its check.
func (e *entry) append(b []byte, before string) []byte {
	start := len(b)
	b = append(b, e.words()...)
	e.check = checkOf(before, b[start:])
	return append(append(append(b, ' '), e.check...), '\n')
}

func checkOf(before string, words []byte) string {
	h := sha256.New()
	h.Write([]byte(before))
	h.Write([]byte{'\n'})
	h.Write(words)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func (e *entry) words() string {
	switch e.kind {
	case kindInit:
		return strings.Join([]string{e.kind, string(e.config.Scheme), e.config.List, e.config.Org, e.config.Node, e.config.Key, e.place}, " ")
	case kindBlock:
		return fmt.Sprintf("%s %d %d %d %d %s", e.kind, e.block.Year, e.block.First, e.block.Last, e.block.Lane, e.block.Key)
	case kindLane:
		order := "sequential"
		if e.lane.Scattered {
			order = "scattered"
		}
		return fmt.Sprintf("%s %d %s", e.kind, e.lane.Number, order)
	case kindGive:
		b := fmt.Appendf(nil, "%s %s %s %d", e.kind, e.given.At.Format(time.RFC3339), e.given.Batch, e.given.Year)
		for _, s := range e.given.Spans {
			b = fmt.Appendf(b, " %d:%d:%d", s.Lane, s.From, s.Count)
		}
		return string(b)
	default:
		return strings.Join([]string{e.kind, e.config.Key, e.place}, " ")
	}
}

// parseJournal reads the lines that are whole and in order, and says how many bytes they are. From the first that is not on, nothing
// is believed: a write that the power cut may have left any bytes behind. Whether more was whole once, the mark tells.
func parseJournal(raw []byte) (entries []entry, whole int) {
	before := ""
	for {
		end := bytes.IndexByte(raw[whole:], '\n')
		if end < 0 {
			return entries, whole
		}
		e, ok := parseLine(raw[whole:whole+end], before, len(entries) == 0)
		if !ok {
			return entries, whole
		}
		entries = append(entries, e)
		before = e.check
		whole += end + 1
	}
}

func parseLine(line []byte, before string, first bool) (e entry, ok bool) {
	cut := bytes.LastIndexByte(line, ' ')
	if cut < 0 || checkOf(before, line[:cut]) != string(line[cut+1:]) {
		return e, false
	}
	words := strings.Split(string(line[:cut]), " ")
	e = entry{kind: words[0], check: string(line[cut+1:])}
	if (e.kind == kindInit) != first || !e.read(words[1:]) {
		return e, false
	}
	return e, e.words() == string(line[:cut]) // one spelling of each
}

func (e *entry) read(w []string) bool {
	switch {
	case e.kind == kindInit && len(w) == 6:
		e.config = Config{Scheme: Scheme(w[0]), List: w[1], Org: w[2], Node: w[3], Key: w[4]}
		e.place = w[5]
		return e.config.check() == nil && isName(e.place)
	case e.kind == kindRestore && len(w) == 2:
		e.config.Key, e.place = w[0], w[1]
		return isKey(e.config.Key) && isName(e.place)
	case e.kind == kindBlock && len(w) == 5:
		n, ok := numbers(w[:4])
		if !ok {
			return false
		}
		e.block = Block{Year: n[0], First: n[1], Last: n[2], Lane: n[3], Key: w[4]}
		return e.block.check() == nil
	case e.kind == kindLane && len(w) == 2:
		n, ok := numbers(w[:1])
		if ok {
			e.lane.Number, e.lane.Scattered = n[0], w[1] == "scattered"
		}
		return ok
	case e.kind == kindGive && len(w) >= 4:
		at, err := time.Parse(time.RFC3339, w[0])
		year, ok := numbers(w[2:3])
		if err != nil || !ok {
			return false
		}
		e.given = Given{At: at.UTC(), Batch: Batch(w[1]), Year: year[0]}
		for _, span := range w[3:] {
			n, ok := numbers(strings.Split(span, ":"))
			if !ok || len(n) != 3 {
				return false
			}
			e.given.Spans = append(e.given.Spans, Span{n[0], n[1], n[2]})
		}
		return true
	}
	return false
}

func numbers(words []string) (out []int64, ok bool) {
	for _, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil || n < 0 {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// fold brings a line into the journal's memory: ErrDamaged for one that contradicts those before it.
func (j *Journal) fold(e entry) error {
	bad := func(why string) error { return fmt.Errorf("%w: line %d: %s", ErrDamaged, len(j.checks)+1, why) }
	switch e.kind {
	case kindInit:
		j.config, j.place, j.keys = e.config, e.place, []string{e.config.Key}
	case kindRestore:
		if slices.Contains(j.keys, e.config.Key) {
			return bad("a life has the key of another")
		}
		j.place, j.keys = e.place, append(j.keys, e.config.Key)
		for _, l := range j.lanes {
			l.Closed = true
		}
	case kindBlock:
		if !slices.Contains(j.keys, e.block.Key) || slices.ContainsFunc(j.blocks, e.block.overlaps) {
			return bad("a block of nobody, or of another")
		}
		j.blocks = append(j.blocks, e.block)
	case kindLane:
		l := j.lay(e.lane.Number)
		if l == nil || j.lane(e.lane.Number) != nil {
			return bad("a lane that there is not, or again")
		}
		l.Scattered = e.lane.Scattered
		j.lanes = append(j.lanes, l)
		j.opened[l.Number] = l
	case kindGive:
		for _, s := range e.given.Spans {
			l := j.lane(s.Lane)
			if l == nil || l.Block.Year != e.given.Year || s.From != l.Used || s.Count < 1 || s.Count > l.Left() {
				return bad("numbers that the lane does not give next")
			}
			l.Used += s.Count
		}
		j.given = append(j.given, e.given)
	}
	j.checks = append(j.checks, e.check)
	return nil
}

// lay is a lane of the journal's blocks by its number, before anything was given out of it.
func (j *Journal) lay(number int64) *Lane {
	base := int64(1)
	for _, b := range j.blocks {
		if i := number - base; i >= 0 && i < b.Lanes() {
			l := &Lane{Number: number, Block: b, at: i}
			l.First, l.Size = b.span(i)
			return l
		}
		base += b.Lanes()
	}
	return nil
}
