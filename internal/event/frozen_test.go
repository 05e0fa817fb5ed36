package event_test

import (
	"testing"

	"tasuki/internal/event"
)

const (
	acme   = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
	other  = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	aGrant = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
	aCase  = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
)

// ofAuthority is one event of every kind of feature "events-2", each with every member that it had when it was frozen.
var ofAuthority = func() map[string]event.Event {
	body := &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 812}
	due := at.AddDate(0, 0, 3)
	ids := []string{"CVE-2026-0042", "CVE-2026-310042"}
	out := map[string]event.Event{
		"rulepack.adopted":     {Kind: event.RulePackAdopted, Body: body, Pack: "4.2.0"},
		"org.registered":       {Kind: event.OrgRegistered, Body: body, Org: other},
		"org.renamed":          {Kind: event.OrgRenamed, Body: body, Org: other},
		"org.adopted":          {Kind: event.OrgAdopted, Body: body, Org: other},
		"grant.given":          {Kind: event.GrantGiven, Body: body, Org: other, Grant: aGrant, Parent: aCase, Role: "CNA", ValidFrom: at, ValidTo: due, Pack: "4.2.0"},
		"grant.ended":          {Kind: event.GrantEnded, Org: other, Grant: aGrant, Reason: "resigned", Pack: "4.2.0"},
		"range.opened":         {Kind: event.RangeOpened, Year: 2026, First: 1, Last: 50_000_000, Skips: map[string]event.Skip{"2026": {Priority: 1100, General: 41000}}},
		"pool.carved":          {Kind: event.PoolCarved, Year: 2026, First: 20_001, Last: 30_000},
		"id.reserved":          {Kind: event.IDReserved, ID: "CVE-2026-0042"},
		"id.rejected":          {Kind: event.IDRejected, ID: "CVE-2026-0042"},
		"id.restored":          {Kind: event.IDRestored, ID: "CVE-2026-0042"},
		"id.transferred":       {Kind: event.IDTransferred, ID: "CVE-2026-0042", From: acme, To: other, Pack: "4.2.0", Case: aCase},
		"record.put.first":     {Kind: event.RecordPut, ID: "CVE-2026-0042", Body: body, Cont: "cna", DV: "5.2.0", Org: other, Reserved: at.AddDate(0, -1, 0), Short: "acme"},
		"record.put":           {Kind: event.RecordPut, ID: "CVE-2026-0042", Body: body, Cont: "adp", DV: "5.2.0", Prev: list},
		"record.rejected":      {Kind: event.RecordRejected, ID: "CVE-2026-0042", Body: body, DV: "5.2.0", Org: other, Prev: list, Reserved: at.AddDate(0, -1, 0), Short: "acme"},
		"record.replaced":      {Kind: event.RecordReplaced, ID: "CVE-2026-0042", Body: body, State: "REJECTED", Prev: list, Dates: event.Dates{Reserved: "2026-11-20T08:10:00", Updated: "2026-11-20T08:11:00.125Z"}},
		"dispute.opened":       {Kind: event.DisputeOpened, Body: body, Case: aCase, IDs: ids, Org: other, From: acme, To: other, Level: "root", Reason: "validity", Due: due, Pack: "4.2.0"},
		"dispute.acknowledged": {Kind: event.DisputeAcknowledged, Body: body, Case: aCase, Org: other, Level: "root", Due: due, Pack: "4.2.0"},
		"dispute.extended":     {Kind: event.DisputeExtended, Body: body, Case: aCase, Org: other, Level: "root", Due: due, Pack: "4.2.0"},
		"dispute.escalated":    {Kind: event.DisputeEscalated, Body: body, Case: aCase, Org: other, Level: "council", Due: due, Pack: "4.2.0"},
		"dispute.decided":      {Kind: event.DisputeDecided, Body: body, Case: aCase, Org: other, Level: "council", Outcome: "valid", Pack: "4.2.0"},
		"refusal.asked":        {Kind: event.RefusalAsked, Body: body, Case: aCase, IDs: ids, Org: other, From: acme, Due: due, Pack: "4.2.0"},
		"refusal.noted":        {Kind: event.RefusalNoted, Body: body, Case: aCase, IDs: ids, Org: other, To: acme, Reason: "silent", Due: due, Pack: "4.2.0"},
		"refusal.closed":       {Kind: event.RefusalClosed, Body: body, Case: aCase, IDs: ids, Org: other, Outcome: "assigned", Pack: "4.2.0"},
		"direction.given":      {Kind: event.DirectionGiven, Body: body, Case: aCase, IDs: ids, Org: other, Reason: "refusal", Due: due, Pack: "4.2.0"},
		"direction.ended":      {Kind: event.DirectionEnded, Body: body, Case: aCase, IDs: ids, Org: other, Reason: "done", Pack: "4.2.0"},
		"transfer.asked":       {Kind: event.TransferAsked, Body: body, Case: aCase, IDs: ids, Org: other, From: acme, To: other, Reason: "scope", Pack: "4.2.0"},
		"transfer.closed":      {Kind: event.TransferClosed, Body: body, Case: aCase, Org: other, Outcome: "denied", Pack: "4.2.0"},
		"notice.sent":          {Kind: event.NoticeSent, Body: body, Case: aCase, Org: other, Level: "second", Reason: "no records", Due: due, Pack: "4.2.0"},
		"notice.closed":        {Kind: event.NoticeClosed, Body: body, Case: aCase, Org: other, Outcome: "active", Pack: "4.2.0"},
		"rbp.noted": {Kind: event.RBPNoted, ID: "CVE-2026-0042", IDs: ids, Source: "list.zip", SourceTime: at, Reason: "cited", Due: due, Pack: "4.2.0",
			Dues: []event.Due{{For: "publication", At: at.AddDate(0, 0, 1)}, {For: "remedy", At: at.AddDate(0, 0, 14)}}},
		"split": {Kind: event.SplitNoted, ID: "CVE-2026-0042", IDs: ids, Body: body},
		"merge": {Kind: event.MergeNoted, ID: "CVE-2026-0042", IDs: ids, Body: body},
	}
	for name, e := range out {
		e.At, e.By, e.List = at, acme, list
		out[name] = e
	}
	return out
}()

// ofContinuity is one event of every kind of feature "events-3", and the epoch that carries its reports.
var ofContinuity = func() map[string]event.Event {
	const key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	out := map[string]event.Event{
		"epoch.opened.reports": {Kind: event.EpochOpened, Body: &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 2210}, Charter: list, Epoch: 2, Root: list, Size: 5201,
			Skips: map[string]event.Skip{"2026": {Priority: 1100, General: 41000}}},
		"key.added":     {Kind: event.KeyAdded, Org: acme, Key: key, Label: "node-eu", Use: event.UseEvents},
		"key.revoked":   {Kind: event.KeyRevoked, Org: acme, Key: key, Reason: "stolen"},
		"attest.set":    {Kind: event.AttestSet, Org: acme, Mode: event.AttestSelf},
		"block.granted": {Kind: event.BlockGranted, Year: 2026, First: 30_001, Last: 31_000, Owner: event.BlockOwner([16]byte{7}, acme), Key: key},
		"block.closed":  {Kind: event.BlockClosed, Year: 2026, First: 30_001, Last: 31_000, Reason: "resigned"},
		"id.alias":      {Kind: event.IDAlias, ID: "CVE-2026-0042", Alias: "GCVE-1-2026-0001"},

		"gcve.directory": {Kind: event.GCVEDirectory, Body: &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 4321}, Source: "https://gcve.example/dist/gcve.json", Digest: list, SourceTime: at},
		"gcve.allocated": {Kind: event.GCVEAllocated, ID: "GCVE-65535-2026-0001"},
		"gcve.put": {Kind: event.GCVEPut, ID: "GCVE-65535-2026-0001", Body: &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 812}, State: "PUBLISHED", Prev: list,
			Dates: event.Dates{Published: "2026-11-20T08:11:00.125Z", Updated: "2026-11-20T08:11:00.125Z"}},
		"gcve.rejected": {Kind: event.GCVERejected, ID: "GCVE-65535-2026-0002", Reason: "unused"},
		"gcve.pulled": {Kind: event.GCVEPulled, ID: "GCVE-1-GHSA/x", Body: &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 812}, State: "REJECTED", From: "gna-1",
			Source: "https://gna.example/dumps/gna-1.ndjson", Dates: event.Dates{Updated: "2026-11-20T08:11:00Z"}},
	}
	for name, e := range out {
		e.At, e.By, e.List = at, acme, list
		out[name] = e
	}
	return out
}()

// A block's commitment is made again by whoever checks a publication, so that its form is frozen, too.
func TestFrozenBlockOwner(t *testing.T) {
	const want = "be7227818279f0ce240dc4d9fa4b501854d01a4101681258b31d6bfd542df1fa"
	if got := event.BlockOwner([16]byte{7}, acme); got != want {
		t.Errorf("%s", got)
	}
	e := ofContinuity["block.granted"]
	for id, org := range map[string]string{"CVE-2026-30001": acme, "CVE-2026-31000": acme, "CVE-2026-30000": "", "CVE-2026-31001": "", "CVE-2025-30001": ""} {
		if e.OpensTo([16]byte{7}, id, acme) != (org != "") || e.OpensTo([16]byte{8}, id, acme) || e.OpensTo([16]byte{7}, id, other) {
			t.Errorf("%s opens to what it should not, or not to %q", id, org)
		}
	}
}

// Every kind is frozen.
func TestEveryKindIsFrozen(t *testing.T) {
	seen := map[event.Kind]bool{}
	for _, e := range allFrozen() {
		seen[e.Kind] = true
	}
	for _, k := range event.Kinds() {
		if !seen[k] {
			t.Errorf("%s has no golden file", k)
		}
	}
}

// The commitment to an owner is made again by whoever checks one, so that its body is as frozen as an event.
func TestFrozenOwner(t *testing.T) {
	got, err := event.OwnerFact("CVE-2026-0042", acme)
	if err != nil || string(got) != `{"id":"CVE-2026-0042","kind":"id.owner/1","org":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}` {
		t.Errorf("%s (%v)", got, err)
	}
}
