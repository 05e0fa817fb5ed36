package main

import (
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// asOperator asks a node in this process for an act of the operator.
func asOperator[A any](t testing.TB, k *kitNode, act string, q any) (answer A, err error) {
	t.Helper()
	raw, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Operate(t.Context(), OperateRequest{Act: act, Args: raw}, quiet{})
	if len(got) > 0 {
		if err := json.Unmarshal(got, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer, err
}

// Real records: whoever assigned them, and whoever put containers into them, becomes an organisation that owns what it assigned.
func TestAdoptTheSample(t *testing.T) {
	k := openKit(t, kitOptions{})
	k.bringSample(t)
	q := adoptRequest{All: true, DryRun: true, Margin: 10_000, MarginPriority: 100}
	dry, err := asOperator[adoptedAnswer](t, k, "authority adopt", q)
	if err != nil || dry.Adopted < 50 || dry.Refused != 0 {
		t.Fatalf("%+v (%v)", dry, err)
	}
	if _, err := asOperator[orgWhole](t, k, "authority org show", orgRequest{Name: "CISA-ADP"}); err == nil {
		t.Error("a dry run adopted")
	}
	q.DryRun = false
	got, err := asOperator[adoptedAnswer](t, k, "authority adopt", q)
	if err != nil || got.Adopted != dry.Adopted || got.Refused != 0 || len(got.Ranges) != 2 {
		t.Fatalf("%+v (%v)", got, err)
	}
	again, err := asOperator[adoptedAnswer](t, k, "authority adopt", q)
	if err != nil || again.Adopted != 0 || again.Here != got.Adopted {
		t.Errorf("again: %+v (%v)", again, err)
	}
	o, err := asOperator[orgWhole](t, k, "authority org show", orgRequest{Name: "openssl"})
	if err != nil || !o.Adopted || strings.Join(o.Roles, " ") != "CNA" {
		t.Errorf("%+v (%v)", o, err)
	}
	if o, err = asOperator[orgWhole](t, k, "authority org show", orgRequest{Name: "CISA-ADP"}); err != nil || strings.Join(o.Roles, " ") != "ADP" || o.ID != "134c704f-9b21-4f2e-91b3-4a467353bcc0" {
		t.Errorf("%+v (%v)", o, err)
	}
	i, err := k.acts.ID(t.Context(), operator("test"), "CVE-2024-9143")
	if err != nil || i.OwnerName != "openssl" {
		t.Errorf("%+v (%v)", i, err)
	}
	if _, err := asOperator[adoptedAnswer](t, k, "authority adopt", adoptRequest{Names: []string{"nobody at all"}}); err == nil {
		t.Error("a name that no record has is taken")
	}
	k.check(t)
}

// The Program's partner list beside real records: who is responsible, and where scopes meet.
func TestPartnersOverTheSample(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/cna/CNAsList.json")
	if os.IsNotExist(err) {
		t.Skip("the partner list is not here")
	}
	k := openKit(t, kitOptions{})
	k.bringSample(t)
	got, err := asOperator[partnersAnswer](t, k, "authority partners", partnersRequest{List: string(raw)})
	if err != nil || got.Made+got.Adopted != got.Partners || got.Adopted < 50 {
		t.Fatalf("%+v (%v)", got, err)
	}
	t.Logf("%+v", got)
	rest, err := asOperator[adoptedAnswer](t, k, "authority adopt", adoptRequest{All: true})
	if err != nil || rest.Here < got.Adopted {
		t.Errorf("the others: %+v (%v)", rest, err)
	}
	for _, r := range rest.Orgs {
		if r.Outcome == "refused" {
			t.Logf("refused %s: %s", r.Short, r.Reason)
		}
	}
	who, err := asOperator[whoAnswer](t, k, "authority who", whoRequest{Vendor: "Red Hat", Product: "enterprise linux"})
	if err != nil || len(who.Holders) == 0 || who.Holders[0].Org != "redhat" || len(who.Chain) < 2 {
		t.Errorf("%+v (%v)", who, err)
	}
	if who, err = asOperator[whoAnswer](t, k, "authority who", whoRequest{Vendor: "a vendor that nobody has heard of"}); err != nil || !who.Gap || len(who.LastResort) == 0 {
		t.Errorf("%+v (%v)", who, err)
	}
	if all, err := asOperator[scopesAnswer](t, k, "authority scopes", struct{}{}); err != nil || len(all.TextOnly) == 0 {
		t.Errorf("%d overlaps, %d in words only, %d orphans (%v)", len(all.Overlaps), len(all.TextOnly), len(all.Orphans), err)
	}
}
