package charter

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"tasuki/spec/jcs"
)

func TestEdit(t *testing.T) {
	full := fullCharter(t)
	for _, tc := range []struct{ name, patch, want string }{
		{"a member", `{"reason":"because"}`, `"reason":"because"`},
		{"a member of a member", `{"mandate":{"until":"2031-01-01"}}`, `"mandate":{"from":"2026-11-21","until":"2031-01-01"}`},
		{"a member removed", `{"emergency":{"silence_days":null}}`, `"emergency":{"mandate_over":true,"notice_hours":72}`},
		{"a list replaced", `{"names":["a.example"]}`, `"names":["a.example"]`},
		{"what is not the drafter's to set", `{"v":9,"prev":"x","genesis":"x","issued":"x"}`, `"v":2`},
	} {
		c := full.Charter().clone()
		if err := c.Edit([]byte(tc.patch)); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if d, err := New(c); err != nil || !strings.Contains(string(d.Signed()), tc.want) {
			t.Errorf("%s: %v, %v", tc.name, d, err)
		}
	}
	c := full.Charter().clone()
	if err := c.Edit([]byte(`{"mirrors":null,"policy":null}`)); err != nil || c.Mirrors != nil || c.Policy != "" {
		t.Errorf("removed: %v, %+v", err, c.Mirrors)
	}
	for name, patch := range map[string]string{
		"nothing": "", "no object": `[]`, "null": `null`, "unknown member": `{"x":1}`, "wrong type": `{"board":{"k":"many"}}`, "twice": `{"reason":"a","reason":"b"}`,
		"a fraction": `{"board":{"k":1.5}}`, "cut": `{"reason":"a"`, "twice within": `{"board":{"k":1,"k":2}}`,
	} {
		c := full.Charter().clone()
		if err := c.Edit([]byte(patch)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzEdit: a patch applied twice is the patch applied once (RFC 7396 replaces, removes and never adds up), and one that is
// refused changes nothing.
func FuzzEdit(f *testing.F) {
	for _, patch := range []string{`{"reason":"because"}`, `{"emergency":{"silence_days":null}}`, `{"board":{"keys":[]},"mirrors":null}`, `{}`, `null`} {
		f.Add([]byte(patch))
	}
	full := fullCharter(f)
	f.Fuzz(func(t *testing.T, patch []byte) {
		once := full.Charter().clone()
		text := func() []byte {
			raw, err := jcs.Canonical(once)
			if err != nil {
				t.Skip("a text that no charter can hold")
			}
			return raw
		}
		before := text()
		err := once.Edit(slices.Clone(patch))
		after := text()
		if err != nil {
			if !bytes.Equal(before, after) {
				t.Fatalf("refused with %v, and changed", err)
			}
			return
		}
		if err := once.Edit(slices.Clone(patch)); err != nil || !bytes.Equal(text(), after) {
			t.Fatalf("the second time: %v", err)
		}
	})
}
