package web

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/web/i18n"
)

func base64Of(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// opens serves a page about a made-up keeping, and gives the words of its content.
func (k *keepingOf) opens(t *testing.T, path string, header ...string) (*sheet, string) {
	t.Helper()
	w := empty(t)
	p := fetch(t, handlerKept(w, newLedger(t, w.list), intakeOf{}, k), path, header...)
	if p.status != http.StatusOK {
		t.Fatalf("%s: %d", path, p.status)
	}
	return p, p.one(t, "main").words()
}

func says(t *testing.T, words string, want ...string) {
	t.Helper()
	for _, w := range want {
		// Elements stand beside each other without a space between.
		if !strings.Contains(strings.ReplaceAll(words, " ", ""), strings.ReplaceAll(w, " ", "")) {
			t.Errorf("the page does not say %q: %s", w, words)
		}
	}
}

func TestCharterPage(t *testing.T) {
	p, en := alone.opens(t, "/charter")
	says(t, en, "One key alone can replace the operator", "One key alone decides who runs this list. That is enough for a private list.", "No end date", "any 1 of 1 board keys",
		"nobody else keeps this list yet", "There is no escrow", "It founded the list", alone.chain.ListID(), "tasuki client follow --list "+alone.chain.ListID())
	if p.all(".conflict") != nil {
		t.Error("a conflict out of nothing")
	}
	_, ja := alone.opens(t, "/charter", "Accept-Language", "ja")
	says(t, ja, "ただ一つの鍵")

	k := kept(t)
	p, en = k.opens(t, "/charter")
	says(t, en, "The board has signed two charters numbered 5", "operator rival", "Signed both 株式会社 B (b3)", "Until 31 Dec 2026: 40 days left", "any 2 of 3 board keys",
		"once 2 of 3 mirrors have stored everything up to it and at least 2 of 3 witnesses", "Epoch 1 goes on: operator, mirrors and policy stay byte for byte", "opens epoch 4",
		"Charter 5 in force", "1 signature of the board in office was needed. Signed by founder (b1), Body A (b2), Body C (b4)", "Reason given: the operator is gone")
	if got := len(p.all("article.version-of")); got != 5 {
		t.Errorf("%d charters", got)
	}
	var links []string
	for _, a := range p.all("article.version-of p.small a") {
		links = append(links, a.attr["href"])
	}
	if len(links) != 5 || !strings.HasPrefix(links[0], "/charter/5-") || !strings.HasSuffix(links[4], ".json") {
		t.Errorf("the documents are linked as %q", links)
	}
	if other := p.all(".conflict a")[0].attr["href"]; other != "/charter/"+k.siblings[0].FileName() {
		t.Errorf("the other charter is linked as %q", other)
	}
}

func TestMandate(t *testing.T) {
	until := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	for at, want := range map[string]int64{"2026-12-30T23:59:59Z": 1, "2026-12-31T00:00:00Z": 0, "2026-12-31T23:59:59Z": 0, "2027-01-01T00:00:00Z": -1} {
		if got := daysLeft(until, issuedAt(at)); got != want {
			t.Errorf("%s: %d days left", at, got)
		}
		if got := toCome("2026-12-31", issuedAt(at)); got.IsZero() != (want < 1) {
			t.Errorf("%s: begins on %s", at, got)
		}
	}
}

func TestMirrorsPage(t *testing.T) {
	_, en := alone.opens(t, "/mirrors")
	says(t, en, "Nobody else keeps this list yet", "For a private list that is all there has to be", "Last published 3 s ago with 60 entries. Nothing waits.", "tasuki backup list.backup",
		"tasuki mirror keygen")
	k := kept(t)
	p, en := k.opens(t, "/mirrors")
	says(t, en, "once 2 of 3 mirrors have stored everything up to it and at least 2 of 3 witnesses", "Last published 3 min ago with 5,201 entries.",
		"39 newer entries are signed by the log and wait for the others; the waiting began 40 s ago.", "once 2 of the mirrors have sealed this epoch",
		"m1.example/cve https://m1.example ✓ signed it 5,201", "m2.example/cve https://m2.example ▲ behind 211 entries and 4 h behind 4,990",
		"w3 https://w3.example – no signature seen here lately –")
	if rows := len(p.all("table.keepers tbody tr")); rows != 6 {
		t.Errorf("%d rows", rows)
	}
	// A mirror that came when enough others had signed is not behind.
	k.now.Mirrors[1] = continuity.Keeper{Party: k.now.Mirrors[1].Party, Size: 5201, At: now.Add(-2 * time.Minute)}
	_, en = k.opens(t, "/mirrors")
	says(t, en, "m2.example/cve https://m2.example ◑ has it; came after enough others 5,201")
}

func TestAMirrorSpeaksOfItself(t *testing.T) {
	k := kept(t)
	k.now.Role, k.now.Mirrors[0].Own, k.now.Waiting = continuity.RoleMirror, true, time.Time{}
	k.now.Copy = &continuity.CopyState{Source: "https://third.example", Behind: 17, Problem: "the sources cannot be reached, or their answers cannot be used", Since: now.Add(-time.Hour),
		Key: k.now.Mirrors[0].VKey, Listed: true, Cosigned: 5201, Sealed: []string{k.chain.OpenedBy(2).Origin()}}
	k.now.Stop = &continuity.Stop{Size: 5201, At: now.Add(-time.Hour), Reason: "leaf 5,202 breaks a rule"}
	k.now.Hold = continuity.Hold{Why: continuity.HoldSiblings, At: now.Add(-time.Hour)}
	p, en := k.opens(t, "/mirrors")
	says(t, en, "HOLD since 21 Nov 2026: the board has signed two charters", "Read from https://third.example", "Holds 5,240 entries 17 entries behind", "Does not go on the sources cannot be reached",
		"which the charter names", "Sealed: never signed again tasuki/", "It signs nothing beyond 5,201 entries, since 21 Nov 2026: leaf 5,202 breaks a rule", "m1.example/cve this copy")
	if lang := p.one(t, "dd span.wrong").attr["lang"]; lang != "en" {
		t.Errorf("English text is marked as %q", lang)
	}
	k.now.Role, k.now.Stop, k.now.Hold, k.now.Copy = continuity.RoleClient, nil, continuity.Hold{}, &continuity.CopyState{}
	_, en = k.opens(t, "/mirrors")
	says(t, en, "This copy", "a server that its owner chose and the charter does not name", "and knows of no more")
	if strings.Contains(en, "Signs with") || strings.Contains(en, "HOLD") {
		t.Error("a client has no key and holds nothing here")
	}
}

func TestEpochsPage(t *testing.T) {
	_, en := alone.opens(t, "/epochs")
	says(t, en, "Epoch 1: first present", "The list was founded with it.", "Entries 0 – 59 and going on")
	k := kept(t)
	p, en := k.opens(t, "/epochs")
	says(t, en, "Epoch 4: third present It goes on after 5,118 entries, which contain everything that 2 mirrors held", "2 were needed.", "m2.example/cve 5,114",
		"Epoch 3: second not opened A charter named it, and it was never opened", "It goes on after 10 entries: the board wrote that place", "Entries 0 – 9")
	var charters []string
	for _, a := range p.all("section.epoch dd a") {
		if strings.HasPrefix(a.attr["href"], "/charter/") {
			charters = append(charters, a.attr["href"])
		}
	}
	if len(charters) != 4 || charters[0] != "/charter/"+k.chain.Head().FileName() {
		t.Errorf("charters are linked as %q", charters)
	}
	// An epoch that waits for its operator is said differently from one that was passed over.
	k.epochs[2].Present = true
	_, en = k.opens(t, "/epochs")
	says(t, en, "its operator has not opened it yet")
}

func TestEvidencePage(t *testing.T) {
	_, en := alone.opens(t, "/evidence")
	says(t, en, "This copy has found nothing wrong with anybody.", "tasuki evidence verify --from http://localhost:8080 --list ")
	k := kept(t)
	k.more = true
	p, en := k.opens(t, "/evidence")
	says(t, en, "Two charters of one version proves it by itself", "The log contradicts itself proves it by itself", "An entry that the rules forbid to be looked at further",
		"One number was published twice", "An epoch that was opened wrongly", "Something of another kind", "Older ones are listed at /evidence/")
	files := p.all("article.finding a[download]")
	if len(files) != 6 || files[0].attr["href"] != "/evidence/"+k.found[0].Name || files[0].attr["download"] != k.found[0].Name+".json" {
		t.Errorf("%d files to take along", len(files))
	}
	if n := len(p.all("article.holds")); n != 2 {
		t.Errorf("%d pieces are marked as proof", n)
	}
}

// What the store does not answer is a page that says so.
func TestKeepingThatCannotBeRead(t *testing.T) {
	w := empty(t)
	h := handlerKept(w, newLedger(t, w.list), intakeOf{}, &keepingOf{chain: alone.chain, broken: errBroken})
	for _, path := range []string{"/charter", "/mirrors", "/epochs", "/evidence"} {
		p := fetch(t, h, path)
		if p.status != http.StatusInternalServerError || strings.Contains(p.raw, "secret") {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

// The frame says on every page whose copy this is and who has signed what it shows.
func TestTheFrameSaysWhoKeeps(t *testing.T) {
	w := empty(t)
	st := status(w)
	h := Handler(Options{Kit: page.Kit{Status: st, Log: discard, Now: fixed}, Catalogue: w, Ledger: newLedger(t, w.list), Intake: intakeOf{}, Continuity: alone})
	foot := func(want string) {
		t.Helper()
		says(t, fetch(t, h, "/query").one(t, "footer").words(), want)
	}
	st.node.Covered = 5201
	foot("5,201 entries under the checkpoint of 2026-11-21 21:00:07 UTC signed by the log alone")
	st.node.Mirrors = page.Signers{Signed: 2, Listed: 3}
	foot("signed by the log and 2 of 3 mirrors")
	st.node.Witnesses = page.Signers{Signed: 2, Listed: 3}
	foot("signed by the log, 2 of 3 mirrors and 2 of 3 witnesses")
	st.node.Mirrors = page.Signers{}
	foot("signed by the log and 2 of 3 witnesses")
	for _, tc := range []struct {
		copy page.Copy
		want string
		calm bool
	}{
		{page.Copy{Operator: "https://a.example"}, "A read-only mirror of https://a.example. It holds everything that it knows of.", true},
		{page.Copy{Operator: "https://a.example", Behind: 12}, "It is 12 entries behind.", true},
		{page.Copy{Operator: "https://a.example", Client: true}, "A reader's own copy of https://a.example.", true},
		{page.Copy{Operator: "https://a.example", Stopped: true}, "vouches for nothing newer", false},
	} {
		st.node.Copy = &tc.copy
		p := fetch(t, h, "/query")
		n := p.all(".node .notice")[0]
		says(t, n.words(), tc.want)
		if calm := n.is("p.calm"); calm != tc.calm {
			t.Errorf("%q is calm: %v", tc.want, calm)
		}
	}
	st.node.Copy, st.node.Hold = nil, "fork"
	if a := fetch(t, h, "/query").all(".node .notice a")[0]; a.attr["href"] != "/evidence" || !strings.HasPrefix(a.words(), "HOLD") {
		t.Errorf("%q leads to %q", a.words(), a.attr["href"])
	}
}

func TestLag(t *testing.T) {
	for d, want := range map[time.Duration]string{5 * time.Second: "5 s", 90 * time.Second: "1 min", 47 * time.Hour: "47 h", 49 * time.Hour: "2 days"} {
		if got := lagWords(i18n.English, d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

// TestAxeOfKeeping looks at the pages of a list that others keep, in trouble and out of it.
func TestAxeOfKeeping(t *testing.T) {
	w := empty(t)
	k := kept(t)
	b := browsertest.Open(t, handlerKept(w, newLedger(t, w.list), intakeOf{}, k))
	for _, name := range []string{"charter", "mirrors", "epochs", "evidence"} {
		b.CheckLooks(t, "kept-"+name, "/"+name)
	}
	b.CheckQuiet(t)
	k.now.Role = continuity.RoleMirror
	k.now.Copy = &continuity.CopyState{Source: "https://third.example", Behind: 17, Problem: "the sources cannot be reached, or their answers cannot be used", Since: now.Add(-time.Hour),
		Key: k.now.Mirrors[0].VKey, Listed: true, Cosigned: 5201, Sealed: []string{k.chain.OpenedBy(2).Origin()}}
	k.now.Stop = &continuity.Stop{Size: 5201, At: now.Add(-time.Hour), Reason: "leaf 5,202 breaks a rule: the number is another authority's"}
	k.now.Hold = continuity.Hold{Why: continuity.HoldFork, At: now.Add(-time.Hour)}
	b.CheckLooks(t, "stopped-mirror", "/mirrors")
}
