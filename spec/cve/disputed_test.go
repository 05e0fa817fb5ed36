package cve_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

func TestTagDisputed(t *testing.T) {
	const plain = `{"descriptions":[{"lang":"ja","value":"欠陥。"},{"lang":"en","value":"A flaw."}],"title":"T"}`
	one, err := cve.TagDisputed([]byte(plain), "case 1", "The maker\n says no.")
	if err != nil || !strings.Contains(string(one), `"value":"A flaw.\n\nDisputed (case 1): The maker says no."`) || !strings.Contains(string(one),
		`"tags":["disputed"]`) {
		t.Fatalf("%s (%v)", one, err)
	}
	two, err := cve.TagDisputed(one, "case 2", "So does somebody else.")
	if err != nil {
		t.Fatal(err)
	}
	if two, err = cve.TagDisputed(two, "case 2", "Twice."); err != nil || strings.Count(string(two), "Disputed (") != 2 {
		t.Fatalf("%s (%v)", two, err)
	}
	left, err := cve.UntagDisputed(two, "case 1")
	if err != nil || !strings.Contains(string(left), `"value":"A flaw.\n\nDisputed (case 2): Twice."`) || !strings.Contains(string(left), `["disputed"]`) {
		t.Fatalf("%s (%v)", left, err)
	}
	if left, err = cve.UntagDisputed(left, "case 2"); err != nil || string(left) != plain {
		t.Fatalf("%s (%v)", left, err)
	}
	if own, err := cve.UntagDisputed([]byte(`{"tags":["disputed"]}`), "case 1"); err != nil || string(own) != `{"tags":["disputed"]}` {
		t.Errorf("a tag that the owner placed: %s (%v)", own, err)
	}
	long := `{"descriptions":[{"lang":"en","value":"` + strings.Repeat("字", 4080) + `"}]}`
	if cut, err := cve.TagDisputed([]byte(long), "x", "A reason that is longer than the room."); err != nil || len([]rune(string(cut))) > len([]rune(long))+40 {
		t.Errorf("%d characters (%v)", len([]rune(string(cut))), err)
	}
}

// What is tagged and untagged is what it was, for every container that was not tagged before.
func FuzzTagDisputed(f *testing.F) {
	for _, seed := range []string{`{}`, `{"descriptions":[{"lang":"en","value":"A"}]}`,
		`{"tags":["x"],"descriptions":[{"lang":"en-GB","value":""}],"x_a":[1,2]}`, `{"tags":[]}`,
		`{"descriptions":[1]}`, `[]`, `{"tags":"x"}`} {
		f.Add(seed, "a reason")
	}
	f.Fuzz(func(t *testing.T, raw, reason string) {
		if strings.Contains(raw, "disputed") || strings.Contains(raw, "Disputed") || strings.Contains(raw, `\u`) || strings.Contains(raw, "tags") ||
			strings.Contains(reason, "Disputed") {
			return // tagged before; an empty list of tags, which says nothing, may go
		}
		tagged, err := cve.TagDisputed([]byte(raw), "case", reason)
		if err != nil {
			return
		}
		if !bytes.Contains(tagged, []byte(`"disputed"`)) {
			t.Errorf("%q is not tagged: %q", raw, tagged)
		}
		back, err := cve.UntagDisputed(tagged, "case")
		if err != nil {
			t.Fatalf("%q: %v", tagged, err)
		}
		want := jsontext.Value(raw)
		if err := want.Compact(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(tagged, []byte("Disputed (case)")) {
			return // no English description to explain it in
		}
		if err := want.Canonicalize(); err != nil {
			return
		}
		got := jsontext.Value(back)
		if err := got.Canonicalize(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q became %q (%v)", want, got, err)
		}
	})
}
