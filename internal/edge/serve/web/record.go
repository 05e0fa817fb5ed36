package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/notice"
	"tasuki/web/record"
)

// record is the page about one CVE.
func (s *server) record(w http.ResponseWriter, r *http.Request) {
	if id, raw := strings.CutSuffix(r.PathValue("id"), ".json"); raw {
		s.raw(w, r, id)
		return
	}
	id, ok := readID(r.PathValue("id"))
	if !ok {
		s.refuse(w, r, idProblem)
		return
	}
	if id != r.PathValue("id") {
		s.preferences(w, r)
		http.Redirect(w, r, "/cve/"+id, http.StatusMovedPermanently)
		return
	}
	v, err := s.Catalogue.Get(r.Context(), id)
	switch {
	case errors.Is(err, catalogue.ErrNotFound):
		s.absent(w, r, id, "record")
	case errors.Is(err, catalogue.ErrErased):
		s.absent(w, r, id, "erased")
	case err != nil:
		s.fail(w, r, err)
	case v.State == cve.Reserved:
		s.absent(w, r, id, "reserved")
	default:
		versions, err := s.Catalogue.Versions(r.Context(), id)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		p, node := s.page(w, r)
		view := describe(p.Lang, v)
		view.Page = p
		view.Page.Title = id
		if view.Headline != "" {
			view.Page.Title += " " + view.Headline
		}
		view.History = history(versions)
		view.Versions = len(versions)
		view.ListID, view.LogSize = node.ListID, node.Size
		view.Verify = []string{
			"curl -o " + id + ".tlog-proof " + s.BaseURL + "/proof/" + id,
			"curl -o " + id + ".json " + s.BaseURL + "/cve/" + id + ".json",
			"tasuki verify record " + id + ".tlog-proof --body " + id + ".json --list-id " + node.ListID,
		}
		s.send(w, r, http.StatusOK, record.Body(view))
	}
}

// raw is /cve/{id}.json: the record's bytes as its publisher gave them. They are what the log's leaf holds the hash of, so
// they are what a proof is checked against; the same record by way of the CVE Services API is compact.
func (s *server) raw(w http.ResponseWriter, r *http.Request, id string) {
	if _, err := cve.ParseID(id); err != nil {
		s.refuse(w, r, idProblem)
		return
	}
	v, err := s.Catalogue.Get(r.Context(), id)
	switch {
	case errors.Is(err, catalogue.ErrNotFound):
		s.absent(w, r, id, "record")
		return
	case errors.Is(err, catalogue.ErrErased):
		s.absent(w, r, id, "erased")
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	body, err := v.Raw()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.write(w, r, http.StatusOK, "application/json; charset=utf-8", body)
}

// maxNear is how many other ids a 404 offers.
const maxNear = 5

// absent is the page of an id that has no record to show (why: record, reserved, erased): it says what is known, and
// offers the ids somebody may have meant.
func (s *server) absent(w http.ResponseWriter, r *http.Request, id, why string) {
	p, _ := s.page(w, r)
	v := notice.View{Page: p, Heading: p.Lang.T("notice."+why+".title", id), Text: p.Lang.T("notice." + why + ".text")}
	for _, other := range neighbours(id) {
		if len(v.Near) == maxNear {
			break
		}
		if near, err := s.Catalogue.Get(r.Context(), other); err == nil && near.State != cve.Reserved {
			headline, _ := headline(p.Lang, near.Record)
			v.Near = append(v.Near, notice.Near{ID: other, Summary: headline})
		}
	}
	v.Page.Title = v.Heading
	s.send(w, r, http.StatusNotFound, notice.Body(v))
}

// describe is the record as its page shows it; pure, so that it can be tried on every record there is.
func describe(l i18n.Lang, v *catalogue.View) record.View {
	rec := v.Record
	cna := rec.Containers.CNA
	view := record.View{
		ID: v.ID, State: string(v.State), Changed: v.Changed, Assigner: rec.Metadata.AssignerShortName,
		Raw: "/cve/" + v.ID + ".json", Proof: "/proof/" + v.ID,
	}
	if at, _, err := cve.ParseTime(rec.Metadata.DatePublished); err == nil {
		view.Published = at
	}
	view.Headline, view.HeadlineLang = headline(l, rec)
	for _, tag := range cna.Tags {
		if i18n.Has("tag." + tag) {
			view.Tags = append(view.Tags, record.Tag{Label: l.T("tag." + tag), Explain: l.T("tag." + tag + ".text")})
		}
	}
	if v.State == cve.Rejected {
		view.Statements = statements(l, "", cna.RejectedReasons, source(cna, "CNA"))
		for _, id := range cna.ReplacedBy {
			if id, ok := readID(id); ok {
				view.ReplacedBy = append(view.ReplacedBy, id)
			}
		}
		return view
	}
	for _, p := range parties(rec) {
		view.Statements = append(view.Statements, statements(l, "", p.Descriptions, p.source)...)
		view.Advice = append(view.Advice, statements(l, "solution", p.Solutions, p.source)...)
		view.Advice = append(view.Advice, statements(l, "workaround", p.Workarounds, p.source)...)
		view.Advice = append(view.Advice, statements(l, "configuration", p.Configurations, p.source)...)
		view.Advice = append(view.Advice, statements(l, "exploit", p.Exploits, p.source)...)
		for _, t := range p.Timeline {
			at, _, err := cve.ParseTime(t.Time)
			if err != nil {
				at = time.Time{}
			}
			view.Timeline = append(view.Timeline, record.Remark{At: at, Value: t.Value, Lang: tagged(l, t.Lang)})
		}
		for _, c := range p.Credits {
			view.Credits = append(view.Credits, record.Credit{Name: cmp.Or(c.Value, c.User), Role: c.Type})
		}
	}
	describeSeverity(l, rec, &view)
	describeProducts(l, rec, &view)
	describeReferences(rec, &view)
	view.Containers = containers(l, rec)
	return view
}

// party is one container with the name it goes by on the page.
type party struct {
	*cve.Container
	kind   string // CNA, ADP
	source string // "Acme (CNA)"
}

// parties are the record's containers, the CNA's first.
func parties(rec *cve.Record) []party {
	ps := []party{{&rec.Containers.CNA, "CNA", source(rec.Containers.CNA, "CNA")}}
	for i := range rec.Containers.ADP {
		c := &rec.Containers.ADP[i]
		ps = append(ps, party{c, "ADP", source(*c, "ADP")})
	}
	return ps
}

func source(c cve.Container, kind string) string {
	return cmp.Or(c.Provider.ShortName, c.Provider.OrgID, "?") + " (" + kind + ")"
}

// statements are texts as their authors wrote them. The best language for the reader is open, the same text in others
// is folded.
func statements(l i18n.Lang, kind string, texts []cve.Text, source string) (out []record.Statement) {
	best, ok := cve.Pick(texts, string(l), "en", cve.Any)
	if !ok {
		return nil
	}
	shown := cve.Language(best.Lang)
	for _, t := range texts {
		if value := strings.TrimSpace(t.Value); value != "" {
			out = append(out, record.Statement{
				Kind: kind, Value: value, Lang: tagged(l, t.Lang), Source: source, Hidden: cve.Language(t.Lang) != shown,
			})
		}
	}
	return out
}

// tagged is a text's language for its lang attribute, "" when it is the page's own.
func tagged(l i18n.Lang, tag string) string {
	if lang := cve.Language(tag); lang != string(l) {
		return cmp.Or(lang, "und")
	}
	return ""
}

// headline is the record in one line: its title, else its first product, else the first sentence of its description.
func headline(l i18n.Lang, rec *cve.Record) (text, lang string) {
	cna := rec.Containers.CNA
	if t := strings.TrimSpace(cna.Title); t != "" {
		return t, otherLanguage(l, t)
	}
	texts := cna.Descriptions
	if rec.Metadata.State == cve.Rejected {
		texts = cna.RejectedReasons
	}
	best, ok := cve.Pick(texts, string(l), "en", cve.Any)
	if !ok {
		return "", ""
	}
	return firstSentence(best.Value), tagged(l, best.Lang)
}

// maxSentence is where a headline made from a description is cut, in characters.
const maxSentence = 140

// firstSentence ends at the first full stop that is followed by a space or a line's end ("1.2.3" and "e.g. x" are the
// trap), or is cut between words.
func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for i, c := range text {
		if c == '。' {
			text = text[:i+len("。")]
			break
		}
		if c == '.' && i > 40 && strings.HasPrefix(text[i+1:], " ") && !strings.HasSuffix(text[:i], " e.g") && !strings.HasSuffix(text[:i], "i.e") {
			text = text[:i]
			break
		}
	}
	if utf8.RuneCountInString(text) <= maxSentence {
		return text
	}
	cut := string([]rune(text)[:maxSentence])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:") + "…"
}

// history numbers the versions, which come newest first.
func history(versions []catalogue.Version) []record.Version {
	rows := make([]record.Version, len(versions))
	for i, v := range versions {
		kind, _, _ := strings.Cut(v.Kind, "/")
		rows[i] = record.Version{N: len(versions) - i, Index: v.Index, Logged: v.Logged, Kind: kind}
		if at, _, err := cve.ParseTime(v.Updated); err == nil {
			rows[i].Source = at
		}
	}
	return rows
}
