package cve

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// slow is what Decode does when the scanner gives up.
func slow(raw []byte) (*Record, error) {
	rec := new(Record)
	if err := decodeInto(raw, rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// TestScannerAgrees: over the samples the scanner never gives up, and reads what the library reads.
func TestScannerAgrees(t *testing.T) {
	for name, raw := range samples(t) {
		want, err := slow(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := new(Record)
		if !decodeFast(raw, got) {
			t.Errorf("%s: the scanner gave up", name)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

// TestScannerArchive is the same over the big archive; all of its records must take the fast way.
func TestScannerArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records: not in -short")
	}
	eachInZip(t, sharedData(t, "cvelist/vulnrichment-cve5.zip"), func(name string, raw []byte) {
		want, err := slow(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		got := new(Record)
		if !decodeFast(raw, got) {
			t.Errorf("%s: the scanner gave up", name)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the scanner reads something else", name)
		}
	})
}

// TestScannerKnowsAll fills every field of every type, so that a member that members.go forgot shows.
func TestScannerKnowsAll(t *testing.T) {
	var rec Record
	n := 0
	fill(reflect.ValueOf(&rec).Elem(), &n)
	raw, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	got := new(Record)
	if !decodeFast(raw, got) {
		t.Fatal("the scanner gave up")
	}
	if !reflect.DeepEqual(*got, rec) {
		t.Errorf("read\n%+v\nwant\n%+v", *got, rec)
	}
	if n < 90 {
		t.Errorf("only %d fields were filled", n)
	}
}

// fill gives every field a value of its own.
func fill(v reflect.Value, n *int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 { // jsontext.Value
			*n++
			v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, *n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		*n++
		v.SetString(fmt.Sprintf("value %d", *n))
	case reflect.Bool:
		*n++
		v.SetBool(true)
	case reflect.Float64:
		*n++
		v.SetFloat(float64(*n) / 8)
	default:
		panic("no value for " + v.Type().String())
	}
}

func TestScannerEdges(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		fast     bool
	}{
		{"empty object", `{}`, true},
		{"white space of all kinds", "\r\n\t {\r\n\t }\n", true},
		{"nulls", `{"dataType":null,"cveMetadata":null,"containers":{"cna":null,"adp":[null,{}]}}`, true},
		{"empty lists", `{"containers":{"cna":{"descriptions":[],"tags":[],"references":[null]},"adp":[]}}`, true},
		{"null in a list of strings", `{"containers":{"cna":{"tags":[null,"x"]}}}`, true},
		{"null content", `{"containers":{"cna":{"metrics":[{"other":{"content":null}}]}}}`, true},
		{"null metric", `{"containers":{"cna":{"metrics":[{"cvssV3_1":null,"other":null}]}}}`, true},
		{"escapes", `{"dataType":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00b"}`, true},
		{"non-ASCII", `{"dataType":"日本語 – é"}`, true},
		{"numbers", `{"x_n":[0,-0,1.5,-1e9,2E+3,1e-7,0.0],"containers":{"cna":{"metrics":[{"cvssV3_1":{"baseScore":9.8e0}}]}}}`, true},
		{"literals in a member we skip", `{"x_n":[true,false,null]}`, true},
		{"content keeps its white space", `{"containers":{"cna":{"metrics":[{"other":{"content":{ "a" : [ 1 ] } }}]}}}`, true},
		{"same name in different objects", `{"x_a":{"a":1},"x_b":{"a":1,"b":{"a":2}}}`, true},
		{"same first bytes and length", `{"x_abcdefgh1":1,"x_abcdefgh2":1}`, true},

		{"escaped name", `{"\u0064ataType":"x"}`, false},
		{"non-ASCII name", `{"x_é":1}`, false},
		{"many members", `{` + strings.TrimSuffix(manyMembers(300), ",") + `}`, false},
		{"very deep", `{"x_a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want, err := slow([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			got := new(Record)
			if fast := decodeFast([]byte(tc.in), got); fast != tc.fast {
				t.Errorf("the scanner says %v", fast)
			}
			if got, err = Decode([]byte(tc.in)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("read %+v %v\nwant %+v", got, err, want)
			}
		})
	}
	for _, bad := range []string{`{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`, `{"a":tru}`,
		`{"a":nul}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\n\"}", "{\"a\":\"\xc3\"}", `{"a":"`, `{"a":"\`, `{"a":"\"`,
		`{"a":1}}`, `{"a":1} {}`, "{\"a\":1}\x00", "\x00{}", `{"a":1`, `{"a`, `{`, `{"a":NaN}`, `{"a":'x'}`, `{"abcdefghij":1,"abcdefghij":2}`, "{\"a\":\"\xed\xa0\x80\"}",
		`{"dataType":1}`, `{"containers":[]}`, `{"containers":{"cna":{"tags":"x"}}}`, `{"containers":{"cna":{"metrics":[[]]}}}`, `{"containers":{"cna":{"metrics":[{"other":[]}]}}}`} {
		if decodeFast([]byte(bad), new(Record)) {
			t.Errorf("the scanner takes %q", bad)
		}
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("Decode takes %q", bad)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"x_%d":1,`, i)
	}
	return b.String()
}

// FuzzScanner: what the scanner takes, the library takes, with the same values.
func FuzzScanner(f *testing.F) {
	for _, raw := range samples(f) {
		if len(raw) < 8000 {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"dataType":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00b","x_n":[0,-0,1.5,-1e9,2E+3],"containers":{"cna":{"tags":[null,"日"],"metrics":[{"other":{"content":null}}]}}}`))
	f.Add([]byte(`{"x_abcdefgh1":1,"x_abcdefgh2":{"a":1,"a":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := new(Record)
		if !decodeFast(raw, got) {
			return
		}
		want, err := slow(raw)
		if err != nil {
			t.Fatalf("the scanner takes what the library refuses: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read\n%+v\nwant\n%+v", got, want)
		}
	})
}
