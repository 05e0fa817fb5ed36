package cveservices

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/program"
	"tasuki/internal/registry"
)

// problem is an error in this protocol's shape. A {word} of the message stands for a part of the path, for something that passed
// its checks, or, {me}, for the caller's organisation.
type problem struct {
	err           error
	status        int
	code, message string
}

// Problems that no error of ours stands behind.
var (
	noResource  = problem{nil, http.StatusNotFound, "NOT_FOUND", "No such resource."}
	tooLarge    = problem{nil, http.StatusRequestEntityTooLarge, "RECORD_TOO_LARGE", "The body exceeds 3.8 MB."}
	tooMany     = problem{nil, http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Too many requests; try again later."}
	unavailable = problem{nil, http.StatusInternalServerError, "SERVICE_NOT_AVAILABLE", "The service is not available."}
)

// problems is the one table from our errors to this protocol's. An endpoint that has another answer to one of them says so where
// it fails (call.fail). What is absent is SERVICE_NOT_AVAILABLE.
var problems = []problem{
	// Another server of the list, or this one later, does what this one does not do now: 503, which clients ask again.
	{authority.ErrSealed, http.StatusServiceUnavailable, "SERVICE_NOT_AVAILABLE", "This copy of the list is read-only."},

	// Who may (reference §2).
	{authority.ErrUnauthorized, http.StatusUnauthorized, "UNAUTHORIZED", "Unauthorized"},
	{authority.ErrNotSecretariat, http.StatusForbidden, "SECRETARIAT_ONLY", "Only the Secretariat may do this."},
	{authority.ErrNotCNA, http.StatusForbidden, "CNA_ONLY", "Only CNAs may do this."},
	{authority.ErrNotADP, http.StatusForbidden, "ADP_ONLY", "Only ADPs may do this."},
	{authority.ErrNotAdmin, http.StatusForbidden, "NOT_ORG_ADMIN_OR_SECRETARIAT",
		"Only the Secretariat or an admin of the organization may create users."},
	{authority.ErrNotPartner, http.StatusForbidden, "ORG_HAS_NO_PARTNER_ROLE", "The organization '{me}' has no partner role."},
	{authority.ErrOtherOrg, http.StatusForbidden, "NOT_SAME_ORG_OR_SECRETARIAT", "Only users of that organization and the Secretariat may see this."},
	{program.ErrNotOwner, http.StatusForbidden, "ORG_DOES_NOT_OWN_ID", "{id} is not owned by {me}."},
	// Ours: who attests for itself writes by signed events alone.
	{authority.ErrNotSigned, http.StatusForbidden, "ORG_SIGNS_FOR_ITSELF", "The organization lets only its own keys speak for it; hand in a signed event."},

	// Identifiers (§5).
	{program.ErrReserveForOther, http.StatusForbidden, "ORG_CANNOT_RESERVE_FOR_OTHER", "Your organization may not reserve for the one in short_name."},
	{program.ErrAmount, http.StatusBadRequest, "INVALID_AMOUNT", "amount must be positive."},
	{program.ErrNoBatch, http.StatusBadRequest, "NO_BATCH_TYPE",
		"batch_type is required for more than one ID: sequential, nonsequential or non-sequential."},
	{program.ErrBatch, http.StatusBadRequest, "INVALID_BATCH_TYPE", "batch_type must be sequential, nonsequential or non-sequential."},
	{program.ErrOverTen, http.StatusForbidden, "OVER_NONSEQUENTIAL_MAX_AMOUNT", "At most 10 non-sequential IDs can be reserved at a time."},
	{registry.ErrNoRange, http.StatusForbidden, "CANNOT_RESERVE_FOR_YEAR", "IDs of that year cannot be reserved."},
	{registry.ErrRangeFull, http.StatusForbidden, "YEAR_RANGE_FULL", "The ID range of that year is used up."},
	{registry.ErrRangeExists, http.StatusBadRequest, "YEAR_RANGE_EXISTS",
		"CVE Id Range document for year {year} was not created because it already exists."},
	{program.ErrNoQuota, http.StatusForbidden, "TRANSITION_STATE_RESERVED_NO_QUOTA", "No quota is left to put the ID back to RESERVED."},
	{registry.ErrHasRecord, http.StatusForbidden, "CANNOT_CHANGE_CVE_ID_WITH_RECORD", "{id} has a record; its state follows the record."},

	// Records (§7).
	{catalogue.ErrNotFound, http.StatusNotFound, "CVE_RECORD_DNE", "There is no record for this CVE ID."},
	{catalogue.ErrErased, http.StatusNotFound, "CVE_RECORD_DNE", "There is no record for this CVE ID."},

	// Organisations (§9).
	{program.ErrNoTarget, http.StatusNotFound, "ORG_DNE", "The organization (query parameter org_short_name) does not exist."}, // it is an ErrNoOrg too
	{authority.ErrNoOrg, http.StatusNotFound, "ORG_DNE_PARAM", "The '{shortname}' organization designated by the shortname path parameter does not exist."},
	{authority.ErrOrgExists, http.StatusBadRequest, "ORG_EXISTS", "The '{short_name}' organization already exists."},
	{authority.ErrShortTaken, http.StatusForbidden, "DUPLICATE_SHORTNAME", "The new short name is taken."},

	// Users (§10).
	{authority.ErrNoUser, http.StatusNotFound, "USER_DNE", "The user '{username}' designated by the username parameter does not exist."},
	{authority.ErrTooManyUsers, http.StatusBadRequest, "NUMBER_OF_USERS_IN_ORG_LIMIT_REACHED", "The organization has as many users as it may."},
	{authority.ErrUserExists, http.StatusBadRequest, "USER_EXISTS", "The user '{username}' already exists."},
	{authority.ErrOtherUser, http.StatusForbidden, "NOT_SAME_USER_OR_SECRETARIAT",
		"Only the user itself, an admin of its organization and the Secretariat may do this."},
	{authority.ErrMoveUser, http.StatusForbidden, "NOT_ALLOWED_TO_CHANGE_ORGANIZATION", "Only the Secretariat moves users between organizations."},
	{authority.ErrOwnName, http.StatusForbidden, "NOT_ORG_ADMIN_OR_SECRETARIAT_UPDATE", "Users change only their own name; ask an admin for the rest."},
	{authority.ErrSelfDemote, http.StatusForbidden, "NOT_ALLOWED_TO_SELF_DEMOTE", "Admins cannot take the role from themselves."},
	{authority.ErrSameOrg, http.StatusForbidden, "USER_ALREADY_IN_ORG",
		"The user could not be updated because the user '{username}' already belongs to the '{org_short_name}' organization."},
	{authority.ErrUsernameTaken, http.StatusForbidden, "DUPLICATE_USERNAME", "The organization has a user of that name already."},
}

// find is the problem that an error is: the endpoint's own reading of it first, then the table's.
func find(err error, own []problem) (problem, bool) {
	for _, list := range [][]problem{own, problems} {
		for _, p := range list {
			if errors.Is(err, p.err) {
				return p, true
			}
		}
	}
	return unavailable, false
}

// refusal is every error's body (reference §1 and §3).
type refusal struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Details any    `json:"details,omitzero"`
}

// write sends a problem; words fill in its message.
func (p problem) write(w http.ResponseWriter, r *http.Request, words map[string]string) {
	p.with(w, r, words, nil)
}

func (p problem) with(w http.ResponseWriter, r *http.Request, words map[string]string, details any) {
	send(w, r, p.status, refusal{p.code, say(p.message, words), details})
}

// say fills in the words of a message. Nobody's text is read for words a second time.
func say(message string, words map[string]string) string {
	if !strings.Contains(message, "{") {
		return message
	}
	var pairs []string
	for name, text := range words {
		pairs = append(pairs, "{"+name+"}", strings.TrimSpace(text))
	}
	return strings.NewReplacer(pairs...).Replace(message)
}

// send writes a reply as compact JSON.
func send(w http.ResponseWriter, r *http.Request, status int, v any) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err) // our own types, and texts that were read as UTF-8
	}
	sendRaw(w, r, status, raw)
}
