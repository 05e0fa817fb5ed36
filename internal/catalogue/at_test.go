package catalogue

import (
	"errors"
	"testing"
	"time"
)

func TestParseAt(t *testing.T) {
	end := time.Date(2024, 3, 5, 23, 59, 59, 999e6, time.UTC)
	for _, tc := range []struct {
		at, size, clock string
		want            At
	}{
		{"", "", "", At{}},
		{"", "", "source", At{}},
		{"2024-03-05", "", "", At{Time: end}},
		{"2024-03-05", "", "source", At{Time: end, Clock: SourceClock}},
		{"2024-03-05T19:00:00+09:00", "", "log", At{Time: time.Date(2024, 3, 5, 10, 0, 0, 0, time.UTC)}},
		{"", "42", "", At{Size: 42}},
	} {
		if got, err := ParseAt(tc.at, tc.size, tc.clock); err != nil || got != tc.want {
			t.Errorf("%q %q %q: %+v %v, want %+v", tc.at, tc.size, tc.clock, got, err, tc.want)
		}
	}
	for _, bad := range [][3]string{{"2024-02-30"}, {"yesterday"}, {"9999-12-31T23:59:59-10:00"}, {"", "0"}, {"", "-1"}, {"", "+1"}, {"", "x"}, {"2024-03-05", "1"}, {"2024-03-05", "", "wall"}} {
		if at, err := ParseAt(bad[0], bad[1], bad[2]); !errors.Is(err, ErrAt) {
			t.Errorf("%q: %+v %v", bad, at, err)
		}
	}
}

// FuzzParseAt: what a moment is written as reads back as the same moment, and everything else is refused as ErrAt.
func FuzzParseAt(f *testing.F) {
	for _, s := range [][3]string{{"2024-03-05"}, {"2024-03-05T10:00:00.001Z", "", "source"}, {"", "7", "log"}, {"0000-01-01"}, {"9999-12-31"}, {"0000-01-01T00:00:00+23:00"}} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, when, size, clock string) {
		at, err := ParseAt(when, size, clock)
		if err != nil {
			if !errors.Is(err, ErrAt) {
				t.Fatalf("%q %q %q: %v", when, size, clock, err)
			}
			return
		}
		again, err := ParseAt(at.Params())
		if err != nil || again.Size != at.Size || !again.Time.Equal(at.Time) || again.Clock != at.Clock {
			t.Fatalf("%q %q %q: %+v is written so that it reads %+v (%v)", when, size, clock, at, again, err)
		}
	})
}
