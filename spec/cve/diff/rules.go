package diff

// rule says what a part of a record means. A nil rule is plain JSON: arrays in order, everything told as Other.
type rule struct {
	kind    Kind                   // Other where nothing is said
	kindOf  func(*node) Kind       // instead of kind, where it depends on the part
	members map[string]*rule       // of an object
	element *rule                  // of an array
	set     bool                   // an array whose order says nothing
	keys    []key                  // how elements of the set are known again when they changed, the sharpest first
	subject func(*node) string     // what this and everything inside is about
	text    func(*node) []string   // short texts, the most telling first; two versions are told by the first that differs
	whole   bool                   // two versions whose texts differ are one change; else each member is told by itself
	open    bool                   // when the whole comes or goes, its members are told instead of it
	told    func(name string) bool // when the whole comes or goes, these members are told beside it
	party   string                 // "cna" or "adp": a container
}

// key tells which element of the older set is the same thing as one of the newer set; "" is nothing to go by.
type key struct {
	of   func(*node) string
	only bool // believed only where one element is left with it on each side
}

func (r *rule) isSet() bool { return r != nil && r.set }

func (r *rule) elements() *rule {
	if r == nil {
		return nil
	}
	return r.element
}

func (r *rule) member(name string) *rule {
	if r == nil {
		return nil
	}
	return r.members[name]
}

func (r *rule) of(n *node) Kind {
	switch {
	case r == nil:
		return Other
	case r.kindOf != nil:
		return r.kindOf(n)
	case r.kind == "":
		return Other
	}
	return r.kind
}

// document is the CVE Record Format (5.0, 5.1.x, 5.2) as far as its parts have a meaning of their own here. It is never changed.
var document = &rule{
	kind: State,
	text: one(func(n *node) string { return n.get("cveMetadata").str("state") }),
	members: map[string]*rule{
		"cveMetadata": {members: map[string]*rule{
			"state":             {kind: State},
			"assignerOrgId":     {kind: Assigner, subject: called("assignerOrgId")},
			"assignerShortName": {kind: Assigner, subject: called("assignerShortName")},
			"dateReserved":      {kind: Date, subject: called("dateReserved")},
			"datePublished":     {kind: Date, subject: called("datePublished")},
			"dateUpdated":       {kind: Date, subject: called("dateUpdated")},
			"dateRejected":      {kind: Date, subject: called("dateRejected")},
		}},
		"containers": {members: map[string]*rule{
			"cna": container("cna"),
			"adp": set(container("adp"),
				key{of: func(n *node) string { return n.get("providerMetadata").str("orgId") }},
				key{of: func(n *node) string { return n.get("providerMetadata").str("shortName") }}),
		}},
	},
}

func container(party string) *rule {
	// The parts that a defender wants to hear of when a whole container comes or goes.
	told := map[string]bool{"metrics": true, "affected": true, "problemTypes": true}
	return &rule{
		kind: Container, party: party, text: one(partyName), told: func(name string) bool { return told[name] },
		members: map[string]*rule{
			"providerMetadata": {kind: Provider, members: map[string]*rule{
				"orgId":       {kind: Provider, subject: called("orgId")},
				"shortName":   {kind: Provider, subject: called("shortName")},
				"dateUpdated": {kind: Provider, subject: called("dateUpdated")},
			}},
			"title":            {kind: Title},
			"datePublic":       {kind: Date, subject: called("datePublic")},
			"dateAssigned":     {kind: Date, subject: called("dateAssigned")},
			"descriptions":     set(prose(Description, member("lang")), key{of: member("lang")}),
			"rejectedReasons":  set(prose(Rejection, member("lang")), key{of: member("lang")}),
			"replacedBy":       set(&rule{kind: Rejection, subject: called("replacedBy")}),
			"affected":         set(affected, key{of: sameButRanges}, key{of: productKey}, key{of: looseProductKey}),
			"cpeApplicability": applicability,
			"problemTypes":     set(problemType, key{of: weaknessKey}, key{of: called("only one left"), only: true}),
			"metrics":          set(metric, key{of: metricKey(true, true)}, key{of: metricKey(true, false)}, key{of: metricKey(false, false)}),
			"references":       set(reference, key{of: member("url")}),
			"workarounds":      texts("workarounds"),
			"solutions":        texts("solutions"),
			"exploits":         texts("exploits"),
			"configurations":   texts("configurations"),
			"timeline":         set(timeline, key{of: pair("time", "lang")}, key{of: member("value"), only: true}),
			"credits":          set(credit, key{of: pair("value", "type")}, key{of: member("value")}),
			"impacts":          set(impact, key{of: member("capecId")}, key{of: called("only one left"), only: true}),
			"tags":             set(&rule{kind: Tag}),
			"taxonomyMappings": set(&rule{members: map[string]*rule{"taxonomyRelations": set(&rule{})}}, key{of: member("taxonomyName"), only: true}),
		},
	}
}

var (
	affected = &rule{
		kind: Product, subject: productName, text: one(rangesOf),
		members: map[string]*rule{
			"vendor": {kind: Product}, "product": {kind: Product}, "packageName": {kind: Product}, "collectionURL": {kind: Product},
			"packageURL": {kind: Product}, "repo": {kind: Product},
			"cpes": products, "modules": products, "platforms": products, "programFiles": products,
			"programRoutines": set(&rule{kind: Product, text: one(member("name"))}),
			"defaultStatus":   {kind: Range, text: one(func(n *node) string { return "default " + n.text })},
			"versions": set(version,
				key{of: versionKey("version", "status", "versionType"), only: true},
				key{of: versionKey("version", "status"), only: true},
				key{of: versionKey("version", "lessThan", "lessThanOrEqual"), only: true},
				key{of: upperKey, only: true}),
		},
	}
	products = set(&rule{kind: Product})
	version  = &rule{kind: Range, whole: true, text: rangeTexts, members: map[string]*rule{"changes": set(&rule{kind: Range}, key{of: member("at")})}}

	applicability = set(&rule{members: map[string]*rule{
		"nodes": set(&rule{members: map[string]*rule{
			"cpeMatch": set(criterion, key{of: pair("criteria", "versionStartIncluding")}, key{of: member("criteria"), only: true}),
		}}, key{of: called("the next one")}),
	}}, key{of: called("the next one")})
	criterion = &rule{kind: Range, whole: true, subject: cpeProduct, text: criterionTexts}

	problemType = &rule{
		kind: Weakness, open: true, members: map[string]*rule{
			"descriptions": set(&rule{kind: Weakness, whole: true, text: weaknessTexts},
				key{of: pair("cweId", "lang")}, key{of: pair("description", "lang")}, key{of: member("lang"), only: true}),
		},
	}
	metric = &rule{
		kindOf: metricKind, whole: true, subject: metricSubject, text: metricTexts,
		members: map[string]*rule{
			"scenarios": set(&rule{}, key{of: member("lang")}),
			"other": {members: map[string]*rule{"content": {members: map[string]*rule{
				"options": set(&rule{}), // SSVC's decision points
			}}}},
		},
	}
	reference = &rule{
		kind: Reference, subject: member("url"), text: one(tagsOf),
		members: map[string]*rule{"name": {kind: Reference}, "tags": set(&rule{kind: Tag})},
	}
	timeline = &rule{kind: Text, whole: true, subject: called("timeline"), text: timelineTexts}
	credit   = &rule{kind: Text, whole: true, subject: called("credits"), text: creditTexts}
	impact   = &rule{
		kind: Text, whole: true, subject: called("impacts"), text: impactTexts,
		members: map[string]*rule{"descriptions": set(prose(Text, called("impacts")), key{of: member("lang")})},
	}
)

// set is a list whose order says nothing. Elements without a key come and go.
func set(element *rule, keys ...key) *rule { return &rule{set: true, element: element, keys: keys} }

// prose is a text in one language.
func prose(kind Kind, subject func(*node) string) *rule {
	return &rule{kind: kind, whole: true, subject: subject, text: one(member("value")), members: map[string]*rule{
		"supportingMedia": set(&rule{}, key{of: member("type")}),
	}}
}

func texts(name string) *rule { return set(prose(Text, called(name)), key{of: member("lang")}) }

// called is a constant.
func called(name string) func(*node) string { return func(*node) string { return name } }

// member is a member of the part.
func member(name string) func(*node) string { return func(n *node) string { return n.str(name) } }

// one makes a list of one text.
func one(text func(*node) string) func(*node) []string {
	return func(n *node) []string { return []string{text(n)} }
}
