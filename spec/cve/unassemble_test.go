package cve

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every container that an assembled record shows comes out of it as it was put.
func TestUnassemble(t *testing.T) {
	base := []byte(`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{"cna":{"title":"base"},
		"adp":[{"providerMetadata":{"orgId":"` + CISAADP + `"},"title":"CISA"}]}}`)
	rapid.Check(t, func(t *rapid.T) {
		puts := history(t)
		for i := range puts {
			var err error
			given := fmt.Sprintf(`{ "x_é\n": [1.0, {"a" : null}], "title":"%d"%s }`, i, rapid.SampledFrom([]string{"", `,"providerMetadata":{"dateUpdated":"2001-01-01T00:00:00"}`}).Draw(t, "provider"))
			if puts[i].Body, err = WithProvider([]byte(given), puts[i].Org, rapid.SampledFrom([]string{"", "x"}).Draw(t, "short")); err != nil {
				t.Fatal(err)
			}
			puts[i].ShortName = ""
		}
		whole, err := Assemble(base, puts)
		if err != nil {
			t.Fatal(err)
		}
		bodies, err := Unassemble(whole)
		if err != nil {
			t.Fatal(err)
		}
		last := puts[len(puts)-1].Body
		if !slices.ContainsFunc(bodies, func(b []byte) bool { return bytes.Equal(b, last) }) {
			t.Fatalf("%s\nis not among\n%s", last, bytes.Join(bodies, []byte("\n")))
		}
		rec, err := Decode(whole)
		if err != nil || len(bodies) != 1+len(rec.Containers.ADP) {
			t.Fatalf("%d bodies of %s (%v)", len(bodies), whole, err)
		}
	})
}

// Whatever it is given, it tells containers or an error; and what it tells is found again when the containers are put anew.
func FuzzUnassemble(f *testing.F) {
	for _, seed := range []string{`{}`, `{"containers":{"cna":{"providerMetadata":{"orgId":"a","dateUpdated":"x"}}}}`, `{"containers":{"cna":{"providerMetadata":{}},"adp":[{"providerMetadata":{}}]}}`,
		`{"containers":{"cna":[]}}`, `{"containers":{"cna":{"providerMetadata":{}},"adp":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		bodies, err := Unassemble(record)
		if err != nil {
			return
		}
		var again []byte
		for i, body := range bodies {
			switch i {
			case 0:
				again = fmt.Appendf(nil, `{"containers":{"cna":%s,"adp":[`, body)
			case 1:
				again = append(again, body...)
			default:
				again = append(append(again, ','), body...)
			}
		}
		twice, err := Unassemble(append(again, "]}}"...))
		if err != nil || !slices.EqualFunc(twice, bodies, bytes.Equal) {
			t.Fatalf("%s\nthen\n%s (%v)", bytes.Join(bodies, []byte("\n")), bytes.Join(twice, []byte("\n")), err)
		}
	})
}
