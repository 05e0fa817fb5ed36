package nvd

import (
	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/nvd"
	"tasuki/spec/ssvc"
)

// metrics gives every scoring statement, computed anew from its vector. The CNA's come first, and are Primary.
func (r *rendering) metrics(out *nvd.CVE) {
	scorings, dropped := nvd.Scorings(r.rec)
	for _, s := range scorings {
		source, kind, v := r.name(s.Org), kind(s.CNA), s.Vector
		v3 := nvd.MetricV3{
			Source: source, Type: kind, Data: nvd.CVSSData{Vector: v},
			ExploitabilityScore: v.ExploitabilityScore(), ImpactScore: v.ImpactScore(),
		}
		switch v.Version() {
		case cvss.V40:
			out.Metrics.V40 = append(out.Metrics.V40, nvd.MetricV4{Source: source, Type: kind, Data: v3.Data})
		case cvss.V31:
			out.Metrics.V31 = append(out.Metrics.V31, v3)
		case cvss.V30:
			out.Metrics.V30 = append(out.Metrics.V30, v3)
		case cvss.V20:
			out.Metrics.V2 = append(out.Metrics.V2, nvd.MetricV2{
				Source: source, Type: kind, Data: v3.Data, BaseSeverity: v.Severity(),
				ExploitabilityScore: v3.ExploitabilityScore, ImpactScore: v3.ImpactScore,
			})
		}
	}
	for _, d := range dropped {
		out.DroppedVectors = append(out.DroppedVectors, nvd.BadVector{Source: r.name(d.Org), Vector: d.Vector, Reason: d.Reason})
	}
	for i, c := range nvd.Containers(r.rec) {
		if i >= 0 { // a CNA's own SSVC is none of the coordinator's assessments that this member holds
			r.ssvc(out, c)
		}
	}
}

// ssvc gives the SSVC assessments of an ADP.
func (r *rendering) ssvc(out *nvd.CVE, c *cve.Container) {
	for i := range c.Metrics {
		o := c.Metrics[i].Other
		if o == nil || o.Type != ssvc.Type {
			continue
		}
		s, ok := ssvc.Decode(o.Content)
		if !ok {
			continue
		}
		data := nvd.SSVCData{Timestamp: s.Timestamp, ID: assessed(o.Content, r.rec.Metadata.ID), Role: s.Role, Version: s.Version, Options: []nvd.SSVCOption{}}
		for _, option := range []nvd.SSVCOption{{Exploitation: s.Exploitation}, {Automatable: s.Automatable}, {TechnicalImpact: s.TechnicalImpact}} {
			if option != (nvd.SSVCOption{}) {
				data.Options = append(data.Options, option)
			}
		}
		out.Metrics.SSVC = append(out.Metrics.SSVC, nvd.MetricSSVC{Source: r.source(c), Data: data})
	}
}

// assessed is what an assessment says it is about; without a word, the record.
func assessed(content []byte, id string) string {
	var doc struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(content, &doc); err != nil || doc.ID == "" {
		return id
	}
	return doc.ID
}
