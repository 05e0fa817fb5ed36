package continuity_test

import (
	"errors"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
)

func quorumOf(t testing.TB, d *charter.Document) *continuity.Quorum {
	t.Helper()
	q, err := continuity.QuorumOf(d)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// D.5: publish with q, succeed with R = m−q+1+f.
func TestReportsNeeded(t *testing.T) {
	for _, tc := range []struct{ m, q, f, r int }{{3, 2, 0, 2}, {5, 3, 0, 3}, {5, 4, 1, 3}, {7, 5, 1, 4}, {0, 0, 0, 0}} {
		if got := quorumOf(t, found(t, tc.m, tc.q, tc.f, 0).chain.Head()).R(); got != tc.r {
			t.Errorf("m = %d, q = %d, f = %d: R = %d, want %d", tc.m, tc.q, tc.f, got, tc.r)
		}
	}
}

func TestQuorum(t *testing.T) {
	l := found(t, 3, 2, 0, 3)
	d := l.chain.Head()
	q := quorumOf(t, d)
	tr := grow("a", "b").at(2)
	m, w := l.mirrors, l.witness
	stranger := cosigner(t, "x", 1)
	// One key under another name is one key, and not the charter's.
	renamed, err := c2sp.NewCosigner("m1b.example", private("m", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		by   []*c2sp.Cosigner
		want error
	}{
		{"two mirrors and two witnesses", []*c2sp.Cosigner{m[0], m[2], w[0], w[1]}, nil},
		{"everybody", []*c2sp.Cosigner{m[0], m[1], m[2], w[0], w[1], w[2], stranger}, nil},
		{"one mirror", []*c2sp.Cosigner{m[0], w[0], w[1], w[2]}, continuity.ErrQuorum},
		{"one mirror twice", []*c2sp.Cosigner{m[0], m[0], w[0], w[1]}, continuity.ErrQuorum},
		{"one mirror under two names", []*c2sp.Cosigner{m[0], renamed, w[0], w[1]}, continuity.ErrQuorum},
		{"a mirror and a stranger", []*c2sp.Cosigner{m[0], stranger, w[0], w[1]}, continuity.ErrQuorum},
		{"one witness", []*c2sp.Cosigner{m[0], m[1], w[0]}, continuity.ErrQuorum},
		{"one witness twice", []*c2sp.Cosigner{m[0], m[1], w[0], w[0]}, continuity.ErrQuorum},
		{"nobody", nil, continuity.ErrQuorum},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := q.Check(l.signed(d, tr, clock(), tc.by...))
			if !v.LogSigned || !errors.Is(v.Reason(), tc.want) || v.OK() != (tc.want == nil) {
				t.Errorf("log %v, %v, want %v", v.LogSigned, v.Reason(), tc.want)
			}
			mirrors, witnesses := v.Missing()
			if v.Counted+len(mirrors) != 3 || len(witnesses) > 3 {
				t.Errorf("%d counted, %d missing", v.Counted, len(mirrors))
			}
		})
	}

	t.Run("a wrong line spoils nothing", func(t *testing.T) {
		n, err := c2sp.ParseNote(l.published(d, tr))
		if err != nil {
			t.Fatal(err)
		}
		bad := n.Lines[1]
		bad.Sig = append([]byte(nil), bad.Sig...)
		bad.Sig[20] ^= 1
		n.Lines = append([]c2sp.Line{bad}, n.Lines...)
		if v := q.Check(n.Bytes()); !v.OK() {
			t.Error(v.Reason())
		}
	})
	t.Run("without the log", func(t *testing.T) {
		n, err := c2sp.ParseNote(l.published(d, tr))
		if err != nil {
			t.Fatal(err)
		}
		n.Lines = n.Lines[1:]
		if v := q.Check(n.Bytes()); !errors.Is(v.Reason(), continuity.ErrUnsigned) {
			t.Error(v.Reason())
		}
	})
	t.Run("of another epoch", func(t *testing.T) {
		next := l.next(l.chain, succeed("second"))
		if v := q.Check(l.published(next, tr)); !errors.Is(v.Reason(), continuity.ErrOrigin) {
			t.Error(v.Reason())
		}
	})
	t.Run("times", func(t *testing.T) {
		text := l.signed(d, tr, at.Add(-time.Hour), m[0], m[1], w[0])
		n, err := c2sp.ParseNote(text)
		if err != nil {
			t.Fatal(err)
		}
		line, err := w[2].Cosign(n.Text, at)
		if err != nil {
			t.Fatal(err)
		}
		v := q.Check(n.With(line).Bytes())
		if old, newest := v.Times(); !old.Equal(at.Add(-time.Hour)) || !newest.Equal(at) {
			t.Errorf("%v, %v", old, newest)
		}
	})
}

func TestAlone(t *testing.T) {
	l := found(t, 0, 0, 0, 0)
	q := quorumOf(t, l.chain.Head())
	if v := q.Check(l.signed(l.chain.Head(), grow("a").at(1), clock())); !v.OK() || !q.Alone() {
		t.Errorf("a private list's own signature: %v", v.Reason())
	}
}
