package continuity_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tasuki/internal/continuity"
)

// What is read from a file is written as the same evidence again.
func FuzzParseEvidence(f *testing.F) {
	raw, err := continuity.Evidence{Name: "fork-9c1f00aa", Kind: continuity.EvidenceFork, Origin: "tasuki/9c1f/1-a", Text: "two roots at size 7",
		Notes: [][]byte{[]byte("one\n\n— a <b>\n"), []byte("two\n")}, At: time.Unix(1_700_000_000, 5_000_000).UTC()}.File()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"name":"a","kind":"b","at":"2026-11-22T10:00:00+09:00","text":"","notes":[""]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := continuity.ParseEvidence(raw)
		if err != nil {
			if !errors.Is(err, continuity.ErrEvidence) {
				t.Fatal(err)
			}
			return
		}
		again, err := e.File()
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > continuity.MaxEvidence {
			return // indented it may be longer than what was read
		}
		back, err := continuity.ParseEvidence(again)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%+v (%v)\n%+v", back, err, e)
		}
	})
}
