package catalogue

import (
	"archive/zip"
	"context"
	flags "flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

var update = flags.Bool("update", false, "write the trees and counts of testdata/queries.tsv anew")

// asked is when the queries of the test are asked: shortly after the newest record of the sample.
var asked = time.Date(2024, 10, 25, 9, 30, 0, 0, time.UTC)

// example is one line of testdata/queries.tsv: how many records of the sample the query finds, the query, and its tree.
type example struct {
	hits       int
	text, tree string
}

func examples(t *testing.T) (out []example) {
	t.Helper()
	raw, err := os.ReadFile("testdata/queries.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("a line of %d columns: %q", len(f), l)
		}
		hits, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, example{hits, f[1], f[2]})
	}
	return out
}

// drawn writes a tree with every operator by name.
func drawn(n query.Node) string {
	list := func(name string, nodes []query.Node) string {
		s := "(" + name
		for _, n := range nodes {
			s += " " + drawn(n)
		}
		return s + ")"
	}
	switch n := n.(type) {
	case *query.And:
		return list("and", n.Nodes)
	case *query.Or:
		return list("or", n.Nodes)
	case *query.Not:
		return "(not " + drawn(n.Node) + ")"
	case *query.Words:
		kind := "word"
		if n.Phrase {
			kind = "phrase"
		}
		if n.Prefix {
			kind += "-prefix"
		}
		return fmt.Sprintf("(%s %q)", kind, n.Text)
	case *query.Cond:
		s := "(" + []string{"is", "above", "at-least", "below", "at-most", "between"}[n.Op] + " " + n.Field.Name
		for _, v := range n.Values {
			switch {
			case v.Open:
				s += " _"
			case v.Glob:
				s += " ~" + strconv.Quote(v.Text)
			default:
				s += " " + strconv.Quote(v.Text)
			}
		}
		return s + ")"
	}
	return "(all)"
}

// world is records and the index over them, without a database.
type world struct {
	docs  []*scanned
	index *facet.Index
}

// worldOf is every nth record of an archive.
func worldOf(t testing.TB, path string, nth int) *world {
	t.Helper()
	z, err := zip.OpenReader(path)
	if os.IsNotExist(err) {
		t.Skipf("%s is not here", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	w := &world{index: facet.New(indexSchema)}
	var batch []*facet.Prepared
	words := map[string][]string{}
	cut := func(text string) []string {
		if _, ok := words[text]; !ok {
			words[text] = cutWords(text)
		}
		return words[text]
	}
	for i, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || i%nth != 0 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		rec, _, err := cve.DecodeLoose(raw)
		if err != nil {
			t.Fatal(err)
		}
		made := makeEntry(rec)
		e, err := unpack(made.pack())
		if err != nil {
			t.Fatal(err)
		}
		d := e.doc(row{id: rec.Metadata.ID, changed: nvd.LastModified(rec).UnixMilli()})
		if batch = append(batch, w.index.Prepare(d)); len(batch) == 512 {
			w.index.ApplyPrepared(batch, 0)
			batch = nil
		}
		s := scan(t, raw)
		s.cut = cut
		w.docs = append(w.docs, s)
	}
	w.index.ApplyPrepared(batch, 0)
	return w
}

func (w *world) find(t testing.TB, tree *query.Query) []string {
	t.Helper()
	fq, err := translate(Query{Tree: tree, Now: asked, Limit: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.index.Search(context.Background(), fq)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(r.Keys)
	return r.Keys
}

func (w *world) scanAll(tree *query.Query) (ids []string) {
	for _, d := range w.docs {
		if d.meets(tree.Root, asked) {
			ids = append(ids, d.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// differ shows the first few that only one side has.
func differ(t *testing.T, text string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	only := func(a, b []string) (out []string) {
		for _, id := range a {
			if !slices.Contains(b, id) && len(out) < 4 {
				out = append(out, id)
			}
		}
		return out
	}
	t.Errorf("%s: the index finds %d, a scan %d; only the index: %v, only the scan: %v", text, len(got), len(want), only(got, want), only(want, got))
}

// The queries of testdata/queries.tsv read as their trees say, and the index finds for each what a scan of the JSON finds.
func TestQueriesFindWhatAScanFinds(t *testing.T) {
	w := worldOf(t, filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"), 1)
	telling := 0
	var out strings.Builder
	list := examples(t)
	for _, x := range list {
		tree, err := query.Parse(x.text)
		if err != nil {
			t.Errorf("%s: %v", x.text, err)
			continue
		}
		if got := drawn(tree.Root); got != x.tree && !*update {
			t.Errorf("%s\n got  %s\n want %s", x.text, got, x.tree)
		}
		got := w.find(t, tree)
		differ(t, x.text, got, w.scanAll(tree))
		if len(got) != x.hits && !*update {
			t.Errorf("%s: %d records, want %d", x.text, len(got), x.hits)
		}
		if len(got) > 0 && len(got) < len(w.docs) {
			telling++
		}
		fmt.Fprintf(&out, "%d\t%s\t%s\n", len(got), x.text, drawn(tree.Root))
	}
	t.Logf("%d queries over %d records, %d of them find some but not all", len(list), len(w.docs), telling)
	if len(list) < 200 || telling < 180 {
		t.Errorf("%d queries, %d telling", len(list), telling)
	}
	if *update {
		if err := os.WriteFile("testdata/queries.tsv", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Queries put together from those of the file find what a scan finds: negated, joined and in brackets.
func TestCombinationsFindWhatAScanFinds(t *testing.T) {
	w := worldOf(t, filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"), 1)
	list := examples(t)
	r := rand.New(rand.NewPCG(7, 7))
	pick := func() string { return "(" + list[r.IntN(len(list))].text + ")" }
	found := 0
	for range 500 {
		text := pick()
		for range 1 + r.IntN(4) {
			text += []string{" ", " OR ", " -", " OR -"}[r.IntN(4)] + pick()
			if r.IntN(3) == 0 {
				text = []string{"", "-"}[r.IntN(2)] + "(" + text + ")"
			}
		}
		tree, err := query.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := w.find(t, tree)
		differ(t, text, got, w.scanAll(tree))
		found += len(got)
	}
	t.Logf("%d hits", found)
}

// nth is which records of the big archive the scan reads: with 1 it takes four minutes.
var nth = flags.Int("nth", 5, "read every nth record of the archive")

// The same over the archive.
func TestQueriesFindWhatAScanFindsInTheArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of records")
	}
	w := worldOf(t, filepath.Join("..", "..", "..", "shared", "data", "cvelist", "vulnrichment-cve5.zip"), *nth)
	found := 0
	for _, x := range examples(t) {
		tree, err := query.Parse(x.text)
		if err != nil {
			t.Fatal(err)
		}
		got := w.find(t, tree)
		differ(t, x.text, got, w.scanAll(tree))
		found += len(got)
	}
	t.Logf("%d hits over %d records", found, len(w.docs))
}

// Every field of the language is answered, and what a record has is called the same in both.
func TestEveryFieldIsAnswered(t *testing.T) {
	for _, f := range query.Fields() {
		if a := answers[f.Name]; a.node == nil || a.index == "" {
			t.Errorf("%s is not answered", f.Name)
		}
	}
	if len(answers) != len(query.Fields()) {
		t.Errorf("%d answers for %d fields", len(answers), len(query.Fields()))
	}
	f, _ := query.Lookup("has")
	if !slices.Equal(slices.Sorted(slices.Values(f.Enum)), slices.Sorted(slices.Values(hasNames))) {
		t.Errorf("has: %v in the language, %v here", f.Enum, hasNames)
	}
}
