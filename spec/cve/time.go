package cve

import (
	"errors"
	"fmt"
	"time"
)

// ErrTime says that a text is no timestamp of the CVE Record Format; wrapped with the text.
var ErrTime = errors.New("cve: not a timestamp")

// ParseTime reads a timestamp as records hold it: date, "T", time of day with up to nine digits of fraction, then "Z",
// an offset ("+09:00") or nothing (CVE Record Format, definitions/timestamp). A quarter of the older dates have no
// zone; they are read as UTC, which is what the CVE Program means by them, and zoned is false so that Lint can say so.
// The result is always in UTC. Any year that has four digits is taken, 9999 included; a date that is not in the
// calendar (30 February) is not.
func ParseTime(s string) (t time.Time, zoned bool, err error) {
	const day = len("2006-01-02T15:04:05")
	if len(s) < day || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false, fmt.Errorf("%w: %s", ErrTime, quoteShort(s))
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	dom, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false, fmt.Errorf("%w: %s", ErrTime, quoteShort(s))
	}
	rest := s[day:]
	nanos, rest, ok := fraction(rest)
	if !ok {
		return time.Time{}, false, fmt.Errorf("%w: %s", ErrTime, quoteShort(s))
	}
	offset, zoned, ok := zone(rest)
	if !ok {
		return time.Time{}, false, fmt.Errorf("%w: %s", ErrTime, quoteShort(s))
	}
	t = time.Date(int(year), time.Month(month), int(dom), int(hour), int(minute), int(second), nanos, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != int(dom) {
		return time.Time{}, false, fmt.Errorf("%w: %s is not in the calendar", ErrTime, quoteShort(s))
	}
	return t.Add(-offset), zoned, nil
}

// fraction reads an optional fraction of a second, one to nine digits.
func fraction(s string) (nanos int, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	i, scale := 1, 1_000_000_000
	for i < len(s) && s[i]-'0' <= 9 {
		if i > 9 {
			return 0, "", false
		}
		nanos = nanos*10 + int(s[i]-'0')
		scale /= 10
		i++
	}
	return nanos * scale, s[i:], i > 1
}

// zone reads what may follow the time of day.
func zone(s string) (offset time.Duration, zoned, ok bool) {
	switch {
	case s == "":
		return 0, false, true
	case s == "Z":
		return 0, true, true
	case len(s) != len("+09:00") || s[3] != ':' || s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || hours > 23 || minutes > 59 {
		return 0, false, false
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// FormatTime writes a time as the CVE Program's own service does: UTC, three digits of fraction, "Z".
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
