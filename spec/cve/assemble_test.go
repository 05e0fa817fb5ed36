package cve

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 11, 21, 21, 0, 7, 0, time.UTC)

const (
	acme  = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
	other = "b15e7b5b-3da4-40ae-a43c-f7aa60e62599"
)

func TestAssemble(t *testing.T) {
	cna := func(minutes int, body string) Put {
		return Put{ID: "CVE-2026-310042", Cont: CNA, Org: acme, ShortName: "acme", At: t0.Add(time.Duration(minutes) * time.Minute),
			DataVersion: "5.2.0", Reserved: "2026-11-20T08:11:00.125Z", Body: []byte(body)}
	}
	adp := func(minutes int, org, body string) Put {
		p := cna(minutes, body)
		p.Cont, p.Org, p.ShortName = ADP, org, "adp"
		return p
	}
	rejected := func(minutes int) Put {
		p := cna(minutes, `{"rejectedReasons":[{"lang":"en","value":"not a flaw"}]}`)
		p.Rejected = true
		return p
	}
	const first = `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"cveId":"CVE-2026-310042","assignerOrgId":"` + acme + `",` +
		`"state":"PUBLISHED","assignerShortName":"acme","dateReserved":"2026-11-20T08:11:00.125Z","datePublished":"2026-11-21T21:00:07.000Z",` +
		`"dateUpdated":"2026-11-21T21:00:07.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":"` + acme + `","shortName":"acme",` +
		`"dateUpdated":"2026-11-21T21:00:07.000Z"},"title":"A","x_keep":{"n":1.50}}}}`
	for _, tc := range []struct {
		name, base string
		puts       []Put
		want       string
	}{
		{"base alone, byte for byte", "{ \"a\" : 1 }\n", nil, "{ \"a\" : 1 }\n"},
		{"first publication", "", []Put{cna(0, ` { "title":"A", "x_keep": {"n": 1.50} } `)}, first},
		{"published by a Secretariat for the owner", "", []Put{func() Put {
			p := cna(0, `{"providerMetadata":{"x_tool":"t","orgId":"wrong"},"title":"A"}`)
			p.Assigner, p.AssignerName, p.Reserved = other, "owner", ""
			return p
		}()}, `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"cveId":"CVE-2026-310042","assignerOrgId":"` + other + `","state":"PUBLISHED",` +
			`"assignerShortName":"owner","datePublished":"2026-11-21T21:00:07.000Z","dateUpdated":"2026-11-21T21:00:07.000Z"},"containers":{"cna":` +
			`{"providerMetadata":{"x_tool":"t","orgId":"` + acme + `","shortName":"acme","dateUpdated":"2026-11-21T21:00:07.000Z"},"title":"A"}}}`},
		{"an ADP replaces its own and appends, over a base with members nobody knows",
			`{"dataVersion":"5.1","x_top":[1, 2],"cveMetadata":{"cveId":"CVE-2026-310042","state":"PUBLISHED","datePublished":"2020-01-01T00:00:00","x_meta":"\u65e5"},
			 "containers":{"x_c":null,"cna":{"title":"old"},"adp":[{"providerMetadata":{"orgId":"` + other + `"},"title":"one"},{"title":"nobody's"}]}}`,
			[]Put{adp(1, acme, `{"title":"new"}`), adp(2, "B15E7B5B-3DA4-40AE-A43C-F7AA60E62599", `{"title":"two"}`)},
			`{"dataVersion":"5.2.0","x_top":[1,2],"cveMetadata":{"cveId":"CVE-2026-310042","state":"PUBLISHED","datePublished":"2020-01-01T00:00:00","x_meta":"\u65e5",` +
				`"dateUpdated":"2026-11-21T21:02:07.000Z"},"containers":{"x_c":null,"cna":{"title":"old"},"adp":[` +
				`{"providerMetadata":{"orgId":"B15E7B5B-3DA4-40AE-A43C-F7AA60E62599","shortName":"adp","dateUpdated":"2026-11-21T21:02:07.000Z"},"title":"two"},{"title":"nobody's"},` +
				`{"providerMetadata":{"orgId":"` + acme + `","shortName":"adp","dateUpdated":"2026-11-21T21:01:07.000Z"},"title":"new"}]}}`},
		{"rejected, then published again: a rejection drops the ADPs and dateRejected goes with the state",
			`{"dataVersion":"5.10","cveMetadata":{"cveId":"CVE-2026-310042","state":"PUBLISHED","datePublished":"2020-01-01T00:00:00"},"containers":{"cna":{},"adp":[{}]}}`,
			[]Put{rejected(1), rejected(2), cna(3, `{"title":"B"}`)},
			`{"dataVersion":"5.10","cveMetadata":{"cveId":"CVE-2026-310042","state":"PUBLISHED","datePublished":"2020-01-01T00:00:00","dateUpdated":"2026-11-21T21:03:07.000Z"},` +
				`"containers":{"cna":{"providerMetadata":{"orgId":"` + acme + `","shortName":"acme","dateUpdated":"2026-11-21T21:03:07.000Z"},"title":"B"}}}`},
		{"rejected before it was ever published", "", []Put{rejected(0), rejected(5)},
			`{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"cveId":"CVE-2026-310042","assignerOrgId":"` + acme + `","state":"REJECTED","assignerShortName":"acme",` +
				`"dateReserved":"2026-11-20T08:11:00.125Z","dateRejected":"2026-11-21T21:00:07.000Z","dateUpdated":"2026-11-21T21:05:07.000Z"},"containers":{"cna":` +
				`{"providerMetadata":{"orgId":"` + acme + `","shortName":"acme","dateUpdated":"2026-11-21T21:05:07.000Z"},"rejectedReasons":[{"lang":"en","value":"not a flaw"}]}}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var base []byte
			if tc.base != "" {
				base = []byte(tc.base)
			}
			got, err := Assemble(base, tc.puts)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}

	published := []byte(first)
	elsewhere := cna(1, `{}`)
	elsewhere.ID = "CVE-2026-1"
	for name, tc := range map[string]struct {
		base []byte
		puts []Put
	}{
		"nothing":                          {nil, nil},
		"ADP over nothing":                 {nil, []Put{adp(0, acme, `{}`)}},
		"ADP over a rejection":             {published, []Put{rejected(1), adp(2, acme, `{}`)}},
		"an ADP that rejects":              {published, []Put{{ID: "CVE-2026-310042", Cont: ADP, Rejected: true, Body: []byte(`{}`)}}},
		"another identifier":               {published, []Put{elsewhere}},
		"unknown container":                {published, []Put{{ID: "CVE-2026-310042", Cont: "xyz", Body: []byte(`{}`)}}},
		"no version over nothing":          {nil, []Put{{ID: "CVE-2026-310042", Cont: CNA, Body: []byte(`{}`)}}},
		"a base without containers":        {[]byte(`{"cveMetadata":{}}`), []Put{cna(0, `{}`)}},
		"a base with an object for a list": {[]byte(`{"cveMetadata":{},"containers":{"adp":{}}}`), []Put{cna(0, `{}`)}},
		"a body that is no object":         {published, []Put{cna(0, `[]`)}},
		"a body with something after it":   {published, []Put{cna(0, `{} {}`)}},
	} {
		if got, err := Assemble(tc.base, tc.puts); err == nil {
			t.Errorf("%s: assembled %s", name, got)
		} else {
			var syntax *SyntaxError
			var typ *TypeError
			if !errors.Is(err, ErrAssemble) && !errors.As(err, &syntax) && !errors.As(err, &typ) {
				t.Errorf("%s: untyped %v", name, err)
			}
		}
	}
}

// history draws puts that the log would accept over a published base.
func history(t *rapid.T) []Put {
	var puts []Put
	published := true
	for i := range rapid.IntRange(1, 8).Draw(t, "puts") {
		p := Put{ID: "CVE-2024-0001", Cont: CNA, Org: rapid.SampledFrom([]string{acme, other, CISAADP}).Draw(t, "org"), ShortName: "x",
			At: t0.Add(time.Duration(i) * time.Hour), DataVersion: rapid.SampledFrom([]string{"5.0", "5.1", "5.2.0"}).Draw(t, "version"),
			Body: []byte(fmt.Sprintf(`{"title":"%d","x_n":%d}`, i, i))}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			p.Rejected = true
		case 1, 2:
			if published {
				p.Cont = ADP
			}
		}
		if p.Cont == CNA {
			published = !p.Rejected
		}
		puts = append(puts, p)
	}
	return puts
}

// TestAssembleLaws: assembling in steps equals assembling at once; a put twice is a put once; the result decodes, its
// dateUpdated is the last put's, and what nobody knows survives.
func TestAssembleLaws(t *testing.T) {
	base := []byte(`{"dataType":"CVE_RECORD","dataVersion":"5.1","x_top":{"a":[1.0,"é"]},"cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED",
		"datePublished":"2024-01-01T00:00:00"},"containers":{"cna":{"title":"base"},"adp":[{"providerMetadata":{"orgId":"` + CISAADP + `"},"title":"CISA"}]}}`)
	rapid.Check(t, func(t *rapid.T) {
		puts := history(t)
		all, err := Assemble(base, puts)
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(puts)).Draw(t, "cut")
		step, err := Assemble(base, puts[:cut])
		if err != nil {
			t.Fatal(err)
		}
		if step, err = Assemble(step, puts[cut:]); err != nil || !bytes.Equal(step, all) {
			t.Fatalf("in steps %s %v\nat once  %s", step, err, all)
		}
		last := puts[len(puts)-1]
		again, err := Assemble(all, []Put{last})
		if err != nil || !bytes.Equal(again, all) {
			t.Fatalf("the last put twice: %s %v\nonce:  %s", again, err, all)
		}
		rec, err := Decode(all)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Metadata.DateUpdated != FormatTime(last.At) || rec.Metadata.DatePublished != "2024-01-01T00:00:00" || rec.Metadata.ID != "CVE-2024-0001" {
			t.Fatalf("metadata %+v", rec.Metadata)
		}
		if (rec.Metadata.State == Rejected) != (rec.Metadata.DateRejected != "") || rec.Metadata.State == Rejected && len(rec.Containers.ADP) > 0 {
			t.Fatalf("rejected by halves: %s", all)
		}
		if !bytes.Contains(all, []byte(`"x_top":{"a":[1.0,"é"]}`)) || !jsontext.Value(all).IsValid() {
			t.Fatalf("lost a member: %s", all)
		}
		seen := map[string]bool{}
		for _, adp := range rec.Containers.ADP {
			if seen[adp.Provider.OrgID] {
				t.Fatalf("two ADP containers of one organisation: %s", all)
			}
			seen[adp.Provider.OrgID] = true
		}
	})
}

// FuzzAssemble: whatever base and body are, the result is an error or a record that decodes as JSON and has the id.
func FuzzAssemble(f *testing.F) {
	for _, raw := range samples(f) {
		if len(raw) < 6000 {
			f.Add(raw, []byte(`{"title":"x"}`), true)
		}
	}
	f.Add([]byte(`{"cveMetadata":{"state":"PUBLISHED"},"containers":{"adp":[null,1]}}`), []byte(`{"providerMetadata":null}`), false)
	f.Fuzz(func(t *testing.T, base, body []byte, cna bool) {
		o, err := parseObject(base)
		if err != nil {
			return
		}
		meta, err := parseObject(o.get("cveMetadata"))
		if err != nil {
			return
		}
		p := Put{ID: meta.text("cveId"), Cont: ADP, Org: acme, At: t0, DataVersion: "5.2.0", Body: body}
		if cna {
			p.Cont = CNA
		}
		got, err := Assemble(base, []Put{p})
		if err != nil {
			return
		}
		if !jsontext.Value(got).IsValid() {
			t.Fatalf("not JSON: %s", got)
		}
		again, err := Assemble(got, []Put{p})
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("twice is not once: %s %v\n%s", again, err, got)
		}
	})
}
