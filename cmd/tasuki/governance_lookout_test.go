package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// citing is a record of another list, with a text.
func citing(id, text string) string {
	return `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"` + id + `","assignerOrgId":"aaaaaaaa-0000-4000-8000-000000000001","state":"PUBLISHED",` +
		`"datePublished":"2026-01-02T00:00:00.000Z","dateUpdated":"2026-01-02T00:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":` +
		`"aaaaaaaa-0000-4000-8000-000000000001"},"descriptions":[{"lang":"en","value":"` + text + `"}],"affected":[{"vendor":"v","product":"p"}],` +
		`"references":[{"url":"https://a.example/1"}]}}}`
}

// An import notes, once and by its base name alone, which identifiers that are reserved here it has a record of, or cites in whatever
// spelling; what is not reserved any more, or never was, it passes over.
func TestImportSeesReservedIdentifiers(t *testing.T) {
	k, ctx := openKit(t, kitOptions{}), t.Context()
	op := operator("test")
	if _, err := k.acts.RegisterOrg(ctx, op, authority.NewOrg{Short: "acme", Name: "Acme", Roles: []authority.OrgRole{authority.CNA}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.acts.AddUser(ctx, op, "acme", authority.NewUser{Username: "ann@acme"}); err != nil {
		t.Fatal(err)
	}
	if err := k.acts.OpenRange(ctx, op, 2026); err != nil {
		t.Fatal(err)
	}
	ann, err := k.as(ctx, "test", "acme")
	if err != nil {
		t.Fatal(err)
	}
	batch := "sequential"
	got, err := k.acts.Reserve(ctx, ann, program.Reservation{Owner: "acme", Year: 2026, Amount: 5, Batch: &batch})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range got.IDs {
		ids = append(ids, i.ID)
	}
	rejected := cve.Rejected
	if _, err := k.acts.ChangeID(ctx, ann, ids[3], program.IDChange{State: &rejected}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for id, text := range map[string]string{
		"CVE-2026-900001": "See " + ids[0] + ", https://b.example/" + strings.ToLower(ids[1]) + ".html, " + ids[3] + " and CVE-2026-777777.",
		ids[2]:            "Somebody else's record of it.",
		"CVE-2026-900002": "Nothing here; " + ids[4] + "9 is longer.",
	} {
		if err := os.WriteFile(filepath.Join(dir, id+".json"), []byte(citing(id, text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		sum, err := k.Import(ctx, ImportRequest{Paths: []string{dir}}, nil, quiet{})
		if err != nil || sum.Divergent != 1 || sum.Files != 3 {
			t.Fatalf("%+v (%v)", sum, err)
		}
	}
	seen, err := k.acts.Sightings(ctx, 10)
	if err != nil || len(seen) != 3 {
		t.Fatalf("%+v (%v)", seen, err)
	}
	how := map[string]string{}
	for _, s := range seen {
		how[s.CVE] = s.Reason + " " + strings.Join(s.IDs, " ")
		if s.Source != filepath.Base(dir) {
			t.Errorf("%s was seen in %q", s.CVE, s.Source)
		}
	}
	for id, want := range map[string]string{ids[0]: governance.SeenCited + " CVE-2026-900001", ids[1]: governance.SeenCited + " CVE-2026-900001", ids[2]: governance.SeenRecord + " "} {
		if how[id] != want {
			t.Errorf("%s: %q, want %q", id, how[id], want)
		}
	}
	clocks, err := k.acts.Clocks(ctx, ann)
	if err != nil || len(clocks) != 9 || !clocks[0].Mine {
		t.Errorf("%d clocks (%v)", len(clocks), err)
	}
	// On a list that reserved nothing nothing is looked for.
	if err := k.db.View(ctx, func(tx *store.Tx) error {
		reserved, err := registry.ReservedIDs(ctx, tx)
		if len(reserved) != 4 {
			t.Errorf("reserved: %v", reserved)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	l := &lookout{}
	l.reading.Do(func() {}) // as if it had been read, and nothing was there
	found, err := l.look(k.node, []byte("CVE-2026-20001"), "CVE-2026-1", cvelist.Meta{})
	if err != nil || found != nil {
		t.Errorf("%v (%v)", found, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = l.look(k.node, nil, "", cvelist.Meta{}) }); n != 0 {
		t.Errorf("looking costs %v allocations", n)
	}
}
