package portal

import (
	"reflect"
	"strings"
	"testing"

	"tasuki/internal/authority"
)

func TestPatterns(t *testing.T) {
	text := "vendor=Acme; product=Rocket*\nnamespace=npm/@acme\npurl=pkg:pypi/acme*; derived\n" + `vendor=" a;b "; cpe=cpe:2.3:a:acme:*`
	want := []authority.Match{{Vendor: "Acme", Product: "Rocket*"}, {Namespace: "npm/@acme"}, {PURL: "pkg:pypi/acme*", Derived: true}, {Vendor: " a;b ", CPE: "cpe:2.3:a:acme:*"}}
	got, line := parsePatterns(text)
	if line != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("line %d: %+v", line, got)
	}
	if out := formatPatterns(got); out != text {
		t.Errorf("%s", out)
	}
	if got, line := parsePatterns("\n  \nVENDOR = acme ;\r\n"); line != 0 || !reflect.DeepEqual(got, []authority.Match{{Vendor: "acme"}}) {
		t.Errorf("line %d: %+v", line, got)
	}
	for _, bad := range []string{"acme", "vendor=", "vendor=a; vendor=b", "colour=red", "derived", `vendor="a`, `vendor="a"b`, "vendor=a;;", "=x"} {
		if got, line := parsePatterns("vendor=ok\n" + bad); line != 2 {
			t.Errorf("%q: line %d, %+v", bad, line, got)
		}
	}
}

// FuzzPatterns: what is read is written as what is read again, and what is written of any patterns is read as them.
func FuzzPatterns(f *testing.F) {
	f.Add("vendor=Acme; product=Rocket*\nnamespace=npm/@acme", "a;b", "\"")
	f.Add(`vendor=" a;b "; derived`, "", "x=y")
	f.Add("vendor=a; =", "\n", "é\x00\xff")
	f.Fuzz(func(t *testing.T, text, vendor, product string) {
		if list, line := parsePatterns(text); line == 0 {
			again, line := parsePatterns(formatPatterns(list))
			if line != 0 || !reflect.DeepEqual(list, again) {
				t.Fatalf("%q: %+v, then %+v", text, list, again)
			}
		}
		if vendor+product == "" || strings.ToValidUTF8(vendor+product, "") != vendor+product {
			return // a form holds UTF-8
		}
		list := []authority.Match{{Vendor: vendor, Product: product, Derived: len(vendor)%2 == 0}}
		again, line := parsePatterns(formatPatterns(list))
		if line != 0 || !reflect.DeepEqual(list, again) {
			t.Fatalf("%+v is written %q and read %+v", list, formatPatterns(list), again)
		}
	})
}
