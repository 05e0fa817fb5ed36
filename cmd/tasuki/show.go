package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
	"tasuki/spec/kev"
	"tasuki/spec/ssvc"
)

// ShowCmd is `tasuki show`.
type ShowCmd struct {
	ID string `arg:"" help:"CVE identifier."`
	Asked
}

// Run shows one record, as a reader would want it told.
func (c *ShowCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	id, err := cve.ParseID(strings.ToUpper(c.ID))
	if err != nil {
		return err
	}
	x, err := c.ask(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	resp, err := x.get(ctx, "/api/cve/"+url.PathEscape(id.String()), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	defer resp.Body.Close()
	if c.JSON {
		return p.copyLine(resp.Body)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	rec, err := cve.Decode(raw)
	if err != nil {
		return fmt.Errorf("%s: the node's answer: %w", id, err)
	}
	p.printRecord(rec)
	return nil
}

// printRecord tells a record in the order in which it is needed: what it is, how bad, what is affected, what to do; each
// value with the container that says it.
func (p *Program) printRecord(rec *cve.Record) {
	t := p.terminal(p.Stdout)
	out := p.Stdout
	m := rec.Metadata
	fmt.Fprintf(out, "%s  %s", t.bold(m.ID), strings.ToLower(string(m.State)))
	for _, d := range []struct{ name, value string }{{"published", m.DatePublished}, {"rejected", m.DateRejected}, {"updated", m.DateUpdated}} {
		if d.value != "" {
			fmt.Fprintf(out, "  %s %s", d.name, day(d.value))
		}
	}
	fmt.Fprintf(out, "  assigner %s\n", clean(m.AssignerShortName))

	containers := append([]cve.Container{rec.Containers.CNA}, rec.Containers.ADP...)
	for i, c := range containers {
		who := "CNA " + c.Provider.ShortName
		if i > 0 {
			who = "ADP " + c.Provider.ShortName
		}
		var lines [][2]string
		add := func(what, text string) {
			if text = clean(text); text != "" {
				lines = append(lines, [2]string{what, text})
			}
		}
		add("title", c.Title)
		for _, d := range c.Descriptions {
			add(d.Lang, d.Value)
		}
		for _, r := range c.RejectedReasons {
			add("rejected", r.Value)
		}
		add("replaced by", strings.Join(c.ReplacedBy, ", "))
		for _, metric := range c.Metrics {
			add("score", scoreText(metric))
		}
		for _, a := range c.Affected {
			add("affected", affectedText(a))
		}
		for _, pt := range c.ProblemTypes {
			for _, d := range pt.Descriptions {
				add("weakness", strings.TrimSpace(d.CWEID+" "+strings.TrimPrefix(d.Description, d.CWEID)))
			}
		}
		for _, list := range []struct {
			what  string
			texts []cve.Text
		}{{"workaround", c.Workarounds}, {"solution", c.Solutions}, {"exploit", c.Exploits}} {
			for _, text := range list.texts {
				add(list.what, text.Value)
			}
		}
		for _, r := range c.References {
			add("reference", r.URL)
		}
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s\n", t.bold(clean(who)))
		for _, l := range lines {
			label := clip(l[0], 11)
			fmt.Fprintf(out, "  %s%s %s\n", t.dim(label), strings.Repeat(" ", 11-displayWidth(label)), wrap(l[1], 14, t.columns))
		}
	}
}

func scoreText(m cve.Metric) string {
	for _, v := range []*cve.CVSS{m.CVSSv40, m.CVSSv31, m.CVSSv30, m.CVSSv20} {
		if v != nil {
			return fmt.Sprintf("CVSS %s %.1f %s %s", v.Version, v.BaseScore, strings.ToLower(v.BaseSeverity), v.VectorString)
		}
	}
	if m.Other == nil {
		return ""
	}
	if v, ok := ssvc.Decode(m.Other.Content); ok && strings.EqualFold(m.Other.Type, "ssvc") {
		return fmt.Sprintf("SSVC exploitation %s, automatable %s, technical impact %s", v.Exploitation, v.Automatable, v.TechnicalImpact)
	}
	if v, ok := kev.Decode(m.Other.Content); ok && strings.EqualFold(m.Other.Type, "kev") {
		return "KEV known exploited, listed " + v.DateAdded
	}
	// Most others are a word of the vendor's own scale: {"text":"Low"}.
	var word struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(m.Other.Content, &word) == nil && word.Text != "" {
		return m.Other.Type + " " + word.Text
	}
	return m.Other.Type + " " + string(m.Other.Content)
}

// maxVersions is how many versions of one product are told; --json has them all.
const maxVersions = 12

func affectedText(a cve.Affected) string {
	name := strings.TrimSpace(a.Vendor + " " + a.Product)
	if name == "" {
		name = a.PackageName
	}
	var versions []string
	for i, v := range a.Versions {
		if i == maxVersions {
			versions = append(versions, fmt.Sprintf("and %d more", len(a.Versions)-i))
			break
		}
		text := v.Version
		switch {
		case v.LessThan != "":
			text += " to before " + v.LessThan
		case v.LessThanOrEqual != "":
			text += " to " + v.LessThanOrEqual
		}
		if v.Status != "" && v.Status != "affected" {
			text += " (" + v.Status + ")"
		}
		versions = append(versions, text)
	}
	if len(versions) == 0 {
		return name
	}
	return name + ": " + strings.Join(versions, ", ")
}

// wrap breaks text at spaces to fit the terminal, with later lines indented. Text without spaces (Japanese) breaks anywhere.
func wrap(text string, indent, columns int) string {
	if columns == 0 {
		return text
	}
	room := max(columns-indent, 20)
	var b strings.Builder
	n, space := 0, -1 // columns on this line; the last place where it may break
	line := []rune{}
	flush := func(upto int) {
		b.WriteString(strings.TrimRight(string(line[:upto]), " "))
		b.WriteString("\n" + strings.Repeat(" ", indent))
		line = append([]rune{}, line[upto:]...)
		n = displayWidth(string(line))
		space = -1
	}
	for _, r := range text {
		if n+runeWidth(r) > room {
			if space > 0 {
				flush(space + 1)
			} else {
				flush(len(line))
			}
		}
		if r == ' ' {
			space = len(line)
		}
		line = append(line, r)
		n += runeWidth(r)
	}
	b.WriteString(string(line))
	return b.String()
}
