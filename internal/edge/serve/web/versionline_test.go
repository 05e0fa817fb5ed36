package web

import (
	"strings"
	"testing"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

func TestCompareVersions(t *testing.T) {
	ascending := []string{"0", "1.0-alpha", "1.0-rc1", "1.0-rc.2", "1.0", "1.0-p1", "1.0.1", "1.2", "1.10", "1.10.*", "v2", "10.2.9-h11", "10.2.10", "2023.11.4"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := compareVersions(a, b), sign(i-j); got != want {
				t.Errorf("%s and %s: %d, want %d", a, b, got, want)
			}
		}
	}
	if compareVersions("2.0", "2.0.0") != 0 || compareVersions("v1.02", "1.2") != 0 {
		t.Error("the same version in two spellings has two places")
	}
	for _, bad := range []string{"", "n/a", "Utah Patch 10", "< 1.2", "1.0 beta", "*", "1.*.2", "１"} {
		if _, ok := versionKey(bad); ok {
			t.Errorf("%q is taken for a version", bad)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestVersionLine(t *testing.T) {
	p, _ := product(i18n.English, &cve.Affected{Product: "TeamCity", DefaultStatus: "unaffected", Versions: []cve.Version{
		{Version: "0", LessThan: "2022.10.5", Status: "affected"},
		{Version: "2023.1", LessThanOrEqual: "2023.11.3", Status: "affected"},
		{Version: "2024.1", LessThan: "*", Status: "unaffected"},
	}}, "")
	d := p.Line
	if d == nil || d.Steps != 5 || d.Lanes != 1 || len(d.Marks) != 4 || len(d.Bars) != 3 {
		t.Fatalf("%+v", d)
	}
	for i, want := range []record.Bar{
		{Status: "affected", From: 0, To: 1, First: true},
		{Status: "affected", From: 2, To: 3, Inclusive: true},
		{Status: "unaffected", From: 4, To: 5, Open: true},
	} {
		if d.Bars[i] != want {
			t.Errorf("bar %d: %+v, want %+v", i, d.Bars[i], want)
		}
	}
	for name, versions := range map[string][]cve.Version{
		"commits":      {{Version: "520b7aa00d8c", LessThan: "1050727d83e7", Status: "affected", VersionType: "git"}},
		"words":        {{Version: "0", LessThan: "Utah Patch 10", Status: "affected"}},
		"single":       {{Version: "1.0", Status: "affected"}, {Version: "1.1", Status: "affected"}},
		"nothing":      nil,
		"every":        {{Version: "*", Status: "affected"}},
		"many overlap": overlapping(maxLanes + 1),
	} {
		if p, _ := product(i18n.English, &cve.Affected{Product: "p", Versions: versions}, ""); p.Line != nil {
			t.Errorf("%s are drawn: %+v", name, p.Line)
		}
	}
}

func overlapping(n int) (out []cve.Version) {
	for i := range n {
		out = append(out, cve.Version{Version: "1." + strings.Repeat("1", i+1), LessThan: "9", Status: "affected"})
	}
	return out
}

// FuzzCompareVersions: the order is one: it is the same from both sides, and of three versions none is before itself by way of
// another.
func FuzzCompareVersions(f *testing.F) {
	f.Add("1.0", "1.0-rc1", "1.0.*")
	f.Add("2.0", "2.0.0", "v2")
	f.Add("1a", "1.b", "1-2a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, v := range []string{a, b, c} {
			if _, ok := versionKey(v); !ok {
				return
			}
		}
		ab, bc, ac := compareVersions(a, b), compareVersions(b, c), compareVersions(a, c)
		if ab != -compareVersions(b, a) || compareVersions(a, a) != 0 {
			t.Fatalf("%q and %q: %d and %d", a, b, ab, compareVersions(b, a))
		}
		if ab <= 0 && bc <= 0 && ac > 0 || ab == 0 && bc == 0 && ac != 0 {
			t.Fatalf("%q %q %q: %d %d %d", a, b, c, ab, bc, ac)
		}
	})
}
