package cve

// How each type of record.go takes its members from the scanner: one line per member, in the order of the types there.
// TestScannerKnowsAll fails when a member is missing here.

func (r *Record) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "dataType":
		return s.str(&r.DataType)
	case "dataVersion":
		return s.str(&r.DataVersion)
	case "cveMetadata":
		return s.sub(r.Metadata.member)
	case "containers":
		return s.sub(r.Containers.member)
	}
	return s.skip()
}

func (c *Containers) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "cna":
		return s.sub(c.CNA.member)
	case "adp":
		return objects(s, &c.ADP, (*Container).member)
	}
	return s.skip()
}

func (m *Metadata) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "cveId":
		return s.str(&m.ID)
	case "assignerOrgId":
		return s.str(&m.AssignerOrgID)
	case "assignerShortName":
		return s.str(&m.AssignerShortName)
	case "state":
		return s.str((*string)(&m.State))
	case "dateReserved":
		return s.str(&m.DateReserved)
	case "datePublished":
		return s.str(&m.DatePublished)
	case "dateUpdated":
		return s.str(&m.DateUpdated)
	case "dateRejected":
		return s.str(&m.DateRejected)
	}
	return s.skip()
}

func (c *Container) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "providerMetadata":
		return s.sub(c.Provider.member)
	case "title":
		return s.str(&c.Title)
	case "datePublic":
		return s.str(&c.DatePublic)
	case "dateAssigned":
		return s.str(&c.DateAssigned)
	case "descriptions":
		return objects(s, &c.Descriptions, (*Text).member)
	case "affected":
		return objects(s, &c.Affected, (*Affected).member)
	case "problemTypes":
		return objects(s, &c.ProblemTypes, (*ProblemType).member)
	case "references":
		return objects(s, &c.References, (*Reference).member)
	case "impacts":
		return objects(s, &c.Impacts, (*Impact).member)
	case "metrics":
		return objects(s, &c.Metrics, (*Metric).member)
	case "configurations":
		return objects(s, &c.Configurations, (*Text).member)
	case "workarounds":
		return objects(s, &c.Workarounds, (*Text).member)
	case "solutions":
		return objects(s, &c.Solutions, (*Text).member)
	case "exploits":
		return objects(s, &c.Exploits, (*Text).member)
	case "timeline":
		return objects(s, &c.Timeline, (*TimelineItem).member)
	case "credits":
		return objects(s, &c.Credits, (*Credit).member)
	case "tags":
		return s.strs(&c.Tags)
	case "cpeApplicability":
		return objects(s, &c.CPEApplicability, (*Applicability).member)
	case "rejectedReasons":
		return objects(s, &c.RejectedReasons, (*Text).member)
	case "replacedBy":
		return s.strs(&c.ReplacedBy)
	}
	return s.skip()
}

func (p *Provider) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "orgId":
		return s.str(&p.OrgID)
	case "shortName":
		return s.str(&p.ShortName)
	case "dateUpdated":
		return s.str(&p.DateUpdated)
	}
	return s.skip()
}

func (t *Text) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "lang":
		return s.str(&t.Lang)
	case "value":
		return s.str(&t.Value)
	case "supportingMedia":
		return objects(s, &t.SupportingMedia, (*Media).member)
	}
	return s.skip()
}

func (m *Media) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "type":
		return s.str(&m.Type)
	case "base64":
		return s.boolean(&m.Base64)
	case "value":
		return s.str(&m.Value)
	}
	return s.skip()
}

func (a *Affected) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "vendor":
		return s.str(&a.Vendor)
	case "product":
		return s.str(&a.Product)
	case "collectionURL":
		return s.str(&a.CollectionURL)
	case "packageName":
		return s.str(&a.PackageName)
	case "packageURL":
		return s.str(&a.PackageURL)
	case "cpes":
		return s.strs(&a.CPEs)
	case "modules":
		return s.strs(&a.Modules)
	case "programFiles":
		return s.strs(&a.ProgramFiles)
	case "programRoutines":
		return objects(s, &a.ProgramRoutines, (*NamedRoutine).member)
	case "platforms":
		return s.strs(&a.Platforms)
	case "repo":
		return s.str(&a.Repo)
	case "defaultStatus":
		return s.str(&a.DefaultStatus)
	case "versions":
		return objects(s, &a.Versions, (*Version).member)
	}
	return s.skip()
}

func (r *NamedRoutine) member(s *scanner, name []byte) bool {
	if string(name) == "name" {
		return s.str(&r.Name)
	}
	return s.skip()
}

func (v *Version) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "version":
		return s.str(&v.Version)
	case "status":
		return s.str(&v.Status)
	case "versionType":
		return s.str(&v.VersionType)
	case "lessThan":
		return s.str(&v.LessThan)
	case "lessThanOrEqual":
		return s.str(&v.LessThanOrEqual)
	case "changes":
		return objects(s, &v.Changes, (*Change).member)
	}
	return s.skip()
}

func (c *Change) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "at":
		return s.str(&c.At)
	case "status":
		return s.str(&c.Status)
	}
	return s.skip()
}

func (p *ProblemType) member(s *scanner, name []byte) bool {
	if string(name) == "descriptions" {
		return objects(s, &p.Descriptions, (*Problem).member)
	}
	return s.skip()
}

func (p *Problem) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "lang":
		return s.str(&p.Lang)
	case "description":
		return s.str(&p.Description)
	case "cweId":
		return s.str(&p.CWEID)
	case "type":
		return s.str(&p.Type)
	}
	return s.skip()
}

func (r *Reference) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "url":
		return s.str(&r.URL)
	case "name":
		return s.str(&r.Name)
	case "tags":
		return s.strs(&r.Tags)
	}
	return s.skip()
}

func (i *Impact) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "capecId":
		return s.str(&i.CAPECID)
	case "descriptions":
		return objects(s, &i.Descriptions, (*Text).member)
	}
	return s.skip()
}

func (m *Metric) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "format":
		return s.str(&m.Format)
	case "scenarios":
		return objects(s, &m.Scenarios, (*Text).member)
	case "cvssV4_0":
		return pointer(s, &m.CVSSv40, (*CVSS).member)
	case "cvssV3_1":
		return pointer(s, &m.CVSSv31, (*CVSS).member)
	case "cvssV3_0":
		return pointer(s, &m.CVSSv30, (*CVSS).member)
	case "cvssV2_0":
		return pointer(s, &m.CVSSv20, (*CVSS).member)
	case "other":
		return pointer(s, &m.Other, (*OtherMetric).member)
	}
	return s.skip()
}

func (c *CVSS) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "version":
		return s.str(&c.Version)
	case "vectorString":
		return s.str(&c.VectorString)
	case "baseScore":
		return s.float(&c.BaseScore)
	case "baseSeverity":
		return s.str(&c.BaseSeverity)
	}
	return s.skip()
}

func (o *OtherMetric) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "type":
		return s.str(&o.Type)
	case "content":
		start := s.i
		if !s.skip() {
			return false
		}
		o.Content = append(o.Content, s.b[start:s.i]...)
		return true
	}
	return s.skip()
}

func (t *TimelineItem) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "time":
		return s.str(&t.Time)
	case "lang":
		return s.str(&t.Lang)
	case "value":
		return s.str(&t.Value)
	}
	return s.skip()
}

func (c *Credit) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "lang":
		return s.str(&c.Lang)
	case "value":
		return s.str(&c.Value)
	case "user":
		return s.str(&c.User)
	case "type":
		return s.str(&c.Type)
	}
	return s.skip()
}

func (a *Applicability) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "operator":
		return s.str(&a.Operator)
	case "negate":
		return s.boolean(&a.Negate)
	case "nodes":
		return objects(s, &a.Nodes, (*CPENode).member)
	}
	return s.skip()
}

func (n *CPENode) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "operator":
		return s.str(&n.Operator)
	case "negate":
		return s.boolean(&n.Negate)
	case "cpeMatch":
		return objects(s, &n.CPEMatch, (*CPEMatch).member)
	}
	return s.skip()
}

func (m *CPEMatch) member(s *scanner, name []byte) bool {
	switch string(name) {
	case "vulnerable":
		return s.boolean(&m.Vulnerable)
	case "criteria":
		return s.str(&m.Criteria)
	case "matchCriteriaId":
		return s.str(&m.MatchCriteriaID)
	case "versionStartExcluding":
		return s.str(&m.VersionStartExcluding)
	case "versionStartIncluding":
		return s.str(&m.VersionStartIncluding)
	case "versionEndExcluding":
		return s.str(&m.VersionEndExcluding)
	case "versionEndIncluding":
		return s.str(&m.VersionEndIncluding)
	}
	return s.skip()
}
