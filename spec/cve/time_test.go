package cve

import (
	"errors"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	utc := func(year int, month time.Month, day, hour, min, sec, ns int) time.Time {
		return time.Date(year, month, day, hour, min, sec, ns, time.UTC)
	}
	for _, tc := range []struct {
		in    string
		want  time.Time
		zoned bool
	}{
		// Every form that stats.md counts in the real list.
		{"2024-08-01T18:51:01.909Z", utc(2024, 8, 1, 18, 51, 1, 909e6), true},
		{"2024-08-01T18:51:01.909711Z", utc(2024, 8, 1, 18, 51, 1, 909711e3), true},
		{"2024-08-01T18:51:01Z", utc(2024, 8, 1, 18, 51, 1, 0), true},
		{"2024-08-01T18:51:01", utc(2024, 8, 1, 18, 51, 1, 0), false},
		{"2024-08-01T18:51:01.909711", utc(2024, 8, 1, 18, 51, 1, 909711e3), false},
		{"2024-08-01T00:30:00+09:00", utc(2024, 7, 31, 15, 30, 0, 0), true},
		{"2023-12-31T20:00:00.500-05:00", utc(2024, 1, 1, 1, 0, 0, 5e8), true},
		{"9999-12-31T23:59:59.999999999Z", utc(9999, 12, 31, 23, 59, 59, 999999999), true},
		{"2024-02-29T00:00:00.1Z", utc(2024, 2, 29, 0, 0, 0, 1e8), true},
	} {
		got, zoned, err := ParseTime(tc.in)
		if err != nil || !got.Equal(tc.want) || zoned != tc.zoned || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v, %v, %v", tc.in, got, zoned, err)
		}
	}
	for _, bad := range []string{"", "2024", "2024-08-01", "2024-08-01T18:51", "2024-08-01 18:51:01", "2024-08-01T18:51:01.", "2024-08-01T18:51:01.Z",
		"2024-08-01T18:51:01z", "2024-08-01T18:51:01+0900", "2024-08-01T18:51:01+24:00", "2024-08-01T24:00:00Z", "2024-13-01T00:00:00Z",
		"2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-00-01T00:00:00Z", "2024-08-01T18:51:60Z", "2024-08-01T18:51:01.1234567890Z",
		"2024-08-01T18:51:01Z ", "n/a", "2024-08-01T18:51:01.5+", "20240-8-01T18:51:01Z"} {
		if got, _, err := ParseTime(bad); !errors.Is(err, ErrTime) || !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v", bad, got, err)
		}
	}
}

func TestFormatTime(t *testing.T) {
	got := FormatTime(time.Date(2026, 11, 21, 6, 0, 7, 123_999_999, time.FixedZone("JST", 9*3600)))
	if got != "2026-11-20T21:00:07.123Z" {
		t.Error(got)
	}
}

// FuzzParseTime: a zoned date agrees with RFC 3339 as the standard library reads it, a zone-less one with its form
// plus Z, and what was read can be written and read again.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2024-08-01T18:51:01.909Z", "2024-08-01T18:51:01", "2024-08-01T18:51:01.909711", "2024-08-01T00:30:00+09:00",
		"9999-12-31T23:59:59.999999999-23:59", "0000-01-01T00:00:00Z", "2024-02-30T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, zoned, err := ParseTime(s)
		if err != nil {
			if !errors.Is(err, ErrTime) {
				t.Fatalf("untyped %v", err)
			}
			return
		}
		rfc := s
		if !zoned {
			rfc += "Z"
		}
		want, err := time.Parse(time.RFC3339Nano, rfc)
		if err != nil || !want.Equal(got) {
			t.Fatalf("%q is %v here, %v %v in the standard library", s, got, want, err)
		}
		if y := got.Year(); y < 0 || y > 9999 {
			return // an offset may carry the first or last day out of the four-digit years
		}
		again, zoned, err := ParseTime(FormatTime(got))
		if err != nil || !zoned || !again.Equal(got.Truncate(time.Millisecond)) {
			t.Fatalf("%v does not come back: %v %v", got, again, err)
		}
	})
}
