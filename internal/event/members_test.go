package event

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const hash = `"9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013"`

// sample is a value of each member as it is written.
var sample = map[string]string{
	"alias": `"GCVE-1-2026-0001"`, "at": `"2026-11-21T21:00:07.120Z"`, "base": "true", "body": `{"h":` + hash + `,"n":5}`, "by": `"b"`, "case": `"c"`, "charter": hash, "cont": `"adp"`,
	"counts": `{"added":2,"stale":1}`, "dates": `{"published":"p","updated":"u"}`, "digest": hash, "due": `"2026-11-24T21:00:07.120Z"`,
	"dues": `[{"at":"2026-11-24T21:00:07.120Z","for":"a.b"},{"at":"2026-11-25T21:00:07.120Z","for":"c"}]`, "dv": `"5.2.0"`,
	"epoch": "2", "first": "1", "from": `"f"`, "grant": `"g"`, "id": `"CVE-2026-1234"`, "ids": `["CVE-2026-1","CVE-2026-2"]`, "key": `"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`, "label": `"node-eu"`, "last": "20000", "leaf": "0",
	"level": `"root"`, "list": hash, "mode": `"self"`, "org": `"o"`, "outcome": `"valid"`, "owner": hash, "pack": `"4.2.0"`, "parent": `"p"`, "prev": hash, "reason": `"r"`,
	"reserved": `"2026-11-20T21:00:07.120Z"`, "role": `"CNA"`, "root": hash, "sample": "true", "short": `"acme"`, "size": "7",
	"skips": `{"2026":{"general":2,"priority":1}}`, "source": `"s"`, "source_time": `"2026-11-20T21:00:07.120Z"`, "state": `"PUBLISHED"`, "to": `"t"`, "use": `"recovery"`,
	"valid_from": `"2026-11-20T21:00:07.120Z"`, "valid_to": `"2027-11-20T21:00:07.120Z"`, "year": "2026",
}

// written is an event of kind k with the members that keep chooses.
func written(k Kind, keep func(key string) bool) string {
	var parts []string
	for _, m := range members {
		v := sample[m.key]
		switch {
		case m.key == "kind":
			v = `"` + string(k) + `"`
		case m.key == "body" && k == PrivateFact:
			v = `{"h":` + hash + `}`
		}
		if m.common || keep(m.key) {
			parts = append(parts, `"`+m.key+`":`+v)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// The tables of members and kinds agree: keys in canonical order, no rule about a member that there is not.
func TestTables(t *testing.T) {
	var keys []string
	for _, m := range members {
		keys = append(keys, m.key)
	}
	if !slices.IsSorted(keys) || len(byKey) != len(keys) {
		t.Errorf("members are not in the order of their keys: %q", keys)
	}
	for k, r := range rules {
		for _, name := range slices.Concat(r.must, r.may) {
			if m := byKey[name]; m == nil || m.common {
				t.Errorf("%s: there is no member %q to have", k, name)
			}
		}
	}
}

// Every kind with all the members it may have, and with those alone that it must have, is read and written the same; without
// one that it must have, or with one that it may not have, it is malformed.
func TestEveryKind(t *testing.T) {
	for k, r := range rules {
		allowed := func(key string) bool { return slices.Contains(r.must, key) || slices.Contains(r.may, key) }
		required := func(key string) bool { return slices.Contains(r.must, key) || key == "size" && k == EpochOpened }
		for _, raw := range []string{written(k, allowed), written(k, required)} {
			e, err := Parse([]byte(raw))
			if err != nil {
				t.Fatalf("%s: %v\n%s", k, err, raw)
			}
			if again, err := e.Marshal(); err != nil || string(again) != raw {
				t.Errorf("%s: written again (%v)\n%s\n%s", k, err, again, raw)
			}
		}
		for _, m := range members {
			var raw string
			switch {
			case m.common || m.key == "size":
				continue
			case slices.Contains(r.must, m.key):
				raw = written(k, func(key string) bool { return key != m.key && allowed(key) })
			case !allowed(m.key):
				raw = written(k, func(key string) bool { return key == m.key || allowed(key) })
			default:
				continue
			}
			if _, err := Parse([]byte(raw)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), m.key) {
				t.Errorf("%s and %s: %v", k, m.key, err)
			}
		}
	}
}

// The page of the log tells every kind with every member.
func TestKindsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocols/log.md")
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`[a-z_]+`)
	for k, r := range rules {
		row := ""
		for line := range strings.Lines(string(page)) {
			if strings.HasPrefix(line, "| ") && strings.Contains(line, "`"+string(k)+"`") {
				row += line
			}
		}
		told := word.FindAllString(row, -1)
		for _, m := range slices.Concat(r.must, r.may) {
			if m != "body" && !slices.Contains(told, m) {
				t.Errorf("the page does not tell %s of %s: %q", m, k, row)
			}
		}
		if body := slices.Contains(slices.Concat(r.must, r.may), "body"); row == "" || body == strings.HasSuffix(row, "| – |\n") {
			t.Errorf("the page tells of %s: %q", k, row)
		}
	}
}
