package portal

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/drafts"
	"tasuki/internal/edge/serve/web"
	"tasuki/internal/program"
	"tasuki/spec/cve"
)

// newDesk is a world with the record editor, and an identifier of acme's to write about.
func newDesk(t testing.TB) (*world, string) {
	t.Helper()
	w := newWorld(t)
	valid, err := validator()
	if err != nil {
		t.Fatal(err)
	}
	w.opts.Editing = &Editing{Drafts: &drafts.Service{DB: w.DB, Now: w.Clock.Now}, Records: w.Catalogue, Schema: valid, Sketch: web.Sketch, Compare: web.Compared}
	return w, w.reserve(t)
}

// reserve is another identifier of acme's.
func (w *world) reserve(t testing.TB) string {
	t.Helper()
	out, err := w.Acts.Reserve(t.Context(), w.caller(t, "ann@acme.test"), program.Reservation{Owner: "acme", Year: 2026, Amount: 1})
	if err != nil {
		t.Fatal(err)
	}
	return out.IDs[0].ID
}

// control is what a form would send for one of its controls.
type control struct{ name, value string }

// controls reads a form's controls as a browser sends them, nobody having touched any.
func controls(t testing.TB, page string) (out []control) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict = false
	d.AutoClose = []string{"input", "meta", "link", "br"}
	d.Entity = xml.HTMLEntity
	inside := false
	area, text := "", ""
	selected, first, in := "", "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			a := map[string]string{}
			for _, x := range token.Attr {
				a[x.Name.Local] = x.Value
			}
			_, checked := a["checked"]
			switch token.Name.Local {
			case "form":
				inside = a["id"] == "edit"
			case "input":
				if inside && a["name"] != "" && (a["type"] != "checkbox" && a["type"] != "radio" || checked) {
					out = append(out, control{a["name"], strings.ReplaceAll(a["value"], "\n", "")})
				}
			case "textarea":
				area, text = a["name"], ""
			case "select":
				in, selected, first = a["name"], "\x00", "\x00"
			case "option":
				if _, on := a["selected"]; on {
					selected = a["value"]
				}
				if first == "\x00" {
					first = a["value"]
				}
			}
		case xml.CharData:
			if area != "" {
				text += string(token)
			}
		case xml.EndElement:
			switch token.Name.Local {
			case "form":
				inside = false
			case "textarea":
				if inside && area != "" {
					out = append(out, control{area, strings.ReplaceAll(strings.TrimPrefix(text, "\n"), "\n", "\r\n")})
				}
				area = ""
			case "select":
				if selected == "\x00" {
					selected = first
				}
				if inside && in != "" {
					out = append(out, control{in, selected})
				}
				in = ""
			}
		}
	}
}

// paper is the form as one browser has it.
type paper struct {
	t      testing.TB
	c      *browser
	id     string
	values url.Values
	answer answer
}

// paper opens the form.
func (c *browser) paper(t testing.TB, id string) *paper {
	t.Helper()
	p := &paper{t: t, c: c, id: id}
	p.take(c.get(t, "/portal/records/"+id+"/edit"))
	if p.answer.status != http.StatusOK {
		t.Fatalf("the form of %s: %d", id, p.answer.status)
	}
	return p
}

// take reads the form of an answer, where there is one.
func (p *paper) take(a answer) {
	p.t.Helper()
	p.answer = a
	if !strings.Contains(a.body, `id="edit"`) {
		return
	}
	p.values = url.Values{}
	for _, x := range controls(p.t, a.body) {
		p.values.Add(x.name, x.value)
	}
}

// set writes into controls that the form has.
func (p *paper) set(pairs ...string) *paper {
	p.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := p.values[pairs[i]]; !ok && !strings.Contains(pairs[i], "vectorString#") {
			p.t.Fatalf("the form has no %s", pairs[i])
		}
		p.values.Set(pairs[i], pairs[i+1])
	}
	return p
}

// tick adds a tag.
func (p *paper) tick(name, tag string) *paper {
	p.t.Helper()
	if _, ok := p.values[name]; !ok {
		p.t.Fatalf("the form has no %s", name)
	}
	p.values.Add(name, tag)
	return p
}

// press sends the form by a button: an op, or the end of an address (/check, /publish, …).
func (p *paper) press(button string) *paper {
	p.t.Helper()
	to, values := "/edit", url.Values{}
	for name, v := range p.values {
		values[name] = slices.Clone(v)
	}
	if strings.HasPrefix(button, "/") {
		to = button
	} else {
		values.Set("op", button)
	}
	a := p.c.post(p.t, "/portal/records/"+p.id+to, values)
	if a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/portal/records/") {
		a = p.c.get(p.t, a.location)
	}
	p.take(a)
	return p
}

// problems are what an answer says is wrong, by the id of the place.
func (p *paper) at(id string) string {
	_, rest, ok := strings.Cut(p.answer.body, `id="`+id+`-p"`)
	if !ok {
		p.t.Fatalf("no place for problems of %s", id)
	}
	said, _, _ := strings.Cut(rest, "</div>")
	return said
}

// record is what is on the list.
func (w *world) record(t testing.TB, id string) *cve.Record {
	t.Helper()
	v, err := w.Catalogue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Record
}
