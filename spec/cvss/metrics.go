package cvss

// The tables follow FIRST's specifications and its JSON schemas cvss-v2.0, cvss-v3.0, cvss-v3.1 and
// cvss-v4.0, for the long names and values.

var grammars = map[string]*grammar{V20: grammar20, V30: grammar30, V31: grammar31, V40: grammar40}

var grammar20 = &grammar{version: V20, base: 6, ordered: true, undefined: "ND", metrics: []metric{
	{"AV", "accessVector", groupBase, []string{"N", "NETWORK", "A", "ADJACENT_NETWORK", "L", "LOCAL"}},
	{"AC", "accessComplexity", groupBase, []string{"L", "LOW", "M", "MEDIUM", "H", "HIGH"}},
	{"Au", "authentication", groupBase, []string{"N", "NONE", "S", "SINGLE", "M", "MULTIPLE"}},
	{"C", "confidentialityImpact", groupBase, impact20},
	{"I", "integrityImpact", groupBase, impact20},
	{"A", "availabilityImpact", groupBase, impact20},
	{"E", "exploitability", groupTemporal, []string{"U", "UNPROVEN", "POC", "PROOF_OF_CONCEPT", "F", "FUNCTIONAL", "H", "HIGH", "ND", "NOT_DEFINED"}},
	{"RL", "remediationLevel", groupTemporal, []string{"OF", "OFFICIAL_FIX", "TF", "TEMPORARY_FIX", "W", "WORKAROUND", "U", "UNAVAILABLE", "ND", "NOT_DEFINED"}},
	{"RC", "reportConfidence", groupTemporal, []string{"UC", "UNCONFIRMED", "UR", "UNCORROBORATED", "C", "CONFIRMED", "ND", "NOT_DEFINED"}},
	{"CDP", "collateralDamagePotential", groupEnvironmental, []string{"N", "NONE", "L", "LOW", "LM", "LOW_MEDIUM", "MH", "MEDIUM_HIGH", "H", "HIGH", "ND", "NOT_DEFINED"}},
	{"TD", "targetDistribution", groupEnvironmental, []string{"N", "NONE", "L", "LOW", "M", "MEDIUM", "H", "HIGH", "ND", "NOT_DEFINED"}},
	{"CR", "confidentialityRequirement", groupEnvironmental, requirement20},
	{"IR", "integrityRequirement", groupEnvironmental, requirement20},
	{"AR", "availabilityRequirement", groupEnvironmental, requirement20},
}}

var (
	impact20      = []string{"N", "NONE", "P", "PARTIAL", "C", "COMPLETE"}
	requirement20 = []string{"L", "LOW", "M", "MEDIUM", "H", "HIGH", "ND", "NOT_DEFINED"}
)

// 3.0 and 3.1 differ in their equations, not in their metrics.
var (
	grammar30 = &grammar{version: V30, prefix: "CVSS:3.0/", base: 8, undefined: "X", metrics: metrics3}
	grammar31 = &grammar{version: V31, prefix: "CVSS:3.1/", base: 8, undefined: "X", metrics: metrics3}
)

var metrics3 = []metric{
	{"AV", "attackVector", groupBase, []string{"N", "NETWORK", "A", "ADJACENT_NETWORK", "L", "LOCAL", "P", "PHYSICAL"}},
	{"AC", "attackComplexity", groupBase, lowHigh},
	{"PR", "privilegesRequired", groupBase, noneLowHigh},
	{"UI", "userInteraction", groupBase, []string{"N", "NONE", "R", "REQUIRED"}},
	{"S", "scope", groupBase, []string{"U", "UNCHANGED", "C", "CHANGED"}},
	{"C", "confidentialityImpact", groupBase, noneLowHigh},
	{"I", "integrityImpact", groupBase, noneLowHigh},
	{"A", "availabilityImpact", groupBase, noneLowHigh},
	{"E", "exploitCodeMaturity", groupTemporal, []string{"U", "UNPROVEN", "P", "PROOF_OF_CONCEPT", "F", "FUNCTIONAL", "H", "HIGH", "X", "NOT_DEFINED"}},
	{"RL", "remediationLevel", groupTemporal, []string{"O", "OFFICIAL_FIX", "T", "TEMPORARY_FIX", "W", "WORKAROUND", "U", "UNAVAILABLE", "X", "NOT_DEFINED"}},
	{"RC", "reportConfidence", groupTemporal, []string{"U", "UNKNOWN", "R", "REASONABLE", "C", "CONFIRMED", "X", "NOT_DEFINED"}},
	{"CR", "confidentialityRequirement", groupEnvironmental, requirement},
	{"IR", "integrityRequirement", groupEnvironmental, requirement},
	{"AR", "availabilityRequirement", groupEnvironmental, requirement},
	{"MAV", "modifiedAttackVector", groupEnvironmental, []string{"N", "NETWORK", "A", "ADJACENT_NETWORK", "L", "LOCAL", "P", "PHYSICAL", "X", "NOT_DEFINED"}},
	{"MAC", "modifiedAttackComplexity", groupEnvironmental, lowHighX},
	{"MPR", "modifiedPrivilegesRequired", groupEnvironmental, noneLowHighX},
	{"MUI", "modifiedUserInteraction", groupEnvironmental, []string{"N", "NONE", "R", "REQUIRED", "X", "NOT_DEFINED"}},
	{"MS", "modifiedScope", groupEnvironmental, []string{"U", "UNCHANGED", "C", "CHANGED", "X", "NOT_DEFINED"}},
	{"MC", "modifiedConfidentialityImpact", groupEnvironmental, noneLowHighX},
	{"MI", "modifiedIntegrityImpact", groupEnvironmental, noneLowHighX},
	{"MA", "modifiedAvailabilityImpact", groupEnvironmental, noneLowHighX},
}

var grammar40 = &grammar{version: V40, prefix: "CVSS:4.0/", base: 11, ordered: true, undefined: "X", metrics: []metric{
	{"AV", "attackVector", groupBase, []string{"N", "NETWORK", "A", "ADJACENT", "L", "LOCAL", "P", "PHYSICAL"}},
	{"AC", "attackComplexity", groupBase, lowHigh},
	{"AT", "attackRequirements", groupBase, []string{"N", "NONE", "P", "PRESENT"}},
	{"PR", "privilegesRequired", groupBase, noneLowHigh},
	{"UI", "userInteraction", groupBase, []string{"N", "NONE", "P", "PASSIVE", "A", "ACTIVE"}},
	{"VC", "vulnConfidentialityImpact", groupBase, noneLowHigh},
	{"VI", "vulnIntegrityImpact", groupBase, noneLowHigh},
	{"VA", "vulnAvailabilityImpact", groupBase, noneLowHigh},
	{"SC", "subConfidentialityImpact", groupBase, noneLowHigh},
	{"SI", "subIntegrityImpact", groupBase, noneLowHigh},
	{"SA", "subAvailabilityImpact", groupBase, noneLowHigh},
	{"E", "exploitMaturity", groupTemporal, []string{"A", "ATTACKED", "P", "PROOF_OF_CONCEPT", "U", "UNREPORTED", "X", "NOT_DEFINED"}},
	{"CR", "confidentialityRequirement", groupEnvironmental, requirement},
	{"IR", "integrityRequirement", groupEnvironmental, requirement},
	{"AR", "availabilityRequirement", groupEnvironmental, requirement},
	{"MAV", "modifiedAttackVector", groupEnvironmental, []string{"N", "NETWORK", "A", "ADJACENT", "L", "LOCAL", "P", "PHYSICAL", "X", "NOT_DEFINED"}},
	{"MAC", "modifiedAttackComplexity", groupEnvironmental, lowHighX},
	{"MAT", "modifiedAttackRequirements", groupEnvironmental, []string{"N", "NONE", "P", "PRESENT", "X", "NOT_DEFINED"}},
	{"MPR", "modifiedPrivilegesRequired", groupEnvironmental, noneLowHighX},
	{"MUI", "modifiedUserInteraction", groupEnvironmental, []string{"N", "NONE", "P", "PASSIVE", "A", "ACTIVE", "X", "NOT_DEFINED"}},
	{"MVC", "modifiedVulnConfidentialityImpact", groupEnvironmental, noneLowHighX},
	{"MVI", "modifiedVulnIntegrityImpact", groupEnvironmental, noneLowHighX},
	{"MVA", "modifiedVulnAvailabilityImpact", groupEnvironmental, noneLowHighX},
	{"MSC", "modifiedSubConfidentialityImpact", groupEnvironmental, []string{"N", "NEGLIGIBLE", "L", "LOW", "H", "HIGH", "X", "NOT_DEFINED"}},
	{"MSI", "modifiedSubIntegrityImpact", groupEnvironmental, subsequent40},
	{"MSA", "modifiedSubAvailabilityImpact", groupEnvironmental, subsequent40},
	{"S", "Safety", groupSupplemental, []string{"N", "NEGLIGIBLE", "P", "PRESENT", "X", "NOT_DEFINED"}},
	{"AU", "Automatable", groupSupplemental, []string{"N", "NO", "Y", "YES", "X", "NOT_DEFINED"}},
	{"R", "Recovery", groupSupplemental, []string{"A", "AUTOMATIC", "U", "USER", "I", "IRRECOVERABLE", "X", "NOT_DEFINED"}},
	{"V", "valueDensity", groupSupplemental, []string{"D", "DIFFUSE", "C", "CONCENTRATED", "X", "NOT_DEFINED"}},
	{"RE", "vulnerabilityResponseEffort", groupSupplemental, []string{"L", "LOW", "M", "MODERATE", "H", "HIGH", "X", "NOT_DEFINED"}},
	{"U", "providerUrgency", groupSupplemental, []string{"Clear", "CLEAR", "Green", "GREEN", "Amber", "AMBER", "Red", "RED", "X", "NOT_DEFINED"}},
}}

var (
	lowHigh      = []string{"L", "LOW", "H", "HIGH"}
	lowHighX     = []string{"L", "LOW", "H", "HIGH", "X", "NOT_DEFINED"}
	noneLowHigh  = []string{"N", "NONE", "L", "LOW", "H", "HIGH"}
	noneLowHighX = []string{"N", "NONE", "L", "LOW", "H", "HIGH", "X", "NOT_DEFINED"}
	requirement  = []string{"L", "LOW", "M", "MEDIUM", "H", "HIGH", "X", "NOT_DEFINED"}
	subsequent40 = []string{"S", "SAFETY", "N", "NEGLIGIBLE", "L", "LOW", "H", "HIGH", "X", "NOT_DEFINED"}
)
