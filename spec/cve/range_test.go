package cve

import "testing"

func TestRange(t *testing.T) {
	for _, test := range []struct {
		v    Version
		want string
	}{
		{Version{Version: "0", LessThan: "2023.11.4"}, "< 2023.11.4"},
		{Version{Version: "1.0", LessThan: "1.2"}, "1.0 … < 1.2"},
		{Version{Version: "1.0", LessThanOrEqual: "1.2"}, "1.0 … ≤ 1.2"},
		{Version{Version: "unspecified", LessThanOrEqual: "1.2"}, "≤ 1.2"},
		{Version{Version: "1.2", LessThan: "1.2"}, "< 1.2"},
		{Version{Version: "3", LessThan: "*"}, "≥ 3"},
		{Version{Version: "0", LessThanOrEqual: "*"}, ""},
		{Version{Version: "2.1"}, "2.1"},
		{Version{Version: "0"}, "0"},
		{Version{Version: "n/a"}, ""},
		{Version{}, ""},
	} {
		if got := test.v.Range(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.v, got, test.want)
		}
	}
}
