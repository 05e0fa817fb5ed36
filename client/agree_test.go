package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tasuki/client"
	"tasuki/internal/edge/serve/native"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// The description lies in testdata; go test ./internal/edge/serve/native -run Generators -update writes it there.
//
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config testdata/generate.yaml testdata/openapi-3.0.json

// form is a value as JSON sees it.
func form(t *testing.T, v any) any {
	t.Helper()
	raw, ok := v.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	return out
}

// Both clients ask every operation, and what they understood, written out again, is what the node said: neither drops a member
// nor takes one for something else.
func TestGeneratedAndHandWrittenClientAgree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := serve(t, db, nil)
		n.tell(t)
		ctx := t.Context()
		gen, err := NewClientWithResponses(n.URL)
		if err != nil {
			t.Fatal(err)
		}
		c := n.client
		str, num := func(s string) *string { return &s }, func(i int64) *int64 { return &i }
		past := client.At{Moment: "2026-11-21"}

		asked := map[string]bool{}
		// said is what the node said, read what the generated client read of it, and hand what the other did.
		same := func(operation string, said []byte, read, hand any, errs ...error) {
			t.Helper()
			asked[operation] = true
			for _, err := range errs {
				if err != nil {
					t.Errorf("%s: %v", operation, err)
					return
				}
			}
			want := form(t, said)
			if got := form(t, read); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: generated client\n got %v\nwant %v", operation, got, want)
			}
			if got := form(t, hand); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: hand-written client\n got %v\nwant %v", operation, got, want)
			}
		}
		bytes := func(operation string, said, hand []byte, errs ...error) {
			t.Helper()
			asked[operation] = true
			if len(said) == 0 || string(said) != string(hand) || slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
				t.Errorf("%s: %v\n%.200s\n%.200s", operation, errs, said, hand)
			}
		}

		{
			g, err := gen.SearchWithResponse(ctx, &SearchParams{Q: str("vendor:acme OR 脆弱性"), Facets: str("vendor,severity"), Limit: num(2)})
			h, herr := c.SearchPage(ctx, client.Query{Q: "vendor:acme OR 脆弱性", Facets: []string{"vendor", "severity"}, Limit: 2})
			same("search", g.Body, g.JSON200, h, err, herr)
			g, err = gen.SearchWithResponse(ctx, &SearchParams{At: &past.Moment})
			h, herr = c.SearchPage(ctx, client.Query{At: past})
			same("search", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.CompleteWithResponse(ctx, &CompleteParams{Q: str("vendor:ac x"), Cursor: num(9)})
			h, herr := c.Complete(ctx, "vendor:ac x", 9, 0)
			same("complete", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.ListFieldsWithResponse(ctx)
			h, herr := c.Fields(ctx)
			same("list-fields", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.GetRecordWithResponse(ctx, "CVE-2024-1001", &GetRecordParams{})
			h, herr := c.Record(ctx, "CVE-2024-1001")
			same("get-record", g.Body, g.JSON200, h, err, herr)
			g, err = gen.GetRecordWithResponse(ctx, "CVE-2024-1001", &GetRecordParams{Size: num(1)})
			h, herr = c.RecordAt(ctx, "CVE-2024-1001", client.Size(1))
			same("get-record", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.GetRawRecordWithResponse(ctx, "CVE-2024-1001", &GetRawRecordParams{})
			h, herr := c.Raw(ctx, "CVE-2024-1001", client.At{})
			bytes("get-raw-record", g.Body, h, err, herr)
			if string(h) != string(document("CVE-2024-1001", "PUBLISHED", "Acme", 3)) {
				t.Errorf("raw is %s", h)
			}
		}
		{
			g, err := gen.ListVersionsWithResponse(ctx, "CVE-2024-1004")
			h, herr := c.Versions(ctx, "CVE-2024-1004")
			same("list-versions", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.GetVersionWithResponse(ctx, "CVE-2024-1001", 0)
			h, herr := c.Version(ctx, "CVE-2024-1001", 0)
			same("get-version", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.DiffRecordWithResponse(ctx, "CVE-2024-1001", &DiffRecordParams{From: str("0"), To: str("2026-11-30")})
			h, herr := c.Diff(ctx, "CVE-2024-1001", "0", "2026-11-30")
			same("diff-record", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.GetProofWithResponse(ctx, "CVE-2024-1001")
			h, herr := c.Proof(ctx, "CVE-2024-1001")
			bytes("get-proof", g.Body, h, err, herr)
		}
		{
			g, err := gen.ListChangesWithResponse(ctx, &ListChangesParams{Since: num(1), Limit: num(5), Q: str("vendor:jetbrains")})
			h, herr := c.Changes(ctx, client.Since{Cursor: 1, Limit: 5, Q: "vendor:jetbrains"})
			same("list-changes", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.DiffListsWithResponse(ctx, &DiffListsParams{From: "1", To: str("6"), Kinds: str("added,changed,withdrawn"), Limit: num(2)})
			h, herr := c.ListDiff(ctx, client.Lists{From: client.Size(1), To: client.Size(6), Kinds: []string{"added", "changed", "withdrawn"}, Limit: 2})
			same("diff-lists", g.Body, g.JSON200, h, err, herr)
		}
		{
			g, err := gen.ListVendorsWithResponse(ctx, &ListVendorsParams{Prefix: str("a")})
			h, herr := c.Names(ctx, client.Vendors, client.NamesQuery{Prefix: "a"})
			same("list-vendors", g.Body, g.JSON200, h, err, herr)
			one, err := gen.GetVendorWithResponse(ctx, "日本製作所")
			other, herr := c.Named(ctx, client.Vendors, "日本製作所")
			same("get-vendor", one.Body, one.JSON200, other, err, herr)
		}
		{
			g, err := gen.ListProductsWithResponse(ctx, &ListProductsParams{Q: str("vendor:acme")})
			h, herr := c.Names(ctx, client.Products, client.NamesQuery{Q: "vendor:acme"})
			same("list-products", g.Body, g.JSON200, h, err, herr)
			one, err := gen.GetProductWithResponse(ctx, "thing")
			other, herr := c.Named(ctx, client.Products, "thing")
			same("get-product", one.Body, one.JSON200, other, err, herr)
		}
		{
			g, err := gen.ListWeaknessesWithResponse(ctx, &ListWeaknessesParams{})
			h, herr := c.Names(ctx, client.Weaknesses, client.NamesQuery{})
			same("list-weaknesses", g.Body, g.JSON200, h, err, herr)
			one, err := gen.GetWeaknessWithResponse(ctx, "CWE-79")
			other, herr := c.Named(ctx, client.Weaknesses, "CWE-79")
			same("get-weakness", one.Body, one.JSON200, other, err, herr)
		}
		{
			g, err := gen.ListAssignersWithResponse(ctx, &ListAssignersParams{Limit: num(1)})
			h, herr := c.Names(ctx, client.Assigners, client.NamesQuery{Limit: 1})
			same("list-assigners", g.Body, g.JSON200, h, err, herr)
			one, err := gen.GetAssignerWithResponse(ctx, "acme")
			other, herr := c.Named(ctx, client.Assigners, "acme")
			same("get-assigner", one.Body, one.JSON200, other, err, herr)
		}
		{
			g, err := gen.GetStatisticsWithResponse(ctx, &GetStatisticsParams{Q: str("state:published")})
			h, herr := c.Stats(ctx, "state:published", client.At{})
			same("get-statistics", g.Body, g.JSON200, h, err, herr)
		}
		{
			envelope := ExportParamsForm("envelope")
			// The generator takes every media type with "json" in it for JSON; its plain client leaves lines alone.
			g, err := gen.Export(ctx, &ExportParams{Form: &envelope})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Body.Close()
			all, err := io.ReadAll(g.Body)
			lines := strings.Split(strings.TrimSpace(string(all)), "\n")
			i := 0
			for x, herr := range c.Export(ctx, client.Export{}) {
				if i == len(lines) {
					t.Fatal("export: more lines than the generated client has")
				}
				same("export", []byte(lines[i]), json.RawMessage(lines[i]), x, err, herr)
				i++
			}
			if i != len(lines) || i != 3 {
				t.Errorf("export: %d and %d lines", i, len(lines))
			}
		}
		{
			g, err := gen.SearchFeedWithResponse(ctx, &SearchFeedParams{Q: str("vendor:acme")})
			h, herr := c.Atom(ctx, "vendor:acme", 0)
			bytes("search-feed", g.Body, h, err, herr)
		}
		{
			g, err := gen.GetOpenapiWithResponse(ctx)
			h, herr := c.OpenAPI(ctx)
			bytes("get-openapi", g.Body, h, err, herr)
			old, err := gen.GetOpenapi30WithResponse(ctx)
			bytes("get-openapi-30", old.Body, native.OpenAPI30(), err)
		}
		{
			asked["stream-changes"] = true
			ctx, cancel := context.WithCancel(ctx)
			g, err := gen.StreamChanges(ctx, &StreamChangesParams{Since: str("0")})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Body.Close()
			in := bufio.NewScanner(g.Body)
			events := 0
			for h, herr := range c.Watch(ctx, client.Watch{}) {
				for in.Scan() && !strings.HasPrefix(in.Text(), "data: ") {
				}
				said := []byte(strings.TrimPrefix(in.Text(), "data: "))
				same("stream-changes", said, json.RawMessage(said), h, herr)
				if events++; h.Index == n.Size(t)-1 {
					break
				}
			}
			cancel()
			if events != 7 {
				t.Errorf("%d events", events)
			}
		}
		{
			dispute := n.govern(t) // last: the stream ends with the newest leaf
			g, err := gen.ListOrganizationsWithResponse(ctx, &ListOrganizationsParams{Role: str("CNA")})
			h, herr := c.Organizations(ctx, client.OrganizationsQuery{Role: "CNA"})
			same("list-organizations", g.Body, g.JSON200, h, err, herr)
			one, err := gen.GetOrganizationWithResponse(ctx, "acme")
			profile, herr := c.Organization(ctx, "acme")
			same("get-organization", one.Body, one.JSON200, profile, err, herr)
			who, err := gen.GetResponsibleWithResponse(ctx, &GetResponsibleParams{Vendor: str("acme")})
			answer, herr := c.Responsible(ctx, client.Product{Vendor: "acme"})
			same("get-responsible", who.Body, who.JSON200, answer, err, herr)
			running, err := gen.ListClocksWithResponse(ctx, &ListClocksParams{})
			clocks, herr := c.Clocks(ctx, "")
			same("list-clocks", running.Body, running.JSON200, clocks, err, herr)
			all, err := gen.ListDisputesWithResponse(ctx, &ListDisputesParams{})
			cases, herr := c.Disputes(ctx, "")
			same("list-disputes", all.Body, all.JSON200, cases, err, herr)
			it, err := gen.GetDisputeWithResponse(ctx, dispute)
			steps, herr := c.Dispute(ctx, dispute)
			same("get-dispute", it.Body, it.JSON200, steps, err, herr)
		}
		{
			g, err := gen.GetContinuityWithResponse(ctx)
			h, herr := c.Continuity(ctx)
			same("get-continuity", g.Body, g.JSON200, h, err, herr)
			if h.Stopped == nil || h.Hold == nil || h.Copy == nil || len(h.Mirrors) == 0 || len(h.Epochs) == 0 {
				t.Errorf("%+v", h)
			}
		}
		// A problem, by both.
		g, err := gen.GetRecordWithResponse(ctx, "CVE-2024-1003", &GetRecordParams{Size: num(1)})
		_, herr := c.RecordAt(ctx, "CVE-2024-1003", client.Size(1))
		same("get-record", g.Body, g.ApplicationproblemJSONDefault, asProblem(t, herr), err)
		if g.HTTPResponse.StatusCode != http.StatusNotFound || asProblem(t, herr).Since == nil {
			t.Errorf("%d %v", g.HTTPResponse.StatusCode, herr)
		}

		var doc struct {
			Paths map[string]map[string]struct {
				OperationID string `json:"operationId"`
			} `json:"paths"`
		}
		if err := json.Unmarshal(native.OpenAPI(), &doc); err != nil {
			t.Fatal(err)
		}
		for path, methods := range doc.Paths {
			if id := methods["get"].OperationID; !asked[id] {
				t.Errorf("%s (%s) was not asked", id, path)
			}
		}
	})
}
