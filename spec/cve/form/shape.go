package form

import "tasuki/spec/cvss"

// Kind is what a member is written with.
type Kind uint8

// The kinds.
const (
	Line   Kind = iota // one line of text
	Prose              // text of several lines
	Choice             // one of Options; with Free, or whatever else is typed
	List               // a list of texts, one in each line
	Tags               // some of Options, and others that begin with x_
	Time               // a moment, in UTC, to the second
	Weak               // a CWE identifier
	Vector             // a CVSS vector, by its text or by choosing values
	Bound              // where a range of versions ends: lessThan or lessThanOrEqual
	Rows               // a list of objects
	Group              // an object
)

// Shape is the form of one member of the container. Shapes are data: pages are drawn from them, and what is typed is read
// by them.
type Shape struct {
	Name    string // of the member; of a Bound, "to"
	Kind    Kind
	Options []string
	Free    bool
	Item    string  // of a List whose elements are objects: their only member
	Kids    []Shape // of Rows and Group
	// Blank is a new row; Quiet are members which alone do not make a row worth keeping.
	Blank string
	Quiet []string
	// Invite says that the form always offers at least one row.
	Invite bool
}

// Languages are offered for texts; any other BCP 47 tag may be typed.
var Languages = []string{"en", "ja", "de", "es", "fr", "it", "ko", "nl", "pl", "pt", "ru", "zh"}

// VersionTypes are offered for ranges; any other may be typed.
var VersionTypes = []string{"custom", "semver", "git", "maven", "python", "rpm", "date"}

// Statuses of a version.
var Statuses = []string{"affected", "unaffected", "unknown"}

// CreditTypes are the parts that somebody may have had.
var CreditTypes = []string{
	"finder", "reporter", "analyst", "coordinator", "remediation developer", "remediation reviewer", "remediation verifier", "tool", "sponsor", "other",
}

// ReferenceTags and RecordTags are the tags of the record format; own ones begin with x_.
var (
	ReferenceTags = []string{
		"vendor-advisory", "patch", "release-notes", "mitigation", "third-party-advisory", "technical-description", "exploit", "issue-tracking",
		"mailing-list", "product", "related", "government-resource", "media-coverage", "vdb-entry", "customer-entitlement",
		"permissions-required", "broken-link", "not-applicable", "signature",
	}
	RecordTags = []string{"disputed", "unsupported-when-assigned", "exclusively-hosted-service"}
)

// Scores are the members of a metric that hold a CVSS object, the newest version first.
var Scores = []struct{ Member, Version string }{
	{"cvssV4_0", cvss.V40}, {"cvssV3_1", cvss.V31}, {"cvssV3_0", cvss.V30}, {"cvssV2_0", cvss.V20},
}

func prose(name string) Shape {
	return Shape{Name: name, Kind: Rows, Blank: `{"lang":"en"}`, Quiet: []string{"lang"}, Kids: []Shape{
		{Name: "lang", Kind: Choice, Options: Languages, Free: true},
		{Name: "value", Kind: Prose},
	}}
}

// invited is a list that a record cannot do without.
func invited(s Shape) Shape {
	s.Invite = true
	return s
}

// Container is the published CNA container (CVE Record Format 5.2.0, definitions/cnaPublishedContainer) as far as fields
// show it. What is not here (cpeApplicability, taxonomyMappings, supportingMedia, x_ members, …) is kept as it is.
var Container = Shape{Kind: Group, Kids: []Shape{
	{Name: "title", Kind: Line},
	invited(prose("descriptions")),
	{Name: "affected", Kind: Rows, Invite: true, Blank: `{"versions":[{"status":"affected","versionType":"custom"}],"defaultStatus":"unaffected"}`,
		Quiet: []string{"defaultStatus"}, Kids: []Shape{
			{Name: "vendor", Kind: Line},
			{Name: "product", Kind: Line},
			{Name: "versions", Kind: Rows, Blank: `{"status":"affected","versionType":"custom"}`, Quiet: []string{"status", "versionType"}, Kids: []Shape{
				{Name: "status", Kind: Choice, Options: Statuses},
				{Name: "version", Kind: Line},
				{Name: "to", Kind: Bound},
				{Name: "versionType", Kind: Choice, Options: VersionTypes, Free: true},
				{Name: "changes", Kind: Rows, Blank: `{"status":"unaffected"}`, Quiet: []string{"status"}, Kids: []Shape{
					{Name: "at", Kind: Line},
					{Name: "status", Kind: Choice, Options: Statuses},
				}},
			}},
			{Name: "defaultStatus", Kind: Choice, Options: Statuses},
			{Name: "packageURL", Kind: Line},
			{Name: "collectionURL", Kind: Line},
			{Name: "packageName", Kind: Line},
			{Name: "repo", Kind: Line},
			{Name: "platforms", Kind: List},
			{Name: "modules", Kind: List},
			{Name: "programFiles", Kind: List},
			{Name: "programRoutines", Kind: List, Item: "name"},
			{Name: "cpes", Kind: List},
		}},
	{Name: "problemTypes", Kind: Rows, Invite: true, Blank: `{"descriptions":[{"lang":"en","type":"CWE"}]}`, Kids: []Shape{
		{Name: "descriptions", Kind: Rows, Blank: `{"lang":"en"}`, Quiet: []string{"lang", "type"}, Kids: []Shape{
			{Name: "cweId", Kind: Weak},
			{Name: "description", Kind: Line},
			{Name: "lang", Kind: Choice, Options: Languages, Free: true},
			{Name: "type", Kind: Line},
		}},
	}},
	{Name: "metrics", Kind: Rows, Blank: `{"format":"CVSS"}`, Quiet: []string{"format"}, Kids: []Shape{
		{Name: "cvssV4_0", Kind: Vector}, {Name: "cvssV3_1", Kind: Vector}, {Name: "cvssV3_0", Kind: Vector}, {Name: "cvssV2_0", Kind: Vector},
		prose("scenarios"),
	}},
	{Name: "references", Kind: Rows, Invite: true, Blank: `{}`, Kids: []Shape{
		{Name: "url", Kind: Line},
		{Name: "name", Kind: Line},
		{Name: "tags", Kind: Tags, Options: ReferenceTags},
	}},
	prose("solutions"), prose("workarounds"), prose("configurations"), prose("exploits"),
	{Name: "impacts", Kind: Rows, Blank: `{"descriptions":[{"lang":"en"}]}`, Kids: []Shape{
		{Name: "capecId", Kind: Line},
		prose("descriptions"),
	}},
	{Name: "credits", Kind: Rows, Blank: `{"lang":"en","type":"finder"}`, Quiet: []string{"lang", "type"}, Kids: []Shape{
		{Name: "value", Kind: Line},
		{Name: "type", Kind: Choice, Options: CreditTypes},
		{Name: "lang", Kind: Choice, Options: Languages, Free: true},
		{Name: "user", Kind: Line},
	}},
	{Name: "timeline", Kind: Rows, Blank: `{"lang":"en"}`, Quiet: []string{"lang"}, Kids: []Shape{
		{Name: "time", Kind: Time},
		{Name: "value", Kind: Line},
		{Name: "lang", Kind: Choice, Options: Languages, Free: true},
	}},
	{Name: "tags", Kind: Tags, Options: RecordTags},
	{Name: "datePublic", Kind: Time},
	{Name: "dateAssigned", Kind: Time},
	{Name: "source", Kind: Group, Kids: []Shape{
		{Name: "discovery", Kind: Choice, Options: []string{"INTERNAL", "EXTERNAL", "USER", "UNKNOWN"}, Free: true},
		{Name: "advisory", Kind: Line},
		{Name: "defect", Kind: List},
	}},
}}

// kid is a part of Rows or a Group by name.
func (s *Shape) kid(name string) *Shape {
	for i := range s.Kids {
		if s.Kids[i].Name == name {
			return &s.Kids[i]
		}
	}
	return nil
}

// order is the order in which members are written.
func (s *Shape) order() []string {
	var names []string
	for _, k := range s.Kids {
		switch {
		case k.Kind == Bound:
			names = append(names, lessThan, lessThanOrEqual)
		default:
			names = append(names, k.Name)
		}
	}
	return names
}
