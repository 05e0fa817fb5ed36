package governance

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/event"
)

var kinds = func() (out []event.Kind) {
	for _, m := range moves {
		if !slices.Contains(out, m.kind) {
			out = append(out, m.kind)
		}
	}
	return out
}()

// Whatever steps are tried in whatever order, a case is always in a state of its workflow, a dispute at a level that never falls, and a
// step that is refused changes nothing.
func TestMachine(t *testing.T) {
	states := map[Workflow][]State{}
	for _, m := range moves {
		states[m.workflow] = append(states[m.workflow], m.to)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var c Case
		at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		for i := range rapid.IntRange(1, 30).Draw(rt, "steps") {
			e := &event.Entry{Index: int64(i), Time: at.Add(time.Duration(i) * time.Hour), Event: &event.Event{Case: "c",
				Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Level: rapid.SampledFrom(append([]string{"", "x"}, slices.Concat(Levels, Notices)...)).Draw(rt, "level"),
				Reason: rapid.SampledFrom(append([]string{"", Declined, Silent, InAdvance}, Subjects...)).Draw(rt, "reason"),
				Outcome: rapid.SampledFrom([]string{"", Valid, Invalid, Unresolved, Withdrawn, Accepted, Assigned, NoVuln, Denied, Active, Revoked, "x"}).Draw(rt,
					"outcome")}}
			next, err := c.Next(e)
			if err != nil {
				if !errors.Is(err, ErrState) && !errors.Is(err, ErrOutcome) && !errors.Is(err, ErrSubject) {
					rt.Fatalf("%s: %v", e.Kind, err)
				}
				continue
			}
			if c.Workflow != "" && next.Workflow != c.Workflow || !slices.Contains(states[next.Workflow], next.State) {
				rt.Fatalf("%s brought %s/%s to %s/%s", e.Kind, c.Workflow, c.State, next.Workflow, next.State)
			}
			if next.Workflow == Dispute {
				was, is := slices.Index(Levels, c.Level), slices.Index(Levels, next.Level)
				if is < was || is < 0 || (e.Kind == event.DisputeEscalated) != (is > was && c.Level != "") {
					rt.Fatalf("%s brought level %q to %q", e.Kind, c.Level, next.Level)
				}
				if (next.State == Decided) != (next.Outcome != "") && e.Kind != event.DisputeDecided {
					rt.Fatalf("%s: state %s with outcome %q", e.Kind, next.State, next.Outcome)
				}
			}
			c = next
		}
	})
}

func TestOutcomesHaveMoves(t *testing.T) {
	for key := range outcomes {
		if !slices.ContainsFunc(moves, func(m move) bool { return m.kind == key.kind && slices.Contains(m.from, key.in) }) {
			t.Errorf("no case takes %s in state %q", key.kind, key.in)
		}
	}
	for _, m := range moves {
		if _, ok := triggers[m.kind]; !ok && slices.Contains([]event.Kind{event.DisputeOpened, event.RefusalAsked, event.NoticeSent}, m.kind) {
			t.Errorf("%s starts a clock without a name", m.kind)
		}
	}
}

// A statement that is read is one that may be said, and is written as it was read; a note is read or refused, never half.
func FuzzStatement(f *testing.F) {
	for _, seed := range []string{`{}`, `{"text":"x"}`, `{"evidence":["https://a.test/1"],"text":"認証"}`, `{"evidence":["ftp://a.test"]}`,
		`{"evidence":[""]}`, `{"text":1}`,
		`{"case":"c","kind":"case.note/1","step":-1}`, `{"by":"b","case":"c","kind":"case.note/1","statement":{"text":"x"},"step":7}`, `{"kind":"case.note/1","step":0}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := ParseStatement(raw); err == nil {
			if err := s.Check(); err != nil {
				t.Errorf("%q was read and is %v", raw, err)
			}
			again, err := s.canonical()
			if err != nil {
				t.Fatalf("%q cannot be written: %v", raw, err)
			}
			back, err := ParseStatement(again)
			if err != nil || back.Text != s.Text || !slices.Equal(back.Evidence, s.Evidence) {
				t.Errorf("%q became %q (%v)", raw, again, err)
			}
		}
		n, ours, err := parseNote(raw)
		if ours && (err != nil || n.Case == "" || n.Step < -1) || err != nil && !errors.Is(err, ErrFact) {
			t.Errorf("%q is the note %+v, %v, %v", raw, n, ours, err)
		}
	})
}
