package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/kev"
	"tasuki/spec/ssvc"
)

// ShowCmd is `tasuki show`.
type ShowCmd struct {
	ID string `arg:"" help:"CVE identifier."`
	Known
	Asked
}

// Help is the long description.
func (c *ShowCmd) Help() string {
	return `Tells a record in the order in which it is needed: what it is, what is affected, how bad, what to do, who says what, references, history; each value with the party that says it. With --json it prints the record itself.`
}

// Run shows one record, as a reader would want it told.
func (c *ShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	id, err := identifier(c.ID)
	if err != nil {
		return err
	}
	return c.asking(ctx, p, s, func(api *client.Client) error {
		rec, err := api.RecordAt(ctx, id, c.moment())
		if err != nil {
			return fmt.Errorf("%s: %w", id, explained(err, ""))
		}
		if c.JSON {
			_, err := fmt.Fprintf(p.Stdout, "%s\n", rec.Record)
			return err
		}
		// What does not fit the format is a matter for lint; here the rest of the record is told.
		doc, _, err := cve.DecodeLoose(rec.Record)
		if err != nil {
			return fmt.Errorf("%s: the node's answer: %w", id, err)
		}
		past, err := recentHistory(ctx, api, rec)
		if err != nil {
			return err
		}
		sheet{p.terminal(p.Stdout), p.Stdout}.record(rec, doc, past)
		return nil
	})
}

// sheet is a page on a terminal: headings, and under them lines of a label and a text.
type sheet struct {
	t terminal
	w io.Writer
}

// labelWidth is the columns of a label.
const labelWidth = 11

func (s sheet) head(text string) { fmt.Fprintf(s.w, "\n%s\n", s.t.bold(text)) }

// line prints a label and a text that is wrapped beside it.
func (s sheet) line(label, text string) {
	if text = clean(text); text == "" {
		return
	}
	label = clip(clean(label), labelWidth)
	fmt.Fprintf(s.w, "  %s%s %s\n", s.t.dim(label), strings.Repeat(" ", labelWidth-displayWidth(label)), wrap(text, labelWidth+3, s.t.columns))
}

// plain prints a text that has no label.
func (s sheet) plain(text string) {
	fmt.Fprintf(s.w, "  %s\n", wrap(clean(text), 2, s.t.columns))
}

// party is one container with its name.
type party struct {
	cve.Container
	name string // "CNA acme", "ADP CISA-ADP"
}

func parties(doc *cve.Record) []party {
	out := []party{{doc.Containers.CNA, strings.TrimSpace("CNA " + nameOf(doc.Containers.CNA.Provider))}}
	for _, c := range doc.Containers.ADP {
		out = append(out, party{c, strings.TrimSpace("ADP " + nameOf(c.Provider))})
	}
	return out
}

func nameOf(p cve.Provider) string {
	if p.ShortName != "" {
		return p.ShortName
	}
	return p.OrgID
}

func (s sheet) record(rec *client.Record, doc *cve.Record, past []pastVersion) {
	all := parties(doc)
	s.title(rec, doc, past)
	s.what(all)
	s.affected(all)
	s.severity(rec, all)
	if doc.Metadata.State != cve.Rejected {
		s.advice(all)
	}
	s.voices(rec, all)
	s.references(all)
	s.history(rec, past)
}

func (s sheet) title(rec *client.Record, doc *cve.Record, past []pastVersion) {
	m := doc.Metadata
	facts := []string{string(m.State)}
	if len(past) > 0 {
		facts = append(facts, past[0].name())
	}
	for _, d := range []struct{ name, value string }{{"published", m.DatePublished}, {"rejected", m.DateRejected}, {"updated", m.DateUpdated}} {
		if d.value != "" {
			facts = append(facts, d.name+" "+day(d.value))
		}
	}
	if m.AssignerShortName != "" {
		facts = append(facts, "by "+m.AssignerShortName)
	}
	fmt.Fprintf(s.w, "%s  %s\n", s.t.bold(rec.ID), wrap(clean(strings.Join(facts, " · ")), displayWidth(rec.ID)+2, s.t.columns))
	if text := known(rec.Moment); text != "" {
		s.plain(text)
	}
	if title := clean(rec.Summary.Title); title != "" {
		fmt.Fprintln(s.w, s.t.bold(wrap(title, 0, s.t.columns)))
	}
}

// what is the description, or why there is none any more.
func (s sheet) what(all []party) {
	s.head("What it is")
	for _, c := range all {
		for _, r := range c.RejectedReasons {
			s.line("rejected", r.Value)
		}
		s.line("replaced by", strings.Join(c.ReplacedBy, ", "))
		for _, d := range c.Descriptions {
			if strings.HasPrefix(c.name, "ADP") {
				s.line(d.Lang, d.Value+" ["+c.name+"]")
				continue
			}
			s.line(d.Lang, d.Value)
		}
	}
}

// maxRanges is how many versions of one product are told; --json has them all.
const maxRanges = 12

func (s sheet) affected(all []party) {
	begun := false
	for _, c := range all {
		for _, a := range c.Affected {
			if !begun {
				s.head("What is affected")
				begun = true
			}
			s.plain(productOf(a) + "  [" + c.name + "]")
			for _, status := range []string{"affected", "unaffected", "unknown"} {
				s.line(status, rangesOf(a, status))
			}
			if a.DefaultStatus != "" && len(a.Versions) > 0 {
				s.line("others", a.DefaultStatus)
			} else if len(a.Versions) == 0 {
				s.line(a.DefaultStatus, "every version")
			}
		}
	}
}

func productOf(a cve.Affected) string {
	name := strings.TrimSpace(a.Vendor + " " + a.Product)
	if name == "" {
		name = a.PackageName
	}
	if strings.HasPrefix(strings.ToLower(a.Product), strings.ToLower(a.Vendor)) && a.Product != "" {
		name = a.Product
	}
	if len(a.Platforms) > 0 && len(a.Platforms) <= 3 {
		name += " on " + strings.Join(a.Platforms, ", ")
	}
	return name
}

// rangesOf joins the ranges that have a status. A missing status counts as affected, which is what its author meant.
func rangesOf(a cve.Affected, status string) string {
	var out []string
	for _, v := range a.Versions {
		if v.Status != status && !(v.Status == "" && status == "affected") {
			continue
		}
		text := v.Range()
		if text == "" {
			text = "every version"
		}
		for _, c := range v.Changes {
			text += ", " + c.Status + " from " + c.At
		}
		out = append(out, text)
	}
	if more := len(out) - maxRanges; more > 0 {
		out = append(out[:maxRanges], fmt.Sprintf("and %s more", thousands(int64(more))))
	}
	return strings.Join(out, "; ")
}

func (s sheet) severity(rec *client.Record, all []party) {
	s.head("How bad")
	begun := false
	for _, sc := range rec.Scores {
		begun = true
		who := sc.Source
		if sc.CNA {
			who += " (CNA)"
		}
		mark, paint := s.t.severity(sc.Severity)
		fmt.Fprintf(s.w, "  %s  %s\n", paint(fmt.Sprintf("%s %.1f %s", mark, sc.Value, clean(sc.Severity))), clean("CVSS "+sc.Version+" · "+who))
		s.line("", sc.Vector)
	}
	for _, text := range disagreements(rec.Scores) {
		s.plain(text)
	}
	for _, c := range all {
		for _, m := range c.Metrics {
			if label, text := otherMetric(m); text != "" {
				begun = true
				s.line(label, text+"  ["+c.name+"]")
			}
		}
	}
	if !begun {
		s.plain("Nobody has said: no score, no sign of exploitation.")
	}
	for _, c := range all {
		for _, pt := range c.ProblemTypes {
			for _, d := range pt.Descriptions {
				if text := weaknessOf(d); text != "" {
					s.line("weakness", text+"  ["+c.name+"]")
				}
			}
		}
	}
}

// disagreements says in words where parties score by the same version and differ.
func disagreements(scores []client.Score) []string {
	var out []string
	for i, a := range scores {
		for _, b := range scores[i+1:] {
			if a.Version != b.Version || a.Value == b.Value || a.Source == b.Source {
				continue
			}
			text := fmt.Sprintf("%s says %.1f, %s says %.1f", a.Source, a.Value, b.Source, b.Value)
			if metrics := differingMetrics(a.Vector, b.Vector); metrics != "" {
				text += ": they differ in " + metrics
			}
			out = append(out, text+".")
		}
	}
	return out
}

func differingMetrics(a, b string) string {
	x, errX := cvss.Parse(a)
	y, errY := cvss.Parse(b)
	if errX != nil || errY != nil {
		return ""
	}
	var out []string
	fx, fy := x.Expand(), y.Expand()
	for i := range min(len(fx), len(fy)) {
		if fx[i].Value != fy[i].Value && fx[i].Base {
			out = append(out, words(fx[i].Name))
		}
	}
	return strings.Join(out, ", ")
}

// words takes a schema's name apart: attackVector is "attack vector".
func words(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// otherMetric is a statement outside of CVSS.
func otherMetric(m cve.Metric) (label, text string) {
	if m.Other == nil {
		return "", ""
	}
	if v, ok := ssvc.Decode(m.Other.Content); ok && strings.EqualFold(m.Other.Type, ssvc.Type) {
		var points []string
		for _, p := range []struct{ name, value string }{{"exploitation", v.Exploitation}, {"automatable", v.Automatable}, {"technical impact", v.TechnicalImpact}} {
			if p.value != "" {
				points = append(points, p.name+" "+p.value)
			}
		}
		return "SSVC", strings.Join(points, ", ")
	}
	if v, ok := kev.Decode(m.Other.Content); ok && strings.EqualFold(m.Other.Type, kev.Type) {
		return "KEV", "known exploited, listed " + v.DateAdded
	}
	// Most others are a word of the vendor's own scale: {"text":"Low"}.
	var word struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(m.Other.Content, &word) == nil && word.Text != "" {
		return "rating", word.Text + " (" + m.Other.Type + ")"
	}
	return "rating", m.Other.Type + " (see --json)"
}

// weaknessOf is "CWE-862 Missing Authorization", however the author wrote it.
func weaknessOf(d cve.Problem) string {
	text := strings.TrimSpace(d.Description)
	if d.CWEID == "" {
		return text
	}
	text = strings.TrimPrefix(text, d.CWEID)
	return strings.TrimSpace(d.CWEID + " " + strings.TrimLeft(text, " :-–—"))
}

// advice is what can be done: a fixed version, a way around, where to read on.
func (s sheet) advice(all []party) {
	s.head("What to do")
	begun := false
	say := func(label, text string) {
		begun = begun || text != ""
		s.line(label, text)
	}
	say("fixed in", strings.Join(fixes(all), "; "))
	for _, c := range all {
		for _, list := range []struct {
			what  string
			texts []cve.Text
		}{{"solution", c.Solutions}, {"workaround", c.Workarounds}} {
			for _, text := range list.texts {
				say(list.what, text.Value)
			}
		}
	}
	const most = 3
	n := 0
	for _, r := range grouped(all) {
		if (r.group == "patch" || r.group == "advisory" || r.group == "mitigation") && n < most {
			say(r.group, r.url)
			n++
		}
	}
	if !begun {
		s.plain("The record names no fix, no workaround and no advisory.")
	}
}

// fixes are the first versions that are said to be good again.
func fixes(all []party) []string {
	var out []string
	for _, c := range all {
		for _, a := range c.Affected {
			for _, v := range a.Versions {
				fixed := v.LessThan
				for _, ch := range v.Changes {
					if ch.Status == "unaffected" {
						fixed = ch.At
					}
				}
				if v.Status == "unaffected" || fixed == "" || fixed == "*" {
					continue
				}
				name := a.Product
				if name == "" {
					name = a.PackageName
				}
				if text := strings.TrimSpace(name + " " + fixed); !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	const most = 6
	if more := len(out) - most; more > 0 {
		out = append(out[:most], "and "+strconv.Itoa(more)+" more")
	}
	return out
}

// voices says who says what, one line per container.
func (s sheet) voices(rec *client.Record, all []party) {
	s.head("Who says what")
	for _, c := range all {
		var says []string
		count := func(n int, one, many string) {
			switch {
			case n == 1:
				says = append(says, "1 "+one)
			case n > 1:
				says = append(says, thousands(int64(n))+" "+many)
			}
		}
		count(len(c.Descriptions), "description", "descriptions")
		count(len(c.RejectedReasons), "reason for rejection", "reasons for rejection")
		count(len(c.Affected), "product", "products")
		count(len(c.Metrics), "metric", "metrics")
		count(len(c.ProblemTypes), "weakness", "weaknesses")
		count(len(c.References), "reference", "references")
		count(len(c.Credits), "credit", "credits")
		count(len(c.Tags), "tag", "tags")
		text := c.name
		if c.Provider.DateUpdated != "" {
			text += ", " + day(c.Provider.DateUpdated)
		}
		s.plain(text + ": " + strings.Join(says, ", "))
	}
	s.plain("Logged " + stamp(rec.Logged) + " at leaf " + thousands(rec.Index) + ".")
}

func (s sheet) history(rec *client.Record, past []pastVersion) {
	if len(past) == 0 {
		return
	}
	s.head("History")
	for _, v := range past {
		s.line(v.name(), v.line())
	}
	if oldest := past[len(past)-1].number; oldest > 1 {
		s.plain(fmt.Sprintf("tasuki history %s has all %d.", rec.ID, past[0].number))
	}
}

// day is the date of a timestamp.
func day(timestamp string) string { return timestamp[:min(len(timestamp), len("2006-01-02"))] }
