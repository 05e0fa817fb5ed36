package continuity_test

import (
	"testing"

	"tasuki/internal/continuity"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

// Lines that another node took in come back smallest size first, a mirror's newest sixteen, each once; those of strangers are refused.
func TestForwardedLines(t *testing.T) {
	l := found(t, 2, 2, 0, 0)
	d := l.chain.Head()
	quorum, err := continuity.QuorumOf(d)
	want(t, "quorum", err, nil)
	tr := grow("a")
	for len(tr.leaves) < 40 {
		tr.add("x")
	}
	line := func(size int64, mirror int) c2sp.Note {
		n, err := c2sp.ParseNote(l.signed(d, tr.at(size), clock(), l.mirrors[mirror]))
		want(t, "note", err, nil)
		return n
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := shelve(t, db, l)
		bare, err := c2sp.ParseNote(l.signed(d, tr.at(3), clock()))
		want(t, "note", err, nil)
		want(t, "without a mirror's line", s.Forward(ctx, quorum, bare), continuity.ErrUnsigned)
		for size := int64(1); size <= 20; size++ {
			want(t, "forward", s.Forward(ctx, quorum, line(size, 0)), nil)
		}
		for range 2 {
			want(t, "forward", s.Forward(ctx, quorum, line(7, 1)), nil)
		}
		sizes := func(above int64) (out []int64) {
			notes, err := s.Forwarded(ctx, d.Origin(), above)
			want(t, "forwarded", err, nil)
			for _, n := range notes {
				v := quorum.Check(n)
				want(t, "what was kept", v.Err, nil)
				out = append(out, v.Checkpoint.Size)
			}
			return out
		}
		if got := sizes(0); len(got) != 17 || got[0] != 5 || got[2] != 7 || got[3] != 7 || got[16] != 20 {
			t.Errorf("kept %v", got)
		}
		if got := sizes(18); len(got) != 2 {
			t.Errorf("above 18: %v", got)
		}
		want(t, "drop", s.DropForwarded(ctx, d.Origin(), 19), nil)
		if got := sizes(0); len(got) != 1 || got[0] != 20 {
			t.Errorf("after 19 leaves are published: %v", got)
		}
	})
}
