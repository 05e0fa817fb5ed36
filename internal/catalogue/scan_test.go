package catalogue

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/nvd"
)

// This file answers queries a second time, without the catalogue: it reads the JSON of each record with encoding/json and walks
// the tree. What it shares with the catalogue is the tree, CVSS arithmetic (spec/cvss) and NVD's status class (spec/nvd).

// object and list read loosely typed JSON; what is missing or of another type is empty.
type object map[string]any

func (o object) object(name string) object { v, _ := o[name].(map[string]any); return v }
func (o object) text(name string) string   { v, _ := o[name].(string); return v }
func (o object) list(name string) (out []object) {
	values, _ := o[name].([]any)
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
func (o object) texts(name string) (out []string) {
	values, _ := o[name].([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// scanned is what one document says, as far as queries ask.
type scanned struct {
	id    string
	words map[string][]string   // by field: lower case
	nums  map[string][]float64  // by field
	times map[string]*time.Time // by field; nil where there is none
	vecs  []string
	text  map[string][]string   // by zone, cut into words
	cut   func(string) []string // cutWords; whoever asks many records for the same words remembers them
}

type score struct {
	version, severity, vector string
	value                     float64
	cna, bound                bool
}

func scan(t testing.TB, raw []byte) *scanned {
	t.Helper()
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	meta, cna := doc.object("cveMetadata"), doc.object("containers").object("cna")
	adps := doc.object("containers").list("adp")
	all := append([]object{cna}, adps...)
	rejected := meta.text("state") == "REJECTED"
	d := &scanned{id: meta.text("cveId"), words: map[string][]string{}, nums: map[string][]float64{}, times: map[string]*time.Time{}, text: map[string][]string{}, cut: cutWords}
	word := func(field, value string) {
		if value != "" {
			d.words[field] = append(d.words[field], strings.ToLower(value))
		}
	}
	has := func(what string, is bool) {
		if is {
			word("has", what)
		}
	}
	word("id", d.id)
	var year float64
	for _, c := range d.id[4:8] {
		year = year*10 + float64(c-'0')
	}
	d.nums["year"] = []float64{year}
	word("state", meta.text("state"))
	assigner := cmp.Or(meta.text("assignerShortName"), cna.object("providerMetadata").text("shortName"))
	word("assigner", assigner)
	word("source", meta.text("assignerShortName"))
	word("source", meta.text("assignerOrgId"))

	zones := map[string][]string{}
	say := func(zone, text string) {
		if text != "" {
			zones[zone] = append(zones[zone], text)
		}
	}
	descriptions := "descriptions"
	if rejected {
		descriptions = "rejectedReasons"
	}
	for _, x := range cna.list(descriptions) {
		lang := language(x.text("lang"))
		word("lang", lang)
		if lang == "en" {
			say("en", x.text("value"))
		} else {
			say("other", x.text("value"))
		}
	}
	say("title", cna.text("title"))
	say("more", d.id)
	say("more", assigner)
	has("title", strings.TrimSpace(cna.text("title")) != "")
	has("adp", len(adps) > 0)

	var updates []time.Time
	var scores []score
	for i, c := range all {
		from := len(scores)
		provider := c.object("providerMetadata")
		word("source", provider.text("shortName"))
		word("source", provider.text("orgId"))
		if at := when(provider.text("dateUpdated")); at != nil {
			updates = append(updates, *at)
		}
		if i > 0 {
			for _, x := range c.list("descriptions") {
				say("other", x.text("value"))
			}
			if org := provider.text("orgId"); org != cve.CISAADP && org != cve.ProgramADP {
				say("more", c.text("title"))
			}
		}
		for _, a := range c.list("affected") {
			word("vendor", plainName(a.text("vendor")))
			word("product", plainName(a.text("product")))
			word("product", plainName(a.text("packageName")))
			for _, name := range []string{"vendor", "product", "packageName"} {
				say("product", a.text(name))
			}
			has("cpe", len(a.texts("cpes")) > 0)
			has("purl", a.text("packageURL") != "")
			for _, v := range a.list("versions") {
				has("range", v.text("lessThan") != "" || v.text("lessThanOrEqual") != "")
				has("fix", v.text("status") == "affected" && v.text("lessThan") != "" && v.text("lessThan") != "*")
				for _, ch := range v.list("changes") {
					has("fix", ch.text("status") == "unaffected")
				}
			}
		}
		cpe, _ := c["cpeApplicability"].([]any)
		has("cpe", len(cpe) > 0)
		for _, p := range c.list("problemTypes") {
			for _, x := range p.list("descriptions") {
				say("more", x.text("description"))
				say("more", x.text("cweId"))
				if w := cmp.Or(weaknessOf(x.text("cweId")), weaknessOf(x.text("description"))); w != "" && !rejected {
					word("cwe", w)
					has("cwe", strings.HasPrefix(w, "cwe-"))
				}
			}
		}
		for _, r := range c.list("references") {
			for _, tag := range r.texts("tags") {
				if !strings.HasPrefix(tag, "x_") {
					word("ref", tag)
				}
				has(tag, tag == "patch" || tag == "exploit")
				has("advisory", tag == "vendor-advisory" || tag == "third-party-advisory")
			}
		}
		if !rejected {
			for _, tag := range c.texts("tags") {
				word("tag", tag)
			}
		}
		for name, what := range map[string]string{"solutions": "solution", "workarounds": "workaround", "exploits": "exploit"} {
			for _, x := range c.list(name) {
				has(what, strings.TrimSpace(x.text("value")) != "")
			}
		}
		has("credit", len(c.list("credits")) > 0)
		has("timeline", len(c.list("timeline")) > 0)
		for _, name := range []string{"descriptions", "rejectedReasons", "solutions", "workarounds"} {
			for _, x := range c.list(name) {
				has("ja", language(x.text("lang")) == "ja" && strings.TrimSpace(x.text("value")) != "")
			}
		}
		for _, m := range c.list("metrics") {
			other := m.object("other")
			switch content := other.object("content"); other.text("type") {
			case "ssvc":
				seen := ""
				decided := false
				for _, o := range content.list("options") {
					for name, v := range o {
						value := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(str(v))), "public poc", "poc")
						switch strings.ToLower(name) {
						case "exploitation":
							if seen == "" && slices.Contains([]string{"none", "poc", "active"}, value) {
								seen = value
							}
						case "automatable":
							decided = decided || value == "yes" || value == "no"
						case "technical impact":
							decided = decided || value == "partial" || value == "total"
						}
					}
				}
				word("ssvc", seen)
				has("ssvc", seen != "" || decided)
			case "kev":
				if day, err := time.Parse(time.DateOnly, content.text("dateAdded")); err == nil && !rejected && d.times["kev"] == nil {
					d.times["kev"] = &day
					has("kev", true)
				}
			}
			if rejected {
				continue
			}
			bound := false
			for _, s := range m.list("scenarios") {
				bound = bound || s.text("value") != "" && !strings.EqualFold(s.text("value"), "GENERAL")
			}
			for _, name := range []string{"cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"} {
				if v, err := cvss.Parse(m.object(name).text("vectorString")); err == nil {
					scores = append(scores, score{v.Version(), strings.ToLower(v.Severity()), v.String(), v.Score(), i == 0, bound})
				}
			}
		}
		slices.SortStableFunc(scores[from:], func(a, b score) int { // what holds in general first
			return map[bool]int{true: 1}[a.bound] - map[bool]int{true: 1}[b.bound]
		})
	}
	d.score(scores, has)
	if rec, _, err := cve.DecodeLoose(raw); err == nil {
		word("status", nvd.StatusClass(rec))
	}
	d.dates(meta, updates, rejected)
	for zone, texts := range zones {
		var unique []string
		for l := range strings.Lines(strings.Join(texts, "\n") + "\n") {
			if !slices.Contains(unique, l) || zone == "en" || zone == "other" {
				unique = append(unique, l)
			}
		}
		d.text[zone] = cutWords(strings.Join(unique, ""))
	}
	return d
}

func str(v any) string { s, _ := v.(string); return s }

// score judges by: newer than version 2 before 2, the assigner's before others', newer before older, first before last.
func (d *scanned) score(scores []score, has func(string, bool)) {
	var best *score
	better := func(a, b score) bool {
		if old := a.version == "2.0"; old != (b.version == "2.0") {
			return !old
		}
		if a.cna != b.cna {
			return a.cna
		}
		return a.version > b.version
	}
	for i, s := range scores {
		d.vecs = append(d.vecs, s.vector)
		field := "cvss" + s.version[:1]
		d.nums[field] = append(d.nums[field], s.value)
		has("cvss", true)
		has(field, true)
		if best == nil || better(s, *best) {
			best = &scores[i]
		}
	}
	if best == nil {
		d.words["severity"] = []string{"unscored"}
		return
	}
	d.words["severity"] = []string{best.severity}
	d.nums["cvss"] = []float64{best.value}
}

func (d *scanned) dates(meta object, updates []time.Time, rejected bool) {
	d.times["updated"], d.times["reserved"] = when(meta.text("dateUpdated")), when(meta.text("dateReserved"))
	for _, name := range []string{"dateUpdated", "dateRejected"} {
		if at := when(meta.text(name)); at != nil && (name == "dateUpdated" || rejected) {
			updates = append(updates, *at)
		}
	}
	published := when(meta.text("datePublished"))
	if published == nil && rejected {
		published = d.times["reserved"]
	}
	slices.SortFunc(updates, time.Time.Compare)
	if published == nil && len(updates) > 0 {
		published = &updates[0]
	}
	d.times["published"], d.times["changed"] = published, published
	if len(updates) > 0 {
		d.times["changed"] = &updates[len(updates)-1]
	}
}

// when reads the dates of records: without a zone they are UTC.
func when(s string) *time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC().Truncate(time.Millisecond)
			return &t
		}
	}
	return nil
}

func language(tag string) string {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(cmp.Or(tag, "en")), "_", "-"), "-")
	return cmp.Or(map[string]string{"eng": "en", "deu": "de", "jpn": "ja"}[base], base)
}

func plainName(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	if slices.Contains([]string{"n/a", "na", "unknown", "unspecified", "-", "*", "none"}, s) {
		return ""
	}
	return s
}

func weaknessOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, name := range []string{"nvd-cwe-other", "nvd-cwe-noinfo"} {
		if strings.HasPrefix(s, name) {
			return name
		}
	}
	rest, ok := strings.CutPrefix(s, "cwe-")
	digits := strings.TrimLeft(rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))], "0")
	if !ok || digits == "" || len(digits) > 7 {
		return ""
	}
	return "cwe-" + digits
}
