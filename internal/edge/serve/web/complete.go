package web

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// mostOptions is how many completions the box offers at once.
const mostOptions = 10

// completion is what the script of the search box is given. Start and End are the part of the text to replace, in UTF-16 code
// units, as a browser counts.
type completion struct {
	Title   string   `json:"title"` // what the list is, for who does not see it
	Start   int      `json:"start"`
	End     int      `json:"end"`
	Options []option `json:"options"`
}

type option struct {
	Insert string `json:"insert"`
	Help   string `json:"help,omitzero"`  // what a field asks, what a weakness is called
	Count  string `json:"count,omitzero"` // in the reader's language
}

// complete answers what the reader may want to type next at the cursor, which counts UTF-16 code units.
func (s *server) complete(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("q")
	units, err := strconv.Atoi(r.URL.Query().Get("cursor"))
	if err != nil || len(text) > maxText {
		http.Error(w, "no such text or cursor", http.StatusBadRequest)
		return
	}
	l, _ := s.Preferences(w, r)
	out := completion{Title: l.T("search.options"), Start: units, End: units, Options: []option{}}
	if !s.warming() {
		c, err := s.Catalogue.Complete(r.Context(), text, bytesAt(text, units), mostOptions)
		if err != nil {
			if r.Context().Err() == nil {
				s.Log.WarnContext(r.Context(), "no completion", "err", err)
			}
			http.Error(w, "no completion now", http.StatusServiceUnavailable)
			return
		}
		out.Start, out.End = unitsAt(text, c.Span.Start), unitsAt(text, c.Span.End)
		for _, o := range c.Options {
			x := option{Insert: o.Insert, Help: o.Label}
			if o.Field != nil && strings.HasPrefix(o.Insert, o.Field.Name) && strings.ContainsAny(o.Insert[len(o.Insert)-1:], ":=") {
				x.Help = o.Field.Help[string(l)]
			}
			if o.Count > 0 {
				x.Count = l.Count(int64(o.Count))
			}
			out.Options = append(out.Options, x)
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=60")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	s.Write(w, r, http.StatusOK, "application/json", body)
}

// bytesAt is the place in bytes of a place in UTF-16 code units, within the text. A place inside a character is the place
// before it.
func bytesAt(text string, units int) int {
	for i, r := range text {
		if units -= utf16.RuneLen(r); units < 0 {
			return i
		}
	}
	return len(text)
}

// unitsAt is the way back.
func unitsAt(text string, bytes int) (units int) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if i += size; i > bytes {
			break
		}
		units += utf16.RuneLen(r)
	}
	return units
}
