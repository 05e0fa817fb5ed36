package main

import (
	"fmt"
	"time"

	"tasuki/internal/authority"
	"tasuki/spec/cve"
)

// conformanceSeed is the world that the black-box suite of CVE Services clients expects (reference §15): organisations, users, open
// years, and the identifiers 0001 to 0010 of 1999 to 2021 with 114 records. The suite reads names, counts and states; the rest is
// made up.
func conformanceSeed(key string, now time.Time) *Seed {
	s := &Seed{Key: key, Begin: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -2), Operator: "mitre"}
	cna, adp := []authority.OrgRole{authority.CNA}, []authority.OrgRole{authority.CNA, authority.ADP}
	for _, o := range []seedOrg{
		{Short: "mitre", Name: "MITRE Corporation", Roles: []authority.OrgRole{authority.Secretariat, authority.CNA}, Quota: 1248},
		{Short: "admit_9", Name: "Admit Nine", Roles: cna, Quota: 1043},
		{Short: "range_4", Name: "Range Four", Roles: adp, Quota: 1415},
		{Short: "win_5", Name: "Win Five", Roles: adp, Quota: 1309},
		{Short: "window_1", Name: "Window One", Roles: cna, Quota: 300},
		{Short: "church_2", Name: "Church Two", Roles: cna, Quota: 420},
		{Short: "officer_3", Name: "Officer Three", Roles: cna, Quota: 610},
		{Short: "harbour_6", Name: "Harbour Six", Roles: cna, Quota: 770},
		{Short: "lantern_7", Name: "Lantern Seven", Roles: cna, Quota: 980},
		{Short: "meadow_8", Name: "Meadow Eight", Roles: cna, Quota: 1500},
	} {
		o.Users = seedUsers(o.Short)
		s.Orgs = append(s.Orgs, o)
	}
	this := int64(now.UTC().Year())
	for year := int64(1999); year <= this+1; year++ {
		r := seedRange{Year: year}
		switch {
		case year == 2000:
			r.Priority = 5000
		case year < this && year > 2021: // nothing is given out of them; any start will do
			r.Priority = 100
		}
		s.Ranges = append(s.Ranges, r)
	}
	s.IDs = seedIDs()
	return s
}

// seedUsers are one plain user and one administrator, and in the Secretariat, whose users need no role, the suite's own before them.
func seedUsers(short string) []seedUser {
	person := func(first, last string) authority.PersonName {
		return authority.PersonName{First: first, Middle: "Q", Last: last, Suffix: "Jr."}
	}
	if short == "mitre" {
		return []seedUser{
			{Name: "cps@mitre.org", Person: person("Jeremy", "Example")},
			{Name: "test_secretariat_0@mitre.org", Person: person("Zero", "Secretary")},
			{Name: "test_secretariat_1@mitre.org", Person: person("One", "Secretary"), Roles: []string{authority.Admin}},
		}
	}
	return []seedUser{
		{Name: "plain@" + short + ".test", Person: person("Plain", short)},
		{Name: "admin@" + short + ".test", Person: person("Admin", short), Roles: []string{authority.Admin}},
	}
}

// What the suite asks for by name, and how many there are in all (reference §15).
var seedNamed = map[string]cve.State{
	"CVE-1999-0001": cve.Rejected, "CVE-1999-0002": cve.Reserved, "CVE-1999-0003": cve.Published, "CVE-1999-0008": cve.Rejected,
	"CVE-2000-0008": cve.Published, "CVE-2009-0009": cve.Reserved, "CVE-2021-0004": cve.Published, "CVE-2021-0005": cve.Published,
	"CVE-2011-0001": cve.Published, "CVE-2011-0002": cve.Published,
}

const (
	seedPublished = 62
	seedRejected  = 52
	seedOfAdmit9  = 5 // records whose assigner is admit_9
	seedOfMitre   = 5 // identifiers that mitre has reserved
)

// seedIDs deals out states and owners in a fixed order until every count is met: every other identifier has a record, published and
// rejected ones in turn.
func seedIDs() (out []seedID) {
	left := map[cve.State]int{cve.Published: seedPublished, cve.Rejected: seedRejected}
	for _, state := range seedNamed {
		if state != cve.Reserved {
			left[state]--
		}
	}
	others := []string{"range_4", "win_5", "window_1", "church_2", "officer_3", "harbour_6", "lantern_7", "meadow_8"}
	admit, mitre := seedOfAdmit9, seedOfMitre
	n, turn := 0, 0
	for year := 1999; year <= 2021; year++ {
		for number := 1; number <= 10; number++ {
			id := seedID{ID: fmt.Sprintf("CVE-%d-%04d", year, number), State: cve.Reserved, Owner: others[n%len(others)]}
			n++
			named, is := seedNamed[id.ID]
			switch {
			case is:
				id.State = named
			case number%2 == 1 && left[cve.Published]+left[cve.Rejected] > 0:
				if id.State = cve.Published; turn%2 == 1 && left[cve.Rejected] > 0 || left[cve.Published] == 0 {
					id.State = cve.Rejected
				}
				turn++
				left[id.State]--
				if admit > 0 {
					id.Owner = "admit_9"
					admit--
				}
			case number%2 == 0 && mitre > 0:
				id.Owner = "mitre"
				mitre--
			}
			out = append(out, id)
		}
	}
	return out
}
