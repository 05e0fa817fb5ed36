package cve

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecodeLoose(t *testing.T) {
	const doc = `{"cveMetadata":{"cveId":"CVE-2024-0001","assignerShortName":["a"]},"containers":{"cna":{"title":5,"tags":["x",{"y":[1]},"z"],
		"metrics":[{"cvssV3_1":{"baseScore":"9.8","vectorString":"v"}}]},"adp":"none"}}`
	rec, misfits, err := DecodeLoose([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	cna := rec.Containers.CNA
	if rec.Metadata.ID != "CVE-2024-0001" || cna.Title != "" || strings.Join(cna.Tags, ",") != "x,,z" || cna.Metrics[0].CVSSv31.VectorString != "v" || rec.Containers.ADP != nil {
		t.Errorf("read %+v", rec)
	}
	want := []struct{ pointer, at string }{
		{"/cveMetadata/assignerShortName", `["a"]`}, {"/containers/cna/title", `5`}, {"/containers/cna/tags/1", `{"y"`},
		{"/containers/cna/metrics/0/cvssV3_1/baseScore", `"9.8"`}, {"/containers/adp", `"none"`},
	}
	if len(misfits) != len(want) {
		t.Fatalf("%d misfits: %v", len(misfits), misfits)
	}
	for i, w := range want {
		if m := misfits[i]; m.Pointer != w.pointer || !strings.HasPrefix(doc[m.Offset:], w.at) {
			t.Errorf("misfit %d: %v", i, m)
		}
	}

	for _, bad := range []string{"", "[]", "null", `{"a":1,"a":2}`, `{"dataType":1} x`} {
		if rec, _, err := DecodeLoose([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, rec)
		}
	}
	many := `{"containers":{"cna":{"tags":[` + strings.TrimSuffix(strings.Repeat("1,", maxLoose+1), ",") + `]}}}`
	var typ *TypeError
	if _, misfits, err := DecodeLoose([]byte(many)); !errors.As(err, &typ) || len(misfits) != maxLoose {
		t.Errorf("%d misfits, %v", len(misfits), err)
	}
}

// A large document with many misfits costs about as much as one with a single one: it is not read anew for each.
func TestManyMisfitsTakeOnePass(t *testing.T) {
	document := func(misfits int) []byte {
		return []byte(`{"containers":{"cna":{"tags":[` + strings.Repeat("1,", misfits) + `"x"],"descriptions":[` +
			strings.Repeat(`{"lang":"en","value":"A flaw in a product."},`, 20000) + `{"lang":5}]}}}`)
	}
	least := func(raw []byte, misfits int) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			rec, found, err := DecodeLoose(raw)
			if err != nil || len(found) != misfits+1 || len(rec.Containers.CNA.Descriptions) != 20001 || len(rec.Containers.CNA.Tags) != misfits+1 {
				t.Fatalf("%d misfits, %v", len(found), err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	one, many := least(document(0), 0), least(document(maxLoose-1), maxLoose-1)
	if many > 10*one {
		t.Errorf("%v for one misfit, %v for %d", one, many, maxLoose)
	}
}

// FuzzDecodeLoose: it takes what Decode takes, with the same values and no misfits, and refuses nothing well-formed that
// is an object, short of the bound.
func FuzzDecodeLoose(f *testing.F) {
	f.Add([]byte(`{"containers":{"cna":{"title":5,"tags":["x",{"y":[1]},"z"],"metrics":[{"cvssV3_1":{"baseScore":1e999}}]},"adp":"none"}}`))
	f.Add([]byte(`{"cveMetadata":[],"containers":{"adp":[1,[],{"metrics":{}}]}}`))
	f.Add([]byte(`{"cveMetadata":[],"containers":{"adp":[1,[],{"metrics":{`))
	f.Add([]byte(`{"a/b~c":{"":1},"dataType":{"a":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		strict, strictErr := Decode(raw)
		loose, misfits, err := DecodeLoose(raw)
		if strictErr == nil && (err != nil || len(misfits) != 0 || !reflect.DeepEqual(strict, loose)) {
			t.Fatalf("strict takes it, loose says %v %v", misfits, err)
		}
		var typ *TypeError
		if errors.As(strictErr, &typ) && typ.Pointer != "" && err != nil && len(misfits) < maxLoose {
			t.Fatalf("refused after %d misfits: %v", len(misfits), err)
		}
	})
}
