package web

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// A page is parsed and asked by tag, class and id, never by substring of its markup. It also has to be well-formed:
// every element closed in order, every attribute quoted, which is more than a browser asks and catches slips.
type sheet struct {
	status int
	header http.Header
	raw    string
	root   *node
}

type node struct {
	name     string
	attr     map[string]string
	parent   *node
	children []*node
	text     string // of a text node
}

func fetch(t testing.TB, h http.Handler, path string, header ...string) *sheet {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	p := &sheet{status: w.Code, header: w.Result().Header, raw: w.Body.String()}
	if strings.HasPrefix(p.header.Get("Content-Type"), "text/html") && w.Body.Len() > 0 && w.Code != http.StatusSeeOther {
		p.root = parse(t, path, p.raw)
	}
	return p
}

func parse(t testing.TB, path, text string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.AutoClose = []string{"input", "meta", "link", "br"}
	d.Entity = xml.HTMLEntity
	root := &node{name: "#root"}
	at := root
	for {
		tok, err := d.Token()
		if err == io.EOF {
			if at != root {
				t.Fatalf("%s: <%s> is never closed", path, at.name)
			}
			return root
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name.Local, attr: make(map[string]string), parent: at}
			for _, a := range tok.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			at.children = append(at.children, n)
			at = n
		case xml.EndElement:
			if at.name != tok.Name.Local {
				t.Fatalf("%s: </%s> inside <%s>", path, tok.Name.Local, at.name)
			}
			at = at.parent
		case xml.CharData:
			at.children = append(at.children, &node{parent: at, text: string(tok)})
		}
	}
}

// all finds elements by a selector of simple parts ("ol.hits a.id", "#q", "details[open]"), each within the last.
func (p *sheet) all(selector string) []*node {
	found := []*node{p.root}
	for _, part := range strings.Fields(selector) {
		var next []*node
		for _, n := range found {
			n.walk(func(m *node) {
				if m != n && m.is(part) && !slices.Contains(next, m) {
					next = append(next, m)
				}
			})
		}
		found = next
	}
	return found
}

func (p *sheet) one(t testing.TB, selector string) *node {
	t.Helper()
	found := p.all(selector)
	if len(found) != 1 {
		t.Fatalf("%d elements for %q", len(found), selector)
	}
	return found[0]
}

func (n *node) walk(fn func(*node)) {
	fn(n)
	for _, c := range n.children {
		c.walk(fn)
	}
}

func (n *node) is(part string) bool {
	if n.name == "" {
		return false
	}
	if i := strings.IndexByte(part, '['); i >= 0 {
		if _, ok := n.attr[strings.TrimSuffix(part[i+1:], "]")]; !ok {
			return false
		}
		part = part[:i]
	}
	if i := strings.IndexByte(part, '#'); i >= 0 {
		if n.attr["id"] != part[i+1:] {
			return false
		}
		part = part[:i]
	}
	name, class, _ := strings.Cut(part, ".")
	return (name == "" || name == n.name) && (class == "" || slices.Contains(strings.Fields(n.attr["class"]), class))
}

// words is the text inside, with white space as a reader sees it.
func (n *node) words() string {
	var b strings.Builder
	n.walk(func(m *node) { b.WriteString(m.text) })
	return strings.Join(strings.Fields(b.String()), " ")
}
