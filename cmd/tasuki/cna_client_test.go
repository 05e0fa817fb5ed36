package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tasuki/client/cveservices"
	"tasuki/internal/authority"
)

// first are the first entries of a list, by what name says of each.
func first[T any](t *testing.T, list iter.Seq2[T, error], name func(T) string) string {
	t.Helper()
	var out []string
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, name(v))
	}
	return strings.Join(out, " ")
}

// The client understands every answer of a real node: what a Secretariat does in a day, with the client's own types.
func TestClientOfANode(t *testing.T) {
	k := openKit(t, kitOptions{})
	s := httptest.NewServer(k.door)
	defer s.Close()
	ctx := t.Context()
	sec, err := k.acts.RegisterOrg(ctx, operator("test"), authority.NewOrg{Short: "sec", Name: "Secretariat", Roles: []authority.OrgRole{authority.Secretariat, authority.CNA}})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := k.acts.AddUser(ctx, operator("test"), "sec", authority.NewUser{Username: "root@sec"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cveservices.New(s.URL, cveservices.Options{Org: "sec", User: "root@sec", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	is := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	must("health", c.Health(ctx))

	quota, name, yes := int64(7), "Acme 株式会社", true
	acme, err := c.CreateOrg(ctx, cveservices.NewOrg{Short: "acme", Name: "Acme", Quota: &quota})
	must("create an organisation", err)
	is("its roles", acme.Authority.Roles, []string{"CNA"})
	acme, err = c.ChangeOrg(ctx, "acme", cveservices.OrgChange{Name: &name, AddRoles: []string{"ADP", "BULK_DOWNLOAD"}, RemoveRoles: []string{"BULK_DOWNLOAD"}})
	must("change it", err)
	is("its name and roles", acme.Name+fmt.Sprint(acme.Authority.Roles), name+"[CNA ADP]")
	is("organisations", first(t, c.Orgs(ctx), func(o cveservices.Org) string { return o.Short }), "acme sec")
	if _, err := c.CreateOrg(ctx, cveservices.NewOrg{Short: "acme", Name: "Acme"}); !cveservices.HasCode(err, "ORG_EXISTS") {
		t.Errorf("twice: %v", err)
	}

	ann, err := c.CreateUser(ctx, "acme", cveservices.NewUser{Username: "ann@acme", Name: cveservices.Name{First: "Ann"}, Roles: []string{"ADMIN"}})
	must("create a user", err)
	other := "安"
	u, err := c.ChangeUser(ctx, "acme", "ann@acme", cveservices.UserChange{Last: &other, Active: &yes})
	must("change them", err)
	is("their name", u.Name, cveservices.Name{First: "Ann", Last: "安"})
	ann.Secret, err = c.ResetSecret(ctx, "acme", "ann@acme")
	must("reset their secret", err)
	u, err = c.UserNamed(ctx, "acme", "ann@acme")
	must("read them", err)
	is("their UUID", u.UUID, ann.UUID)
	is("users", first(t, c.Users(ctx), func(u cveservices.User) string { return u.Username }), "root@sec ann@acme")
	is("of acme", first(t, c.UsersOf(ctx, "acme"), func(u cveservices.User) string { return u.Username }), "ann@acme")

	must("open a year", c.OpenRange(ctx, 2026))
	if err := c.OpenRange(ctx, 2026); !cveservices.HasCode(err, "YEAR_RANGE_EXISTS") {
		t.Errorf("twice: %v", err)
	}
	got, err := c.Reserve(ctx, cveservices.Reservation{Amount: 3, Year: 2026, Batch: cveservices.Sequential, Org: "acme"})
	must("reserve for acme", err)
	is("left", got.Remaining, 4)
	q, err := c.QuotaOf(ctx, "acme")
	must("quota", err)
	is("quota", q, cveservices.Quota{Quota: 7, Reserved: 3, Available: 4})
	is("identifiers", first(t, c.IDs(ctx, cveservices.IDFilter{State: "RESERVED", Year: 2026, Reserved: cveservices.Window{After: time.Now().Add(-time.Hour)}}),
		func(i cveservices.ID) string { return i.OwningCNA + "/" + i.RequestedBy.User + "/" + i.ID }),
		"acme/root@sec/CVE-2026-20001 acme/root@sec/CVE-2026-20002 acme/root@sec/CVE-2026-20003")

	whole := func(id string) json.RawMessage {
		return json.RawMessage(`{"dataType":"CVE_RECORD","dataVersion":"5.2","cveMetadata":{"cveId":"` + id + `","assignerOrgId":"` + acme.UUID + `","assignerShortName":"acme","state":"PUBLISHED"},` +
			`"containers":{"cna":{"providerMetadata":{"orgId":"` + acme.UUID + `"},` + strings.TrimPrefix(soundContainer, "{") + `}}`)
	}
	_, err = c.CreateRecord(ctx, "CVE-2026-20001", whole("CVE-2026-20001"))
	must("create a whole record", err)
	_, err = c.ReplaceRecord(ctx, "CVE-2026-20001", whole("CVE-2026-20001"))
	must("replace it", err)
	mine, err := cveservices.New(s.URL, cveservices.Options{Org: "acme", User: "ann@acme", Key: ann.Secret})
	must("acme's client", err)
	sub, err := mine.Publish(ctx, "CVE-2026-20002", json.RawMessage(soundContainer))
	must("publish", err)
	is("the server's words", strings.HasPrefix(sub.Message, "CVE-2026-20002 record was successfully created."), true)
	_, err = mine.Reject(ctx, "CVE-2026-20003", json.RawMessage(soundRejection))
	must("reject", err)
	_, err = mine.PutADP(ctx, "CVE-2026-20001", json.RawMessage(`{"title":"seen"}`))
	must("an ADP's container", err)

	id := func(raw json.RawMessage) string {
		var r struct {
			M struct {
				ID string `json:"cveId"`
			} `json:"cveMetadata"`
		}
		must("a record", json.Unmarshal(raw, &r))
		return strings.TrimPrefix(r.M.ID, "CVE-2026-2000")
	}
	is("records", first(t, c.Records(ctx, cveservices.RecordFilter{State: "PUBLISHED", Assigner: "acme", AssignerID: acme.UUID}), id), "1 2")
	is("with ADP", first(t, c.Records(ctx, cveservices.RecordFilter{ADP: "acme"}), id), "1")
	is("by cursor", len(strings.Fields(first(t, c.RecordsByCursor(ctx, cveservices.RecordFilter{}, 1), id))), 3)
	n, err := c.CountRecords(ctx, cveservices.RecordFilter{Modified: cveservices.Window{After: time.Now().Add(-time.Hour)}, CNAModified: true})
	must("count", err)
	is("changed within the hour", n, 2)
	n, err = c.Count(ctx, "REJECTED")
	must("count for anyone", err)
	is("rejected", n, 1)

	moved, err := mine.ChangeID(ctx, "CVE-2026-20002", cveservices.IDChange{Org: "sec"})
	must("transfer", err)
	is("the new owner", moved.OwningCNA, "sec")
	o, err := c.Org(ctx, sec.ID)
	must("by UUID", err)
	is("by UUID", o.Short, "sec")
	_, err = c.ID(ctx, "CVE-2026-29999")
	is("an identifier that nobody knows", cveservices.HasCode(err, cveservices.IDNotFound), true)
	k.sound(t)
}
