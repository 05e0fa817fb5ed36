package portal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/drafts"
	"tasuki/internal/edge/serve/page"
	"tasuki/spec/cve/form"
)

// sheet is the form between two requests.
type sheet struct {
	state   *form.State
	version int64 // of the draft that it was drawn from, 0 for none
	base    int64 // the leaf that the writing began with
	shown   []string

	// A text that is no container stays where it was typed.
	text, textProblem string
	apart             bool // fields and JSON were changed, each in its way
}

// draftBody is what a draft keeps.
type draftBody struct {
	Base int64          `json:"base"`
	Form jsontext.Value `json:"form"`
}

func (x *sheet) body() ([]byte, error) {
	return json.Marshal(draftBody{x.base, x.state.Encode()})
}

func sheetOf(d drafts.Draft) (*sheet, error) {
	var b draftBody
	if err := json.Unmarshal(d.Body, &b); err != nil {
		return nil, err
	}
	state, err := form.Parse(b.Form)
	if err != nil {
		return nil, err
	}
	return &sheet{state: state, version: d.Version, base: b.Base}, nil
}

// begun is the form as somebody comes to it: their draft, else the published container, else a blank one.
func (s *server) begun(v *visit, w *writing) (*sheet, drafts.Draft, error) {
	ctx, user := v.r.Context(), v.me.User.ID
	d, err := s.Editing.Drafts.Get(ctx, user, w.ID)
	if err == nil {
		x, err := sheetOf(d)
		return x, d, err
	}
	if !errors.Is(err, drafts.ErrNone) {
		return nil, d, err
	}
	x, err := fresh(w)
	return x, d, err
}

func fresh(w *writing) (*sheet, error) {
	raw := w.cna
	if raw == nil {
		raw = []byte(`{}`)
	}
	state, err := form.Parse(raw)
	if err != nil {
		return nil, err
	}
	state.Invite()
	return &sheet{state: state, base: w.leaf}, nil
}

// received is the form as it came back, with what was typed in it.
func (s *server) received(v *visit, w *writing) (*sheet, error) {
	r := v.r
	if err := r.ParseForm(); err != nil {
		return nil, errTooLarge
	}
	f := r.PostForm
	if f["doc"] == nil && f["saved"] != nil { // the preview's button: what was looked at is what the draft keeps
		x, d, err := s.begun(v, w)
		if err == nil && strconv.FormatInt(d.Version, 10) != f.Get("saved") {
			err = errMoved
		}
		return x, err
	}
	state, err := form.Parse([]byte(f.Get("doc")))
	if err != nil {
		return nil, errNoSheet
	}
	x := &sheet{state: state, base: -1, shown: f["shown"]}
	for name, into := range map[string]*int64{"version": &x.version, "base": &x.base} {
		if *into, err = strconv.ParseInt(f.Get(name), 10, 64); err != nil {
			return nil, errNoSheet
		}
	}
	before := pretty(state)
	state.Apply(f)
	if f["json"] == nil { // a script says so where nobody wrote there
		return x, nil
	}
	return x, x.read(f.Get("json"), before, f.Get("op") == "json")
}

// read takes the container's text, where somebody changed it.
func (x *sheet) read(typed, before string, asked bool) error {
	typed = strings.ReplaceAll(typed, "\r\n", "\n")
	after := pretty(x.state)
	if typed == before || typed == after {
		return nil
	}
	if after != before && !asked {
		x.text, x.apart = typed, true
		return nil
	}
	state, err := form.Parse([]byte(typed))
	if err != nil {
		x.text, x.textProblem = typed, err.Error()
		return nil
	}
	// A whole record may be pasted, too.
	if cna, err := cnaOf([]byte(typed)); err == nil {
		if state, err = form.Parse(cna); err != nil {
			return err
		}
	}
	state.Drop("providerMetadata")
	state.Invite()
	x.state = state
	return nil
}

// pretty is the container without its blank rows, for people to read.
func pretty(state *form.State) string {
	raw, _ := state.Clean()
	v := jsontext.Value(raw)
	if v.Indent(jsontext.WithIndent("  ")) != nil {
		return string(raw)
	}
	return string(v)
}

var (
	errNoSheet  = errors.New("portal: the form came back without what it was drawn from")
	errTooLarge = errors.New("portal: the form is too large")
	errMoved    = errors.New("portal: the draft is another than the one that was looked at")
)

// sheetProblem is the page for a form that cannot be read at all.
var sheetProblem = page.Error{Status: http.StatusBadRequest, Name: "sheet"}

// show notes a list whose rows are all wanted.
func (x *sheet) show(name string) {
	if !slices.Contains(x.shown, name) {
		x.shown = append(x.shown, name)
	}
}
