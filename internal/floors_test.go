// Package internal holds the drawing of the floors as data, so that the diagram in docs/ARCHITECTURE.md cannot go stale.
package internal

import (
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tasuki"

// drawing lists the rooms of the house from the cellar up. A package belongs to the room with the longest prefix of its path.
// It may import from rooms of lower floors and from its own room; rooms of one floor are strangers to each other.
var drawing = []struct {
	floor float64
	rooms []string
}{
	// The load driver knows nothing of us, and only tests import it.
	{0, []string{"spec", "web", "internal/loadtest", "client"}},
	// The database is the ground of the other mechanisms, so floor 1 has a step in it.
	{1, []string{"internal/store", "internal/durable"}},
	{1.5, []string{"internal/ledger", "internal/charter", "internal/jobs", "internal/lane", "internal/inorder"}},
	{2, []string{"internal/event", "internal/query"}},
	{3, []string{"internal/authority", "internal/registry", "internal/catalogue", "internal/governance", "internal/drafts", "internal/continuity", "internal/gcve"}},
	{4, []string{"internal/gate", "internal/render", "internal/edge/serve/pace", "internal/edge/serve/page", "internal/edge/serve/problem"}},
	{4.5, []string{"internal/program"}},
	{5, []string{
		"internal/edge/serve/front", "internal/edge/serve/cveservices", "internal/edge/serve/nvd", "internal/edge/serve/tiles",
		"internal/edge/serve/native", "internal/edge/serve/web", "internal/edge/serve/portal", "internal/edge/feeds/cvelist", "internal/edge/feeds/gcve",
		"internal/edge/publish", "internal/edge/mirror", "internal/edge/serve/relay", "internal/edge/serve/witness", "internal/edge/serve/gcve",
		"internal/edge/serve/lane",
	}},
	{6, []string{"cmd/tasuki"}},
}

// closed are doors that stay shut whatever the floors allow: from a room, to a package and everything below it.
var closed = []struct{ from, to, why string }{
	{"internal/edge", "database/sql", "what faces outward asks services, never the database"},
	{"internal/edge", "tasuki/internal/store", "what faces outward asks services, never the database"},
	{"spec", "net/http", "a standard's values do no I/O"},
	{"spec", "database/sql", "a standard's values do no I/O"},
	{"spec", "log/slog", "a standard's values do no I/O"},
	{"internal/render", "net/http", "rendering is pure"},
	{"internal/render", "tasuki/internal/store", "rendering is pure"},
	{"internal/render", "database/sql", "rendering is pure"},
}

// room finds a package's place in the drawing.
func room(pkg string) (name string, floor float64, ok bool) {
	for _, f := range drawing {
		for _, r := range f.rooms {
			if under(pkg, r) && len(r) > len(name) {
				name, floor, ok = r, f.floor, true
			}
		}
	}
	return name, floor, ok
}

func under(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// complaint says what is wrong with an import, or "". Both are import paths; pkg goes without the module's name.
func complaint(pkg, imported string) string {
	for _, c := range closed {
		if under(pkg, c.from) && under(imported, c.to) {
			return c.why
		}
	}
	local, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		if imported == "testing" && !strings.HasSuffix(pkg, "test") {
			return "the product does not carry its tests"
		}
		return ""
	}
	from, low, _ := room(pkg)
	to, high, ok := room(local)
	switch {
	case !ok:
		return "it has no place in the drawing"
	case from == to:
		return ""
	case high > low:
		return "it is on a floor above"
	case high == low:
		return "rooms of one floor do not know each other"
	case strings.HasSuffix(local, "test"):
		return "the product does not carry its tests"
	}
	return ""
}

func TestImportsGoDown(t *testing.T) {
	packages := 0
	for pkg, imports := range sources(t) {
		packages++
		if _, _, ok := room(pkg); !ok {
			t.Errorf("%s has no place in the drawing: give it one, here and in docs/ARCHITECTURE.md", pkg)
			continue
		}
		for imported, file := range imports {
			if why := complaint(pkg, imported); why != "" {
				t.Errorf("%s imports %s: %s", file, imported, why)
			}
		}
	}
	if packages < 10 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

// sources lists every package of the module with its product imports and a file that has each. Files that no build takes in
// (//go:build ignore and the like) may import what they like.
func sources(t *testing.T) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if d.IsDir() {
			base := d.Name()
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || nested(name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		for _, group := range f.Comments {
			for _, c := range group.List {
				if x, err := constraint.Parse(c.Text); err == nil && (x.String() == "ignore" || x.String() == "never") {
					return nil
				}
			}
		}
		pkg := path.Dir(filepath.ToSlash(rel))
		if found[pkg] == nil {
			found[pkg] = map[string]string{}
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[pkg][imported] = filepath.ToSlash(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// nested reports whether a directory is a module of its own (tools).
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// The rules themselves are held to examples, so that a mistake in them does not pass everything.
func TestTheDrawingForbids(t *testing.T) {
	for _, tc := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"spec/nvd", "tasuki/spec/cve", true},
		{"spec/nvd", "tasuki/internal/store", false},
		{"spec/cve", "net/http", false},
		{"web/record", "tasuki/web/layout", true},
		{"web/record", "tasuki/spec/cve", false},
		{"internal/ledger", "tasuki/internal/store", true},
		{"internal/store", "tasuki/internal/ledger", false},
		{"internal/charter", "tasuki/internal/ledger", false},
		{"internal/registry", "tasuki/internal/catalogue", false},
		{"internal/catalogue", "tasuki/internal/store/facet", true},
		{"internal/gate", "tasuki/internal/render/nvd", false},
		{"internal/edge/serve/nvd", "tasuki/internal/render/nvd", true},
		{"internal/edge/serve/nvd", "tasuki/internal/edge/serve/front", false},
		{"internal/edge/serve/front/metrics", "tasuki/internal/edge/serve/front", true},
		{"internal/edge/feeds/cvelist", "tasuki/internal/store", false},
		{"internal/edge/serve/web", "database/sql", false},
		{"internal/catalogue", "tasuki/internal/store/storetest", false},
		{"internal/store/storetest", "testing", true},
		{"cmd/tasuki", "tasuki/internal/loadtest", false},
		{"internal/ledger", "testing", false},
		{"cmd/tasuki", "tasuki/internal/edge/serve/front", true},
		{"internal/gate", "tasuki/cmd/tasuki", false},
		{"internal/gate", "tasuki/internal/nowhere", false},
	} {
		if got := complaint(tc.pkg, tc.imported); (got == "") != tc.ok {
			t.Errorf("%s importing %s: complaint %q, want ok = %v", tc.pkg, tc.imported, got, tc.ok)
		}
	}
}

func TestEveryRoomIsDrawnOnce(t *testing.T) {
	var all []string
	for _, f := range drawing {
		all = append(all, f.rooms...)
	}
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d rooms stand in the drawing %d times", n, len(all))
	}
}
