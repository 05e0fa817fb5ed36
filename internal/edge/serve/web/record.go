package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/layout"
	"tasuki/web/record"
)

// record is the page about one CVE, now or as it was known at a moment.
func (s *server) record(w http.ResponseWriter, r *http.Request) {
	if id, raw := strings.CutSuffix(r.PathValue("id"), ".json"); raw {
		s.raw(w, r, id)
		return
	}
	id, ok := s.identified(w, r)
	if !ok {
		return
	}
	at, ok := s.moment(w, r)
	if !ok {
		return
	}
	v, err := s.get(r.Context(), id, at)
	if err != nil || v.State == cve.Reserved {
		s.absent(w, r, id, at, err)
		return
	}
	versions, err := s.Catalogue.Versions(r.Context(), id)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, node := s.Page(w, r)
	view := describe(p.Lang, v, wanted{number(r, "versions"), number(r, "references")})
	view.Page = p
	view.Page.Scripts = append(view.Page.Scripts, "record.js")
	view.Page.Title = id
	if view.Headline != "" {
		view.Page.Title += " " + view.Headline
	}
	turn(p, &view.AffectedPages, "versions", "affected")
	turn(p, &view.RefPages, "references", "references")
	view.Versions = len(versions)
	if view.History, err = s.list(r.Context(), p.Lang, id, versions, span{0, onRecord, told}); err != nil {
		s.Fail(w, r, err)
		return
	}
	for i, x := range versions {
		if x.Index == v.Index {
			view.Shown = len(versions) - i
		}
	}
	for i := range view.History.Versions {
		x := &view.History.Versions[i]
		x.Shown = x.Index == v.Index
	}
	if at.IsZero() {
		if view.Cases, err = s.casesAbout(r.Context(), p.Lang, id); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	view.AsOf = s.asOf(p.Lang, id, at, v, versions)
	if view.AsOf.Past {
		view.Raw += "?size=" + strconv.FormatInt(v.Index+1, 10)
	}
	view.ListID, view.Leaf = node.ListID, v.Index
	if view.Shown == len(versions) {
		view.Verify = []string{
			"curl -o " + id + ".tlog-proof " + s.BaseURL + "/proof/" + id,
			"curl -o " + id + ".json " + s.BaseURL + "/cve/" + id + ".json",
			"tasuki verify record " + id + ".tlog-proof --record " + id + ".json --list-id " + node.ListID,
		}
	}
	s.Send(w, r, http.StatusOK, record.Body(view))
}

// identified is the id of an address below /cve/, in its canonical form; other ways to write it are sent there. Not ok means
// that the answer is given.
func (s *server) identified(w http.ResponseWriter, r *http.Request) (string, bool) {
	typed := r.PathValue("id")
	id, ok := readID(typed)
	if !ok {
		s.malformed(w, r, typed)
		return "", false
	}
	if id != typed {
		s.Preferences(w, r)
		to := "/cve/" + id + strings.TrimPrefix(r.URL.Path, "/cve/"+typed)
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return "", false
	}
	return id, true
}

// get is the record as known at a moment; the zero moment is now.
func (s *server) get(ctx context.Context, id string, at catalogue.At) (*catalogue.View, error) {
	if at.IsZero() {
		return s.Catalogue.Get(ctx, id)
	}
	return s.Catalogue.GetAt(ctx, id, at)
}

// number is a page's number from an address. What is none is the first.
func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// turn fills the addresses that lead through the pages of a long section.
func turn(p layout.Page, pages *record.Pages, name, anchor string) {
	if pages.At > 1 {
		pages.Prev = p.Here(name, strconv.Itoa(pages.At-1)) + "#" + anchor
	}
	if pages.At < pages.Of {
		pages.Next = p.Here(name, strconv.Itoa(pages.At+1)) + "#" + anchor
	}
}

// raw is /cve/{id}.json: the record's bytes as its publisher gave them. They are what the log's leaf holds the hash of, so
// they are what a proof is checked against; the same record by way of the CVE Services API is compact.
func (s *server) raw(w http.ResponseWriter, r *http.Request, id string) {
	if _, err := cve.ParseID(id); err != nil {
		s.malformed(w, r, id)
		return
	}
	at, ok := s.moment(w, r)
	if !ok {
		return
	}
	v, err := s.get(r.Context(), id, at)
	if err != nil {
		s.absent(w, r, id, at, err)
		return
	}
	body, err := v.Raw()
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.Write(w, r, http.StatusOK, "application/json; charset=utf-8", body)
}

// wanted are the pages of a record's long sections.
type wanted struct{ affected, references int }

// describe is the record as its page shows it; pure, so that it can be tried on every record there is.
func describe(l i18n.Lang, v *catalogue.View, pages wanted) record.View {
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
	describeProducts(l, rec, pages.affected, &view)
	describeReferences(l, rec, pages.references, &view)
	if strings.TrimSpace(cna.Title) == "" {
		composeHeadline(l, &view)
	}
	view.Containers = containers(l, rec)
	view.Differences = differences(l, &view, rec)
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

// composeHeadline gives a record without a title its first product and weakness for one, where it names both: its first
// sentence stands right below.
func composeHeadline(l i18n.Lang, view *record.View) {
	weak := slices.IndexFunc(view.CWEs, func(w record.Weakness) bool { return w.ID != "" && w.Name != "" })
	if weak < 0 || len(view.Affected) == 0 || view.Affected[0].Name == "?" {
		return
	}
	p := view.Affected[0]
	view.Headline, view.HeadlineLang = strings.TrimSpace(p.Vendor+" "+p.Name)+": "+view.CWEs[weak].Name, tagged(l, "en")
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
