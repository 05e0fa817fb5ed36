package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The laws are stated here a second time, without the code under test: an own list of the arrays whose order says nothing, an
// own normal form, an own reading of pointers.

// unordered are the arrays whose order says nothing, as patterns of JSON pointers.
var unordered = func() []string {
	out := []string{"/containers/adp"}
	for _, c := range []string{"/containers/cna", "/containers/adp/*"} {
		for _, name := range []string{
			"descriptions", "rejectedReasons", "workarounds", "solutions", "exploits", "configurations",
		} {
			out = append(out, c+"/"+name, c+"/"+name+"/*/supportingMedia")
		}
		for _, name := range []string{
			"replacedBy", "affected", "cpeApplicability", "problemTypes", "metrics", "references", "timeline", "credits", "impacts", "tags", "taxonomyMappings",
			"affected/*/cpes", "affected/*/modules", "affected/*/platforms", "affected/*/programFiles", "affected/*/programRoutines", "affected/*/versions",
			"affected/*/versions/*/changes", "cpeApplicability/*/nodes", "cpeApplicability/*/nodes/*/cpeMatch", "problemTypes/*/descriptions",
			"metrics/*/scenarios", "metrics/*/other/content/options", "references/*/tags", "impacts/*/descriptions", "impacts/*/descriptions/*/supportingMedia",
			"taxonomyMappings/*/taxonomyRelations",
		} {
			out = append(out, c+"/"+name)
		}
	}
	return out
}()

func isUnordered(pointer string) bool {
	return slices.ContainsFunc(unordered, func(pattern string) bool {
		ok, err := path.Match(pattern, pointer)
		return err == nil && ok
	})
}

// normal writes a document so that equal ones are equal text.
func normal(t testing.TB, doc []byte) string {
	if doc == nil {
		return "no document"
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("normal form: %v", err)
	}
	var write func(v any, pointer string) string
	write = func(v any, pointer string) string {
		switch v := v.(type) {
		case map[string]any:
			names := make([]string, 0, len(v))
			for name := range v {
				names = append(names, name)
			}
			sort.Strings(names)
			var b strings.Builder
			for _, name := range names {
				// A name with a slash or a star is no name of the format: it must match no pattern.
				step := strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
				fmt.Fprintf(&b, "%q:%s,", name, write(v[name], pointer+"/"+step))
			}
			return "{" + b.String() + "}"
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = write(v[i], pointer+"/"+strconv.Itoa(i))
			}
			if isUnordered(pointer) {
				sort.Strings(parts)
			}
			return "[" + strings.Join(parts, ",") + "]"
		case json.Number:
			r, ok := new(big.Rat).SetString(string(v))
			if !ok {
				t.Skip("a number that the check cannot hold")
			}
			return r.String()
		}
		return fmt.Sprintf("%T %q", v, fmt.Sprint(v))
	}
	return write(v, "")
}

// resolve finds what a JSON pointer (RFC 6901) points to.
func resolve(doc []byte, pointer string) (any, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	for i, step := range strings.Split(pointer, "/") {
		if i == 0 {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return nil, fmt.Errorf("no member %q", step)
			}
			v = next
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(in) {
				return nil, fmt.Errorf("no element %s", step)
			}
			v = in[n]
		default:
			return nil, fmt.Errorf("nothing below %s", pointer)
		}
	}
	return v, nil
}

func same(doc []byte, pointer string, part jsontext.Value) error {
	there, err := resolve(doc, pointer)
	if err != nil {
		return fmt.Errorf("%q: %w", pointer, err)
	}
	given, err := resolve(part, "")
	if err != nil {
		return fmt.Errorf("%q: the part: %w", pointer, err)
	}
	if a, b := fmt.Sprintf("%#v", there), fmt.Sprintf("%#v", given); a != b {
		return fmt.Errorf("%q is %s, the change has %s", pointer, a, b)
	}
	return nil
}

// checkLaws states what Records promises of any two documents.
func checkLaws(t testing.TB, a, b []byte) {
	t.Helper()
	changes, err := Records(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if equal := normal(t, a) == normal(t, b); equal != (len(changes) == 0) {
		t.Fatalf("equal is %v, changes:\n%s", equal, strings.Join(lines(changes), "\n"))
	}
	for _, doc := range [][]byte{a, b} {
		if own, err := Records(doc, doc); err != nil || len(own) > 0 {
			t.Fatalf("a document differs from itself: %v %v", own, err)
		}
	}
	checkPointers(t, a, b, changes)
	back, err := Records(b, a)
	if err != nil {
		t.Fatal(err)
	}
	checkMirror(t, changes, back)
	for i := 1; i < len(changes); i++ {
		if rank(changes[i-1].Kind) > rank(changes[i].Kind) {
			t.Errorf("%q stands before %q", changes[i-1], changes[i])
		}
	}
}

func checkPointers(t testing.TB, a, b []byte, changes []Change) {
	t.Helper()
	for _, c := range changes {
		if rank(c.Kind) < 0 {
			t.Errorf("%q has a kind without a place in the order", c)
		}
		from, to := c.Pointer, c.Pointer
		if c.From != "" {
			from = c.From
		}
		if (c.Op != Added) != (c.Old != nil) || (c.Op != Removed) != (c.New != nil) {
			t.Errorf("%s %s: old %v, new %v", c.Op, c.Pointer, c.Old != nil, c.New != nil)
		}
		if c.Old != nil {
			if err := same(a, from, c.Old); err != nil {
				t.Errorf("%s in the older version: %v", c.Op, err)
			}
		}
		if c.New != nil {
			if err := same(b, to, c.New); err != nil {
				t.Errorf("%s in the newer version: %v", c.Op, err)
			}
		}
	}
}

// checkMirror compares two lists of changes, one turned around, without the names that each takes from its newer version.
func checkMirror(t testing.TB, there, back []Change) {
	t.Helper()
	key := func(c Change, turn bool) string {
		from, to := c.Pointer, c.Pointer
		if c.From != "" {
			from = c.From
		}
		switch c.Op {
		case Added:
			from = "-"
		case Removed:
			to = "-"
		}
		old, new, before, after := string(c.Old), string(c.New), c.Before, c.After
		if turn {
			from, to, old, new, before, after = to, from, new, old, after, before
		}
		return fmt.Sprint(c.Kind, from, to, before, after, old, new, c.CNA)
	}
	var x, y []string
	for _, c := range there {
		x = append(x, key(c, false))
	}
	for _, c := range back {
		y = append(y, key(c, true))
	}
	sort.Strings(x)
	sort.Strings(y)
	if !slices.Equal(x, y) {
		t.Errorf("there:\n%s\nand back:\n%s", strings.Join(lines(there), "\n"), strings.Join(lines(back), "\n"))
	}
}
