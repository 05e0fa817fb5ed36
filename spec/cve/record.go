package cve

import (
	"github.com/go-json-experiment/json/jsontext"
)

// State is the life-cycle state of a CVE record or identifier (CVE Record Format, cveMetadata.state).
type State string

// The states. RESERVED identifiers have no record.
const (
	Reserved  State = "RESERVED"
	Published State = "PUBLISHED"
	Rejected  State = "REJECTED"
)

// Record is the typed view of one CVE Record (JSON 5.x). It holds what Tasuki reads; what it does
// not read (unknown and x_ members) lives only in the original bytes, which are never re-serialised.
type Record struct {
	DataType    string     `json:"dataType"`
	DataVersion string     `json:"dataVersion"`
	Metadata    Metadata   `json:"cveMetadata"`
	Containers  Containers `json:"containers"`
}

// Containers holds the statements of each party about one CVE.
type Containers struct {
	CNA Container   `json:"cna"`
	ADP []Container `json:"adp"`
}

// Metadata is cveMetadata. Dates are kept as written (a quarter of the older ones have no zone);
// ParseTime reads them.
type Metadata struct {
	ID                string `json:"cveId"`
	AssignerOrgID     string `json:"assignerOrgId"`
	AssignerShortName string `json:"assignerShortName"`
	State             State  `json:"state"`
	DateReserved      string `json:"dateReserved"`
	DatePublished     string `json:"datePublished"`
	DateUpdated       string `json:"dateUpdated"`
	DateRejected      string `json:"dateRejected"`
}

// Container is a CNA (published or rejected) or ADP container; which members may occur depends on which it is.
type Container struct {
	Provider         Provider        `json:"providerMetadata"`
	Title            string          `json:"title"`
	DatePublic       string          `json:"datePublic"`
	DateAssigned     string          `json:"dateAssigned"`
	Descriptions     []Text          `json:"descriptions"`
	Affected         []Affected      `json:"affected"`
	ProblemTypes     []ProblemType   `json:"problemTypes"`
	References       []Reference     `json:"references"`
	Impacts          []Impact        `json:"impacts"`
	Metrics          []Metric        `json:"metrics"`
	Configurations   []Text          `json:"configurations"`
	Workarounds      []Text          `json:"workarounds"`
	Solutions        []Text          `json:"solutions"`
	Exploits         []Text          `json:"exploits"`
	Timeline         []TimelineItem  `json:"timeline"`
	Credits          []Credit        `json:"credits"`
	Tags             []string        `json:"tags"`
	CPEApplicability []Applicability `json:"cpeApplicability"`
	RejectedReasons  []Text          `json:"rejectedReasons"`
	ReplacedBy       []string        `json:"replacedBy"`
}

// Provider is providerMetadata: who wrote the container, and when it last changed.
type Provider struct {
	OrgID       string `json:"orgId"`
	ShortName   string `json:"shortName"`
	DateUpdated string `json:"dateUpdated"`
}

// Text is prose in one language. SupportingMedia may hold the same as HTML; it is never rendered as such.
type Text struct {
	Lang            string  `json:"lang"`
	Value           string  `json:"value"`
	SupportingMedia []Media `json:"supportingMedia"`
}

// Media is one alternative form of a Text.
type Media struct {
	Type   string `json:"type"`
	Base64 bool   `json:"base64"`
	Value  string `json:"value"`
}

// Affected is one entry of affected: a product (or package) and its versions.
type Affected struct {
	Vendor          string         `json:"vendor"`
	Product         string         `json:"product"`
	CollectionURL   string         `json:"collectionURL"`
	PackageName     string         `json:"packageName"`
	PackageURL      string         `json:"packageURL"`
	CPEs            []string       `json:"cpes"`
	Modules         []string       `json:"modules"`
	ProgramFiles    []string       `json:"programFiles"`
	ProgramRoutines []NamedRoutine `json:"programRoutines"`
	Platforms       []string       `json:"platforms"`
	Repo            string         `json:"repo"`
	DefaultStatus   string         `json:"defaultStatus"` // affected, unaffected, unknown; "" means unknown
	Versions        []Version      `json:"versions"`
}

// NamedRoutine is an affected function.
type NamedRoutine struct {
	Name string `json:"name"`
}

// Version is a single version or, with an upper bound, a range of versions.
type Version struct {
	Version         string   `json:"version"`
	Status          string   `json:"status"` // affected, unaffected, unknown
	VersionType     string   `json:"versionType"`
	LessThan        string   `json:"lessThan"`
	LessThanOrEqual string   `json:"lessThanOrEqual"`
	Changes         []Change `json:"changes"`
}

// Change flips the status inside a range, from At (inclusive) on.
type Change struct {
	At     string `json:"at"`
	Status string `json:"status"`
}

// ProblemType is a group of weakness statements.
type ProblemType struct {
	Descriptions []Problem `json:"descriptions"`
}

// Problem names a weakness, by CWE id where the author gave one.
type Problem struct {
	Lang        string `json:"lang"`
	Description string `json:"description"`
	CWEID       string `json:"cweId"`
	Type        string `json:"type"`
}

// Reference is a link with its tags (vendor-advisory, patch, exploit, x_…).
type Reference struct {
	URL  string   `json:"url"`
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// Impact names an attack pattern (CAPEC).
type Impact struct {
	CAPECID      string `json:"capecId"`
	Descriptions []Text `json:"descriptions"`
}

// Metric is one scoring statement: at most one of the CVSS members, or Other.
type Metric struct {
	Format    string       `json:"format"`
	Scenarios []Text       `json:"scenarios"`
	CVSSv40   *CVSS        `json:"cvssV4_0"`
	CVSSv31   *CVSS        `json:"cvssV3_1"`
	CVSSv30   *CVSS        `json:"cvssV3_0"`
	CVSSv20   *CVSS        `json:"cvssV2_0"`
	Other     *OtherMetric `json:"other"`
}

// CVSS is what Tasuki reads of a CVSS object: the vector decides, the rest is compared with it by Lint.
type CVSS struct {
	Version      string  `json:"version"`
	VectorString string  `json:"vectorString"`
	BaseScore    float64 `json:"baseScore"`
	BaseSeverity string  `json:"baseSeverity"`
}

// OtherMetric is a scoring statement outside CVSS: ssvc, kev, a vendor's own rating.
type OtherMetric struct {
	Type    string         `json:"type"`
	Content jsontext.Value `json:"content"`
}

// TimelineItem is a dated remark.
type TimelineItem struct {
	Time  string `json:"time"`
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

// Credit thanks somebody for a part in finding or mending the flaw.
type Credit struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
	User  string `json:"user"`
	Type  string `json:"type"`
}

// Applicability is a cpeApplicability element (since 5.1.1): NVD-shaped nodes of CPE match criteria.
type Applicability struct {
	Operator string    `json:"operator"`
	Negate   bool      `json:"negate"`
	Nodes    []CPENode `json:"nodes"`
}

// CPENode combines match criteria with AND or OR.
type CPENode struct {
	Operator string     `json:"operator"`
	Negate   bool       `json:"negate"`
	CPEMatch []CPEMatch `json:"cpeMatch"`
}

// CPEMatch is one criterion: a CPE match string and version bounds.
type CPEMatch struct {
	Vulnerable            bool   `json:"vulnerable"`
	Criteria              string `json:"criteria"`
	MatchCriteriaID       string `json:"matchCriteriaId"`
	VersionStartExcluding string `json:"versionStartExcluding"`
	VersionStartIncluding string `json:"versionStartIncluding"`
	VersionEndExcluding   string `json:"versionEndExcluding"`
	VersionEndIncluding   string `json:"versionEndIncluding"`
}

// Well-known ADP organisations.
const (
	// CISAADP is the organisation UUID of the CISA ADP (SSVC, KEV, and CVSS/CWE/CPE where the CNA gave none).
	CISAADP = "134c704f-9b21-4f2e-91b3-4a467353bcc0"
	// ProgramADP is the organisation UUID of the "CVE Program Container" (copies of references).
	ProgramADP = "af854a3a-2127-422b-91ae-364da2661108"
)
