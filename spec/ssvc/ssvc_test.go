package ssvc

import (
	"slices"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     SSVC
	}{
		{"as CISA writes it", `{"id":"CVE-1999-0006","role":"CISA Coordinator","options":[{"Exploitation":"none"},{"Automatable":"yes"},
			{"Technical Impact":"total"}],"version":"2.0.3","timestamp":"2024-08-01T18:51:01.909711Z"}`,
			SSVC{"none", "yes", "total", "2024-08-01T18:51:01.909711Z", "CISA Coordinator", "2.0.3"}},
		{"other letter case", `{"options":[{"Exploitation":"PoC"},{"Automatable":"No"},{"Technical Impact":"Partial"}]}`, SSVC{"poc", "no", "partial", "", "", ""}},
		{"one object for all points", `{"options":[{"Exploitation":"Active","Automatable":"yes"}]}`, SSVC{"active", "yes", "", "", "", ""}},
		{"newer wording", `{"options":[{"exploitation":"public poc"}]}`, SSVC{Exploitation: "poc"}},
		{"unknown points and values beside a known one", `{"options":[{"Value Density":"diffuse"},{"Exploitation":"perhaps"},{"Automatable":1},{"Technical Impact":"total"}]}`,
			SSVC{TechnicalImpact: "total"}},
		{"the first of two", `{"options":[{"Exploitation":"none"},{"Exploitation":"active"}]}`, SSVC{Exploitation: "none"}},
	} {
		if got, ok := Decode([]byte(tc.in)); !ok || got != tc.want {
			t.Errorf("%s: %+v, %v", tc.name, got, ok)
		}
	}
	for _, bad := range []string{"", "null", "{}", "[]", `{"options":{}}`, `{"options":[]}`, `{"options":[{"Exploitation":"maybe"}]}`, `{"options":["none"]}`,
		`{"Exploitation":"PoC"}`, `{"options":[{"Exploitation":"none","EXPLOITATION":"active"}]}`} {
		if s, ok := Decode([]byte(bad)); ok || s != (SSVC{}) {
			t.Errorf("Decode(%s) = %+v, %v", bad, s, ok)
		}
	}
}

// FuzzDecode: an accepted assessment says something, and only words that SSVC defines.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"options":[{"Exploitation":"none"},{"Automatable":"yes"},{"Technical Impact":"total"}]}`))
	f.Add([]byte(`{"options":[{"Exploitation":"Public PoC "}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ok := Decode(raw)
		if !ok {
			return
		}
		said := 0
		for value, known := range map[string][]string{
			s.Exploitation: {None, PoC, Active}, s.Automatable: {"no", "yes"}, s.TechnicalImpact: {"partial", "total"},
		} {
			if value != "" {
				said++
				if !slices.Contains(known, value) {
					t.Fatalf("a decision point is %q, want one of %q", value, known)
				}
			}
		}
		if said == 0 {
			t.Fatal("accepted an empty assessment")
		}
	})
}
