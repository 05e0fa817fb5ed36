package diff

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
	"tasuki/spec/kev"
	"tasuki/spec/ssvc"
)

// The short texts of parts, in words that need no translation.

func partyName(n *node) string {
	p := n.get("providerMetadata")
	if name := p.str("shortName"); name != "" {
		return name
	}
	return p.str("orgId")
}

// said drops what stands in for "nothing to say".
func said(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "n/a", "na", "unknown", "unspecified", "-", "*", "none":
		return ""
	}
	return strings.TrimSpace(s)
}

func productName(n *node) string {
	for _, name := range []string{"product", "packageName", "vendor", "packageURL"} {
		if s := said(n.str(name)); s != "" {
			return s
		}
	}
	return n.str("product")
}

// rangesOf is the ranges of one product, those that say "affected" first to come; the text is cut anyway.
func rangesOf(n *node) string {
	const most = 12
	list := n.get("versions")
	if list == nil {
		if status := n.str("defaultStatus"); status != "" {
			return "default " + status
		}
		return ""
	}
	var out []string
	for i, v := range list.list {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, rangeTexts(v)[0])
	}
	return strings.Join(out, ", ")
}

// rangeTexts words one versions entry: "< 2023.11.4", "1.0 … < 1.2", "unaffected 1.3".
func rangeTexts(n *node) []string {
	v := cve.Version{Version: n.str("version"), LessThan: n.str("lessThan"), LessThanOrEqual: n.str("lessThanOrEqual")}
	text := v.Range()
	if text == "" {
		text = "every version"
		if v.LessThan == "" && v.LessThanOrEqual == "" && v.Version != "" {
			text = v.Version // "n/a" is what the author wrote, whatever it means
		}
	}
	if status := n.str("status"); status != "affected" && status != "" {
		text = status + " " + text
	}
	if changes := n.get("changes"); changes != nil {
		var turns []string
		for _, c := range changes.list {
			turns = append(turns, c.str("status")+" from "+c.str("at"))
		}
		if len(turns) > 0 {
			text += " (" + strings.Join(turns, ", ") + ")"
		}
	}
	return []string{text, text + " by " + n.str("versionType")}
}

// cpeProduct is the product of a CPE 2.3 formatted string (NIST IR 7695, 6.2): its fifth part.
func cpeProduct(n *node) string {
	criteria := n.str("criteria")
	// An escaped colon is no border.
	parts := strings.Split(strings.ReplaceAll(criteria, `\:`, "\x00"), ":")
	if len(parts) < 6 || parts[0] != "cpe" || parts[1] != "2.3" {
		return criteria
	}
	return strings.ReplaceAll(strings.ReplaceAll(parts[4], "\x00", ":"), `\`, "")
}

func criterionTexts(n *node) []string {
	var out []string
	for _, b := range []struct{ member, sign string }{
		{"versionStartIncluding", "≥ "}, {"versionStartExcluding", "> "}, {"versionEndExcluding", "< "}, {"versionEndIncluding", "≤ "},
	} {
		if v := n.str(b.member); v != "" {
			out = append(out, b.sign+v)
		}
	}
	criteria := n.str("criteria")
	text := strings.Join(out, ", ")
	if text == "" {
		text = criteria
	}
	if v := n.get("vulnerable"); v != nil && v.kind == jsontext.KindFalse {
		text = "not vulnerable " + text
	}
	return []string{text, text + " " + criteria}
}

func weaknessTexts(n *node) []string {
	id, words := n.str("cweId"), n.str("description")
	if id == "" {
		return []string{words}
	}
	return []string{id, words}
}

func metricSubject(n *node) string {
	if _, version := score(n); version != "" {
		return "CVSS " + version
	}
	switch metricKind(n) {
	case SSVC:
		return "SSVC"
	case KEV:
		return "KEV"
	}
	return n.get("other").str("type")
}

func metricTexts(n *node) []string {
	if cvss, _ := score(n); cvss != nil {
		number := ""
		if base := cvss.get("baseScore"); base != nil {
			number = plain(base)
		}
		return []string{number, cvss.str("vectorString"), strings.ToLower(cvss.str("baseSeverity"))}
	}
	content := n.get("other").get("content")
	if content == nil {
		return []string{""}
	}
	switch metricKind(n) {
	case SSVC:
		if s, ok := ssvc.Decode(content.raw); ok {
			return []string{"exploitation " + s.Exploitation + ", automatable " + s.Automatable + ", technical impact " + s.TechnicalImpact}
		}
	case KEV:
		if k, ok := kev.Decode(content.raw); ok {
			return []string{"since " + k.DateAdded}
		}
	}
	if text := content.str("text"); text != "" {
		return []string{text}
	}
	return []string{string(content.raw)}
}

func tagsOf(n *node) string {
	tags := n.get("tags")
	if tags == nil {
		return ""
	}
	var out []string
	for _, t := range tags.list {
		out = append(out, t.text)
	}
	return strings.Join(out, ", ")
}

func timelineTexts(n *node) []string {
	when := n.str("time")
	return []string{strings.TrimSpace(when[:min(len(when), len("2006-01-02"))] + " " + n.str("value")), when}
}

func creditTexts(n *node) []string {
	if role := n.str("type"); role != "" {
		return []string{n.str("value") + " (" + role + ")"}
	}
	return []string{n.str("value")}
}

func impactTexts(n *node) []string {
	var out []string
	if id := n.str("capecId"); id != "" {
		out = append(out, id)
	}
	if list := n.get("descriptions"); list != nil {
		for _, d := range list.list {
			out = append(out, d.str("value"))
		}
	}
	return []string{strings.Join(out, " ")}
}
