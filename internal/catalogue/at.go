package catalogue

import (
	"fmt"
	"strconv"
	"time"
)

// ParseAt reads a moment as addresses and flags write it: at is a day (2024-03-05, all of it, in UTC) or an instant
// (RFC 3339), size a number of leaves, clock "log" or "source". Empty texts say nothing; all three empty are the zero At, now.
// Errors wrap ErrAt.
func ParseAt(at, size, clock string) (At, error) {
	var out At
	switch Clock(clock) {
	case "", LogClock:
	case SourceClock:
		out.Clock = SourceClock
	default:
		return At{}, fmt.Errorf("%w: the clock %q is neither log nor source", ErrAt, clock)
	}
	switch {
	case at != "" && size != "":
		return At{}, fmt.Errorf("%w: a time and a size at once", ErrAt)
	case size != "":
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n <= 0 || size[0] == '+' {
			return At{}, fmt.Errorf("%w: the size %q is no whole number above 0", ErrAt, size)
		}
		out.Size = n
	case at != "":
		if end, ok := dayEnd(at); ok {
			out.Time = end
			break
		}
		t, err := time.Parse(time.RFC3339, at)
		// A zone may carry an instant out of the years that can be written.
		if year := t.UTC().Year(); err != nil || year < 0 || year > 9999 {
			return At{}, fmt.Errorf("%w: %q is neither a day (2024-03-05) nor an instant (2024-03-05T10:00:00Z)", ErrAt, at)
		}
		out.Time = t.UTC()
	default:
		return At{}, nil // now is now by either clock
	}
	return out, nil
}

// Params are what ParseAt reads back as the same moment; the clock is "" where it is the log's.
func (at At) Params() (when, size, clock string) {
	if at.IsZero() {
		return "", "", ""
	}
	if at.Clock == SourceClock {
		clock = string(SourceClock)
	}
	if at.Size > 0 {
		return "", strconv.FormatInt(at.Size, 10), clock
	}
	t := at.Time.UTC()
	day := t.Format(time.DateOnly)
	if end, ok := dayEnd(day); ok && t.Equal(end) {
		return day, "", clock
	}
	return t.Format(time.RFC3339Nano), "", clock
}

// dayEnd is the last millisecond of a day in UTC: the log's times have three fractional digits.
func dayEnd(day string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, day)
	return t.AddDate(0, 0, 1).Add(-time.Millisecond), err == nil
}
