package form

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// FuzzUntouched: a form that comes back as it was shown changes no container that the record format allows; and of any
// object at all it changes nothing in what a draft keeps.
func FuzzUntouched(f *testing.F) {
	paths, err := filepath.Glob("../testdata/records/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if cna, ok := container(raw); ok && len(cna) < 8<<10 {
			f.Add(cna)
		}
	}
	f.Add([]byte(`{"title":"a\r\nb\u0000","tags":["x_a, b"],"affected":[{"modules":["","\n"],"programRoutines":[{"name":"a","b":1}],"versions":[{"lessThan":"1","lessThanOrEqual":"2"}]}]}`))
	f.Add([]byte(`{"metrics":[{"cvssV2_0":{"vectorString":"AV:N/AV:L/XX:Y"}}],"source":{},"timeline":[{"time":"0000-00-00T00:00:00"},7],"datePublic":" "}`))
	v, err := schema.NewValidator()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			return
		}
		before := string(s.Encode())
		s.Apply(sent(s))
		if after := string(s.Encode()); after != before {
			t.Fatalf("untouched, and yet\n got %s\nwant %s", after, before)
		}
		if !cve.HasErrors(v.Container(schema.CNAPublished, raw)) {
			if got, want := canonical(t, untouched(t, raw)), canonical(t, raw); got != want {
				t.Fatalf("\n got %s\nwant %s", got, want)
			}
		}
	})
}

// FuzzApply: whatever is typed, the result is a state that can be read again, and what it then shows changes it no more.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"descriptions":[{"lang":"en","value":"v"}],"references":[{}],"metrics":[{"cvssV3_1":{}}]}`), uint8(3), "CVSS:3.1/AV:N", "add", "/references")
	f.Add([]byte(`{"affected":[{"versions":[{"version":"0","lessThan":"2"}]}]}`), uint8(9), "2026-01-01", "remove", "/affected/0/versions/0")
	f.Fuzz(func(t *testing.T, raw []byte, which uint8, typed, op, name string) {
		s, err := Parse(raw)
		if err != nil {
			return
		}
		s.Invite()
		switch op {
		case "add":
			s.Add(name, typed)
		case "remove":
			s.Remove(name)
		case "copy":
			s.Copy(name)
		case "up":
			s.Up(name)
		}
		values := sent(s)
		names := make([]string, 0, len(values))
		for n := range values {
			names = append(names, n)
		}
		slices.Sort(names)
		values[names[int(which)%len(names)]] = []string{typed}
		s.Apply(values)
		again, err := Parse(s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		before := string(again.Encode())
		again.Apply(sent(again))
		if after := string(again.Encode()); after != before {
			t.Fatalf("typed %q:\n got %s\nwant %s", typed, after, before)
		}
		clean, places := again.Clean()
		if _, err := Parse(clean); err != nil {
			t.Fatal(err)
		}
		again.Locate(cve.Finding{Pointer: name}, places)
	})
}
