package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A month counts 30 days and a year 365 where they measure an age.
var units = map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'm': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// maxAge keeps ages where a time.Duration can hold them.
const maxAge = 100 * 365 * 24 * time.Hour

// parseDate reads a year, month, day or moment, an age, "today" or "yesterday". A moment without a zone is UTC; it is as
// long as the last unit that it names: minute, second or, with a fraction, millisecond.
func parseDate(text string) (Date, bool) {
	s := strings.ToUpper(text)
	switch s {
	case "TODAY":
		return Date{Day: true}, true
	case "YESTERDAY":
		return Date{Day: true, Ago: 24 * time.Hour}, true
	}
	if ago, ok := parseAge(s); ok {
		return Date{Ago: ago}, true
	}
	year, month, day := 0, 0, 1
	for _, form := range []struct{ layout, to string }{{"2006", "y"}, {"2006-01", "m"}, {"2006-01-02", "d"}} {
		if len(s) != len(form.layout) {
			continue
		}
		t, err := time.Parse(form.layout, s)
		if err != nil || t.Year() < 1000 {
			return Date{}, false
		}
		switch form.to {
		case "y":
			year, day = 1, 0
		case "m":
			month, day = 1, 0
		}
		return Date{From: t, To: t.AddDate(year, month, day)}, true
	}
	return parseMoment(s)
}

func parseMoment(s string) (Date, bool) {
	for _, form := range []struct {
		layout string
		long   time.Duration
	}{
		{"2006-01-02T15:04Z07:00", time.Minute}, {"2006-01-02T15:04", time.Minute},
		{"2006-01-02T15:04:05Z07:00", time.Second}, {"2006-01-02T15:04:05", time.Second}, // time.Parse takes a fraction too
	} {
		t, err := time.Parse(form.layout, s)
		if err != nil || t.Year() < 1000 || t.UTC().Year() < 1000 || len(s) > len("2006-01-02T15:04:05.000000000+09:00") {
			continue
		}
		if strings.Contains(s, ".") {
			form.long = time.Millisecond
		}
		from := t.UTC().Truncate(time.Millisecond)
		return Date{From: from, To: from.Add(form.long)}, true
	}
	return Date{}, false
}

// parseAge reads 12H, 7D, 2W, 3M or 1Y.
func parseAge(s string) (time.Duration, bool) {
	if len(s) < 2 || len(s) > 7 {
		return 0, false
	}
	unit, ok := units[s[len(s)-1]|0x20]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if !ok || err != nil || n == 0 || time.Duration(n) > maxAge/unit {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// guessDate turns other ways of writing a day, 2024/1/5, 20240105 or 5.1.2024, into ours. It gives nothing where day and
// month could be either.
func guessDate(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == '.' || r == '-' || r == '年' || r == '月' || r == '日' })
	if len(parts) == 1 && len(text) == len("20240105") {
		parts = []string{text[:4], text[4:6], text[6:]}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return nil
	}
	numbers := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 {
			return nil
		}
		numbers[i] = n
	}
	var guess string
	switch {
	case numbers[0] >= 1000 && len(numbers) == 2:
		guess = fmt.Sprintf("%04d-%02d", numbers[0], numbers[1])
	case numbers[0] >= 1000:
		guess = fmt.Sprintf("%04d-%02d-%02d", numbers[0], numbers[1], numbers[2])
	case len(numbers) == 3 && numbers[2] >= 1000 && numbers[0] > 12:
		guess = fmt.Sprintf("%04d-%02d-%02d", numbers[2], numbers[1], numbers[0])
	case len(numbers) == 3 && numbers[2] >= 1000 && numbers[1] > 12:
		guess = fmt.Sprintf("%04d-%02d-%02d", numbers[2], numbers[0], numbers[1])
	}
	if _, ok := parseDate(guess); !ok {
		return nil
	}
	return []string{guess}
}
