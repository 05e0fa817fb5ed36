package charter

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"tasuki/spec/jcs"
)

// The wording is read in the diff; that nothing is left unsaid is the law of TestEveryChangeIsSaid and of FuzzChain.
func TestChanges(t *testing.T) {
	c, _ := found(t)
	full := fullCharter(t)
	third := mustAmend(t, full, func(n *Charter) {
		n.Board.Keys[2] = BoardSeat{"b4", "Body D", pubText(4)}
		n.Board.Keys[1].Holder = "株式会社 B 改め"
		n.Mandate.Until = "2031-11-20"
		n.Names = []string{"cve.example"}
		n.Features = append(n.Features, FeatureEvents3)
		n.Reason = "Body C leaves"
	})
	fourth := mustAmend(t, third, func(n *Charter) {
		n.Operator.Slug, n.Operator.URL, n.Operator.Key, n.Operator.Epoch = "third", "https://list.third.example", pubText(firstLog+2), 3
		n.Mirrors = &Mirrors{Q: 4, F: 1, List: append(n.Mirrors.List[1:], Mirror{mirrorKey(t, "m4.example", 14), "https://m4.example"},
			Mirror{mirrorKey(t, "m5.example", 15), "https://m5.example"}, Mirror{mirrorKey(t, "m6.example", 16), "https://m6.example"})}
		n.Policy = "witness w1 " + mirrorKey(t, "w1", 13) + " https://w1.example\nwitness w2 " + mirrorKey(t, "w2", 17) + "\nwitness w3 " +
			mirrorKey(t, "w3", 18) + "\ngroup some any w2 w3\ngroup W all w1 some\nquorum W\n"
		n.Emergency = nil
		n.Reason = "a new \u202eoperator"
	})
	for _, lang := range []string{"en", "ja"} {
		var b strings.Builder
		for _, pair := range [][2]*Document{{c.Genesis(), full}, {full, third}, {third, fourth}, {full, fourth}, {full, full}} {
			for _, line := range Changes(pair[0], pair[1], lang) {
				if strings.Contains(line, "%!") || strings.ContainsAny(line, "\n\u202e") {
					t.Errorf("%s: %q", lang, line)
				}
				b.WriteString(line + "\n")
			}
			b.WriteString("\n")
		}
		golden := "testdata/changes." + lang + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", lang, b.String(), want)
		}
	}
}

// mustAmend is a document after old, unsigned.
func mustAmend(t testing.TB, old *Document, change func(*Charter)) *Document {
	t.Helper()
	c := chainOf(old)
	if old.charter.V > 1 {
		c, _ = found(t)
		c = chainOf(c.Genesis(), old)
	}
	d, err := c.Amend(clock, change)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// unsaid says what differs between two charters although their changes say that nothing does, or the other way round.
func unsaid(t testing.TB, old, next *Document) string {
	// Of every charter new by itself, or said apart from the changes.
	same := func(c Charter) string {
		c.V, c.Prev, c.Genesis, c.Issued, c.Reason, c.ContinueAt = 0, "", "", "", "", nil
		raw, err := jcs.Canonical(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	nothing := false
	for _, line := range Changes(old, next, "en") {
		nothing = nothing || line == englishChanges.nothing
	}
	if a, b := same(old.charter), same(next.charter); (a == b) != nothing {
		return a + "\n" + b
	}
	return ""
}

func TestEveryChangeIsSaid(t *testing.T) {
	full := fullCharter(t)
	for name, change := range map[string]func(*Charter){
		"nothing":           func(*Charter) {},
		"the order of keys": func(n *Charter) { k := n.Board.Keys; k[0], k[1] = k[1], k[0] },
		"the order of mirrors": func(n *Charter) {
			k := n.Mirrors.List
			k[0], k[1] = k[1], k[0]
		},
		"the order of names": func(n *Charter) { n.Names[0], n.Names[1] = n.Names[1], n.Names[0] },
		"a mirror's key":     func(n *Charter) { n.Mirrors.List[0].VKey = mirrorKey(t, "m1.example", 30) },
		"a mirror's address": func(n *Charter) { n.Mirrors.List[0].URL = "https://elsewhere.example" },
		"the quorum":         func(n *Charter) { n.Mirrors.Q = 3 },
		"a comment":          func(n *Charter) { n.Policy = "# hello\n" + n.Policy },
		"a witness's key":    func(n *Charter) { n.Policy = "witness w1 " + mirrorKey(t, "w1", 31) + "\nquorum w1\n" },
		"the policy's rule":  func(n *Charter) { n.Policy = strings.Replace(n.Policy, "quorum w1", "quorum none", 1) },
		"no policy":          func(n *Charter) { n.Policy = "" },
		"no mirrors":         func(n *Charter) { n.Mirrors = nil },
		"no escrow":          func(n *Charter) { n.Escrow = nil },
		"no mandate":         func(n *Charter) { n.Mandate = nil },
		"the emergency":      func(n *Charter) { n.Emergency.SilenceDays++ },
		"the notice":         func(n *Charter) { n.Emergency.NoticeHours++ },
		"the emergency keys": func(n *Charter) { n.Board.Emergency = 2 },
		"the list's name":    func(n *Charter) { n.ListName = "other" },
		"the organisation":   func(n *Charter) { n.Operator.Org = "e064dded-ffc9-4771-a749-75235cb1856c" },
		"the log key":        func(n *Charter) { n.Operator.Key = pubText(firstLog + 5) },
		"the epoch":          func(n *Charter) { n.Operator.Epoch++ },
		"test":               func(n *Charter) { n.Test = true },
		"a reason only":      func(n *Charter) { n.Reason = "because" },
	} {
		if said := unsaid(t, full, mustAmend(t, full, change)); said != "" {
			t.Errorf("%s: said and done differ\n%s", name, said)
		}
	}
}

// A word that is missing in a language would be an empty line for whoever signs.
func TestNoWordIsMissing(t *testing.T) {
	for _, w := range []any{english, japanese, englishChanges, japaneseChanges} {
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s.%s is empty", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
}
