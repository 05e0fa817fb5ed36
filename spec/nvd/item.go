package nvd

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cvss"
)

// Format and Version are constant members of the envelope of /cves/2.0.
const (
	Format  = "NVD_CVE"
	Version = "2.0"
)

// Reply is the envelope of /cves/2.0. Strict clients refuse any other key in it and in Item. A server
// writes it piece by piece; the type is for those who read it.
type Reply struct {
	ResultsPerPage  int    `json:"resultsPerPage"` // items in this page
	StartIndex      int    `json:"startIndex"`
	TotalResults    int    `json:"totalResults"`
	Format          string `json:"format"`
	Version         string `json:"version"`
	Timestamp       string `json:"timestamp"` // TimeLayout
	Vulnerabilities []Item `json:"vulnerabilities"`
}

// Item wraps one CVE.
type Item struct {
	CVE CVE `json:"cve"`
}

// CVE is one record as NVD shows it. Members appear in this order; those that must be present even when
// empty are (clients index into metrics), those that must be absent when empty are (clients index into
// configurations). Members of ours begin with x_.
type CVE struct {
	ID               string `json:"id"`
	SourceIdentifier string `json:"sourceIdentifier,omitzero"` // contact address or organisation UUID
	Published        string `json:"published"`                 // TimeLayout
	LastModified     string `json:"lastModified"`
	VulnStatus       string `json:"vulnStatus"`

	// All four or none.
	CISAExploitAdd        string `json:"cisaExploitAdd,omitzero"` // a calendar day
	CISAActionDue         string `json:"cisaActionDue,omitzero"`
	CISARequiredAction    string `json:"cisaRequiredAction,omitzero"`
	CISAVulnerabilityName string `json:"cisaVulnerabilityName,omitzero"`

	Tags           []TagSet        `json:"cveTags"`
	Descriptions   []Text          `json:"descriptions"`
	Affected       []Affected      `json:"affected,omitempty"`
	Metrics        Metrics         `json:"metrics"`
	Weaknesses     []Weakness      `json:"weaknesses,omitempty"`
	Configurations []Configuration `json:"configurations,omitempty"`
	References     []Reference     `json:"references"`

	KEV                string      `json:"x_kev,omitzero"`                // added to the KEV catalogue on this day, where the rest of the entry is not known
	Origin             string      `json:"x_origin,omitzero"`             // "derived": nobody has analysed the configurations
	ConfigurationsFrom string      `json:"x_configurationsFrom,omitzero"` // FromCNA, FromADP, FromDerived
	Unmapped           []Unmapped  `json:"x_unmapped,omitempty"`          // what is affected and has no criterion
	DroppedVectors     []BadVector `json:"x_droppedVectors,omitempty"`    // CVSS vectors that do not parse
	OtherReferences    []Reference `json:"x_references,omitempty"`        // references that the schema has no room for
}

// TagSet is what one source tags the record with.
type TagSet struct {
	SourceIdentifier string   `json:"sourceIdentifier"`
	Tags             []string `json:"tags"`
}

// Text is prose in a language, at most MaxText characters.
type Text struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

// MaxText bounds a description, in characters.
const MaxText = 4096

// Affected is a container's affected member, byte for byte the CVE record's.
type Affected struct {
	Source string         `json:"source"`
	Data   jsontext.Value `json:"affectedData"`
}

// Metrics holds the scoring statements by kind; an empty object when there are none.
type Metrics struct {
	V40  []MetricV4   `json:"cvssMetricV40,omitempty"`
	V31  []MetricV3   `json:"cvssMetricV31,omitempty"`
	V30  []MetricV3   `json:"cvssMetricV30,omitempty"`
	V2   []MetricV2   `json:"cvssMetricV2,omitempty"`
	SSVC []MetricSSVC `json:"ssvcV203,omitempty"`
}

// The types of a metric and of a weakness: Primary is the authority's, everything else Secondary.
const (
	Primary   = "Primary"
	Secondary = "Secondary"
)

// MetricV4 is a CVSS 4.0 statement.
type MetricV4 struct {
	Source string   `json:"source"`
	Type   string   `json:"type"`
	Data   CVSSData `json:"cvssData"`
}

// MetricV3 is a CVSS 3.0 or 3.1 statement.
type MetricV3 struct {
	Source              string   `json:"source"`
	Type                string   `json:"type"`
	Data                CVSSData `json:"cvssData"`
	ExploitabilityScore float64  `json:"exploitabilityScore"`
	ImpactScore         float64  `json:"impactScore"`
}

// MetricV2 is a CVSS 2.0 statement. The five remarks are an analyst's and false here.
type MetricV2 struct {
	Source                  string   `json:"source"`
	Type                    string   `json:"type"`
	Data                    CVSSData `json:"cvssData"`
	BaseSeverity            string   `json:"baseSeverity"`
	ExploitabilityScore     float64  `json:"exploitabilityScore"`
	ImpactScore             float64  `json:"impactScore"`
	InsufficientInfo        bool     `json:"acInsufInfo"`
	ObtainAllPrivilege      bool     `json:"obtainAllPrivilege"`
	ObtainUserPrivilege     bool     `json:"obtainUserPrivilege"`
	ObtainOtherPrivilege    bool     `json:"obtainOtherPrivilege"`
	UserInteractionRequired bool     `json:"userInteractionRequired"`
}

// MetricSSVC is an SSVC assessment; unlike the others it has no type.
type MetricSSVC struct {
	Source string   `json:"source"`
	Data   SSVCData `json:"ssvcData"`
}

// SSVCData is the assessment: each option an object with one decision point.
type SSVCData struct {
	Timestamp string       `json:"timestamp,omitzero"`
	ID        string       `json:"id"`
	Options   []SSVCOption `json:"options"`
	Role      string       `json:"role,omitzero"`
	Version   string       `json:"version,omitzero"`
}

// SSVCOption is one decision point; exactly one member is set.
type SSVCOption struct {
	Exploitation    string `json:"exploitation,omitzero"`
	Automatable     string `json:"automatable,omitzero"`
	TechnicalImpact string `json:"technicalImpact,omitzero"`
}

// Weakness is what one source says the flaw is.
type Weakness struct {
	Source      string `json:"source"`
	Type        string `json:"type"`
	Description []Text `json:"description"`
}

// Reference is a link. One URL may occur once per source.
type Reference struct {
	URL    string   `json:"url"`
	Source string   `json:"source"`
	Tags   []string `json:"tags,omitempty"`
}

// BadVector is a CVSS vector that could not be read, and why.
type BadVector struct {
	Source string `json:"source"`
	Vector string `json:"vector"`
	Reason string `json:"reason"`
}

// CVSSData is a vector with everything that can be computed from it, under the names of FIRST's JSON
// schemas. Clients read every base metric, so all are written; of the others 4.0 writes all and 2.0 and
// 3.x those that the vector gives. Read back, the vector alone counts.
type CVSSData struct{ cvss.Vector }

// MarshalJSONTo writes the object.
func (d CVSSData) MarshalJSONTo(enc *jsontext.Encoder) error {
	var err error
	put := func(tokens ...jsontext.Token) {
		for _, t := range tokens {
			if err == nil {
				err = enc.WriteToken(t)
			}
		}
	}
	put(jsontext.BeginObject,
		jsontext.String("version"), jsontext.String(d.Version()),
		jsontext.String("vectorString"), jsontext.String(d.String()),
		jsontext.String("baseScore"), jsontext.Float(d.Score()))
	if d.Version() != cvss.V20 {
		put(jsontext.String("baseSeverity"), jsontext.String(d.Severity()))
	}
	for _, f := range d.Expand() {
		if f.Base || f.Given || d.Version() == cvss.V40 {
			put(jsontext.String(f.Name), jsontext.String(f.Value))
		}
	}
	put(jsontext.EndObject)
	return err
}

// UnmarshalJSONFrom reads the object's vectorString.
func (d *CVSSData) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var doc struct {
		VectorString string `json:"vectorString"`
	}
	if err := json.Unmarshal(value, &doc); err != nil {
		return err
	}
	if d.Vector, err = cvss.Parse(doc.VectorString); err != nil {
		return fmt.Errorf("nvd: cvssData: %w", err)
	}
	return nil
}
