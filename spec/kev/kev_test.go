package kev

import (
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	const content = `{"dateAdded":"2024-09-17","reference":"https://www.cisa.gov/known-exploited-vulnerabilities-catalog","x_more":1}`
	got, ok := Decode([]byte(content))
	if want := (KEV{"2024-09-17", "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"}); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, bad := range []string{"", "null", "{}", `[]`, `{"dateAdded":"2024-02-30"}`, `{"dateAdded":"soon"}`, `{"dateAdded":20240917}`,
		`{"dateAdded":"2024-09-17","dateAdded":"2024-09-18"}`, `"2024-09-17"`} {
		if k, ok := Decode([]byte(bad)); ok || k != (KEV{}) {
			t.Errorf("Decode(%s) = %+v, %v", bad, k, ok)
		}
	}
}

// FuzzDecode: what is accepted has a day that the calendar knows, written canonically.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"dateAdded":"2024-09-17","reference":"https://example.org"}`))
	f.Add([]byte(`{"dateAdded":"2024-02-30"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, ok := Decode(raw)
		if !ok {
			return
		}
		day, err := time.Parse(time.DateOnly, k.DateAdded)
		if err != nil || day.Format(time.DateOnly) != k.DateAdded {
			t.Fatalf("accepted the day %q", k.DateAdded)
		}
	})
}
