package jcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for _, tc := range []struct {
		name, in string
		rule     Rule // "" = canonical
		offset   int
		pointer  string
	}{
		{"empty object", `{}`, "", 0, ""},
		{"members", `{"a":1,"a_b":"x","b":[true,false,{}]}`, "", 0, ""},
		{"largest", `[9007199254740991,-9007199254740991,0]`, "", 0, ""},
		{"deepest", deep, "", 0, ""},
		{"escapes", `"\b\t\n\f\r\"\\\u0000\u001f` + "\x7f/\u2028\U0001F600" + `"`, "", 0, ""},
		{"replacement character itself", "\"\uFFFD\"", "", 0, ""},

		{"nothing", ``, RuleSyntax, 0, ""},
		{"cut short", `{"a":`, RuleSyntax, 5, "/a"},
		{"cut string", `{"a":"x`, RuleSyntax, 5, "/a"},
		{"cut word", `[tru`, RuleSyntax, 1, "/0"},
		{"space", `{"a": 1}`, RuleSpace, 5, "/a"},
		{"line feed at the end", "{}\n", RuleTrailing, 2, ""},
		{"two values", `{}{}`, RuleTrailing, 2, ""},
		{"too deep", "[" + deep + "]", RuleDepth, MaxDepth, strings.Repeat("/0", MaxDepth)},
		{"upper-case key", `{"Ab":1}`, RuleKey, 2, ""},
		{"escaped key", `{"\u0061":1}`, RuleKey, 2, ""},
		{"empty key", `{"":1}`, RuleKey, 2, ""},
		{"unsorted", `{"x":{"b":1,"a":2}}`, RuleOrder, 12, "/x"},
		{"duplicate", `{"a":1,"a":1}`, RuleOrder, 7, ""},
		{"null", `{"a":[1,null]}`, RuleNull, 8, "/a/1"},
		{"fraction", `[1.0]`, RuleNumber, 1, "/0"},
		{"exponent", `1e3`, RuleNumber, 0, ""},
		{"minus zero", `-0`, RuleNumber, 0, ""},
		{"leading zero", `01`, RuleNumber, 0, ""},
		{"2^53", `9007199254740992`, RuleNumber, 0, ""},
		{"very long number", strings.Repeat("9", 400), RuleNumber, 0, ""},
		{"bare minus", `-`, RuleSyntax, 1, ""},
		{"slash escaped", `"\/"`, RuleString, 1, ""},
		{"letter escaped", `"\u0041"`, RuleString, 1, ""},
		{"long escape for tab", `"\u0009"`, RuleString, 1, ""},
		{"upper-case hex", `"\u001F"`, RuleString, 1, ""},
		{"lone surrogate", `"\ud800"`, RuleString, 1, ""},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", RuleString, 1, ""},
		{"invalid UTF-8", "\"a\xff\"", RuleString, 2, ""},
		{"overlong", "\"\xc0\xaf\"", RuleString, 1, ""},
		{"raw control", "\"\t\"", RuleString, 1, ""},
		{"trailing comma", `[1,]`, RuleSyntax, 3, "/1"},
		{"missing colon", `{"a"1}`, RuleSyntax, 4, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Check([]byte(tc.in), 0)
			if tc.rule == "" {
				if err != nil {
					t.Fatalf("Check: %v", err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Check = %v, want rule %s", err, tc.rule)
			}
			if e.Rule != tc.rule || e.Offset != tc.offset || e.Pointer != tc.pointer {
				t.Errorf("got %s at %d %q, want %s at %d %q (%v)", e.Rule, e.Offset, e.Pointer, tc.rule, tc.offset, tc.pointer, err)
			}
		})
	}
}

func TestCheckSize(t *testing.T) {
	if err := Check([]byte(`"12345678"`), 10); err != nil {
		t.Errorf("10 bytes of 10: %v", err)
	}
	var e *Error
	if err := Check([]byte(`"123456789"`), 10); !errors.As(err, &e) || e.Rule != RuleSize {
		t.Errorf("11 bytes of 10: %v", err)
	}
}

func TestCanonical(t *testing.T) {
	type inner struct {
		Z int    `json:"z"`
		A string `json:"a,omitzero"`
	}
	for _, tc := range []struct {
		name string
		in   any
		want string
		rule Rule
	}{
		{"struct members are sorted", struct {
			B []inner        `json:"b"`
			A map[string]int `json:"a"`
		}{[]inner{{1, ""}, {2, "x"}}, map[string]int{"y": 2, "x": 1}}, `{"a":{"x":1,"y":2},"b":[{"z":1},{"a":"x","z":2}]}`, ""},
		{"hand-built", map[string]any{"n": int64(-5), "l": []any{"é\n", true, map[string]string{"k": "v"}}}, "{\"l\":[\"é\\n\",true,{\"k\":\"v\"}],\"n\":-5}", ""},
		{"bytes are base64", struct {
			K []byte `json:"k"`
		}{[]byte{1, 2, 3}}, `{"k":"AQID"}`, ""},
		{"empty list", struct {
			L []string `json:"l"`
		}{}, `{"l":[]}`, ""},
		{"small integer types", []uint8{}, `""`, ""},
		{"uint16", uint16(7), `7`, ""},
		{"null inside", map[string]any{"a": nil}, "", RuleNull},
		{"nil pointer", struct {
			P *int `json:"p"`
		}{}, "", RuleNull},
		{"fraction", map[string]any{"a": 1.5}, "", RuleNumber},
		{"too large", int64(MaxInt + 1), "", RuleNumber},
		{"too large for int64", uint64(1 << 63), "", RuleNumber},
		{"upper-case key", map[string]any{"A": 1}, "", RuleKey},
		{"bad text", []any{"\xff"}, "", RuleString},
		{"bad text in a struct", inner{A: "\xff"}, "", RuleType},
		{"too deep", []any{[]any{[]any{[]any{[]any{[]any{[]any{[]any{[]any{}}}}}}}}}, "", RuleDepth},
		{"function", func() {}, "", RuleType},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Canonical(tc.in)
			if tc.rule != "" {
				var e *Error
				if !errors.As(err, &e) || e.Rule != tc.rule {
					t.Fatalf("Canonical = %s, %v; want rule %s", got, err, tc.rule)
				}
				return
			}
			if err != nil || string(got) != tc.want {
				t.Fatalf("Canonical = %s, %v; want %s", got, err, tc.want)
			}
			if err := Check(got, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorsPointToTheValue(t *testing.T) {
	_, err := Canonical(map[string]any{"a": []any{1, map[string]any{"b": 0.5}}})
	var e *Error
	if !errors.As(err, &e) || e.Pointer != "/a/1/b" {
		t.Errorf("got %v, want it at /a/1/b", err)
	}
	var into struct {
		A struct {
			N int `json:"n"`
		} `json:"a"`
	}
	for raw, want := range map[string]string{`{"a":{"n":"x"}}`: "/a/n", `{"a":{"n":1,"o":2}}`: "/a/o", `{"a":{"n":1.5}}`: "/a/n"} {
		if err := Decode([]byte(raw), &into); !errors.As(err, &e) || e.Pointer != want {
			t.Errorf("Decode(%s) = %v, want it at %s", raw, err, want)
		}
	}
}

func TestDecodeKeepsWhatTheTypeKeeps(t *testing.T) {
	var m map[string]any
	if err := Decode([]byte(`{"a":{"new":true}}`), &m); err != nil || m["a"].(map[string]any)["new"] != true {
		t.Errorf("Decode = %v, %v", m, err)
	}
}

func TestFromJSON(t *testing.T) {
	got, err := FromJSON([]byte(" {\"b\" : \"\\u0041\\/\", \"a\":[ ]}\n"))
	if want := `{"a":[],"b":"A/"}`; err != nil || string(got) != want {
		t.Errorf("FromJSON = %s, %v; want %s", got, err, want)
	}
	for in, rule := range map[string]Rule{
		`{"a":1,"a":2}`: RuleOrder, `{"a":1e2}`: RuleNumber, `[null]`: RuleNull, `{"A":1}`: RuleKey, `[1`: RuleSyntax,
		`"\ud800"`: RuleSyntax, "\"\xff\"": RuleSyntax, `1 2`: RuleTrailing, strings.Repeat("[", 100000): RuleDepth,
	} {
		var e *Error
		if _, err := FromJSON([]byte(in)); !errors.As(err, &e) || e.Rule != rule {
			t.Errorf("FromJSON(%.20s) = %v, want rule %s", in, err, rule)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(w *Writer)
		rule Rule
	}{
		"unsorted keys": {func(w *Writer) {
			w.Object()
			w.Key("b")
			w.Int(1)
			w.Key("a")
			w.Int(1)
			w.EndObject()
		}, RuleOrder},
		"same key twice": {func(w *Writer) {
			w.Object()
			w.Key("b")
			w.Int(1)
			w.Key("b")
			w.Int(1)
			w.EndObject()
		}, RuleOrder},
		"value without key":  {func(w *Writer) { w.Object(); w.Int(1); w.EndObject() }, RuleSyntax},
		"key without value":  {func(w *Writer) { w.Object(); w.Key("a"); w.EndObject() }, RuleSyntax},
		"two keys":           {func(w *Writer) { w.Object(); w.Key("a"); w.Key("b") }, RuleSyntax},
		"key in a list":      {func(w *Writer) { w.Array(); w.Key("a") }, RuleSyntax},
		"not closed":         {func(w *Writer) { w.Object() }, RuleSyntax},
		"closed otherwise":   {func(w *Writer) { w.Object(); w.EndArray() }, RuleSyntax},
		"closed twice":       {func(w *Writer) { w.Object(); w.EndObject(); w.EndObject() }, RuleSyntax},
		"two values":         {func(w *Writer) { w.Int(1); w.Int(2) }, RuleTrailing},
		"nothing":            {func(w *Writer) {}, RuleSyntax},
		"raw not canonical":  {func(w *Writer) { w.Array(); w.Raw([]byte(`{"a": 1}`)); w.EndArray() }, RuleSpace},
		"raw two values":     {func(w *Writer) { w.Raw([]byte(`1,2`)) }, RuleTrailing},
		"raw too deep here":  {func(w *Writer) { w.Array(); w.Raw([]byte(`[[[[[[[[]]]]]]]]`)); w.EndArray() }, RuleDepth},
		"text that is bytes": {func(w *Writer) { w.String("\xfe") }, RuleString},
	} {
		t.Run(name, func(t *testing.T) {
			var w Writer
			tc.do(&w)
			b, err := w.Bytes()
			var e *Error
			if !errors.As(err, &e) || e.Rule != tc.rule {
				t.Errorf("Bytes = %s, %v; want rule %s", b, err, tc.rule)
			}
		})
	}
}

// writeLeaf is the shape that the Writer and Reader exist for.
func writeLeaf(w *Writer, buf []byte) ([]byte, error) {
	w.Reset(buf)
	w.Object()
	w.Key("e")
	w.Raw([]byte(sampleEvent))
	w.Key("o")
	w.Object()
	w.Key("back")
	w.Int(73110)
	w.Key("t")
	w.String("2026-11-21T21:00:08.310Z")
	w.EndObject()
	w.Key("s")
	w.Array()
	w.EndArray()
	w.EndObject()
	return w.Bytes()
}

const sampleEvent = `{"at":"2026-11-21T21:00:07.000Z","body":{"h":"5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e","n":6412},` +
	`"by":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","id":"CVE-2026-310042","kind":"record.imported/1","list":"9c1f0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e5b1c0f2e"}`

func TestWriteThenRead(t *testing.T) {
	var w Writer
	raw, err := writeLeaf(&w, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(raw, 16384)
	if err != nil {
		t.Fatal(err)
	}
	var event, at string
	var back int64
	sigs := 0
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "e":
			event = string(r.Raw())
		case "o":
			for r.Enter('{'); r.Next(); {
				switch r.Key() {
				case "back":
					back = r.Int()
				case "t":
					at = r.String()
				default:
					r.Unknown()
				}
			}
		case "s":
			for r.Enter('['); r.Next(); sigs++ {
				r.Raw()
			}
		default:
			r.Unknown()
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if event != sampleEvent || at != "2026-11-21T21:00:08.310Z" || back != 73110 || sigs != 0 {
		t.Errorf("read %s, %s, %d, %d signatures", event, at, back, sigs)
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in      string
		do      func(r *Reader)
		pointer string
	}{
		"wrong kind": {`{"a":[1,"x"]}`, func(r *Reader) {
			r.Enter('{')
			r.Next()
			r.Enter('[')
			r.Next()
			r.Int()
			r.Next()
			r.Int()
		}, "/a/1"},
		"unknown member":  {`{"a":1}`, func(r *Reader) { r.Enter('{'); r.Next(); r.Unknown() }, "/a"},
		"value left out":  {`{"a":1,"b":2}`, func(r *Reader) { r.Enter('{'); r.Next(); r.Next() }, "/a"},
		"value twice":     {`[1,2]`, func(r *Reader) { r.Enter('['); r.Next(); r.Int(); r.Int() }, "/0"},
		"not to the end":  {`[1,2]`, func(r *Reader) { r.Enter('['); r.Next(); r.Int() }, "/0"},
		"past the end":    {`true`, func(r *Reader) { r.Bool(); r.Bool() }, ""},
		"list for object": {`[]`, func(r *Reader) { r.Enter('{') }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewReader([]byte(tc.in), 0)
			if err != nil {
				t.Fatal(err)
			}
			tc.do(r)
			var e *Error
			if err := r.End(); !errors.As(err, &e) || e.Rule != RuleType || e.Pointer != tc.pointer {
				t.Errorf("End = %v, want it at %q", err, tc.pointer)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	raw, _ := writeLeaf(new(Writer), nil)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(raw, 16384); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteLeaf(b *testing.B) {
	var w Writer
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = writeLeaf(&w, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStdlibCompact(b *testing.B) { // the yardstick of BenchmarkCheck
	raw, _ := writeLeaf(new(Writer), nil)
	b.SetBytes(int64(len(raw)))
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := json.Compact(&out, raw); err != nil {
			b.Fatal(err)
		}
	}
}
