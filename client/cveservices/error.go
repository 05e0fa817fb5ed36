package cveservices

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Code is the name of a refusal, as the API has it.
type Code string

// Codes that callers branch on; there are more.
const (
	RecordExists     Code = "CVE_RECORD_EXISTS"
	NoRecord         Code = "CVE_RECORD_DNE"
	IDNotFound       Code = "CVE_ID_NOT_FOUND"
	NotOwner         Code = "ORG_DOES_NOT_OWN_ID"
	HasRecord        Code = "CANNOT_CHANGE_CVE_ID_WITH_RECORD"
	Unauthorized     Code = "UNAUTHORIZED"
	BadInput         Code = "BAD_INPUT"
	InvalidSchema    Code = "INVALID_JSON_SCHEMA"
	InvalidADP       Code = "BAD_ADP_JSON"
	QuotaExceeded    Code = "EXCEEDED_ID_QUOTA"
	PartialAmount    Code = "RESERVED_PARTIAL_AMOUNT"
	ReservationBusy  Code = "RESERVATION_IN_PROGRESS"
	TooManyRequests  Code = "TOO_MANY_REQUESTS"
	NoSuchUser       Code = "USER_DNE"
	NoSuchOrg        Code = "ORG_DNE"
	NoSuchOrgInPath  Code = "ORG_DNE_PARAM"
	OverTenAtRandom  Code = "OVER_NONSEQUENTIAL_MAX_AMOUNT"
	YearNotOpen      Code = "CANNOT_RESERVE_FOR_YEAR"
	YearFull         Code = "YEAR_RANGE_FULL"
	SecretariatOnly  Code = "SECRETARIAT_ONLY"
	OtherOrg         Code = "NOT_SAME_ORG_OR_SECRETARIAT"
	ReservedForOther Code = "ORG_CANNOT_RESERVE_FOR_OTHER"
)

// Error is an answer that is a refusal, or a failure of the server. Code is "" when the answer is not of CVE Services: something
// in between, such as a proxy, gave it.
type Error struct {
	Status     int
	Code       Code
	Message    string          // the server's words, or a bit of whatever else came
	Details    json.RawMessage // nil when there are none
	RetryAfter time.Duration   // how long the server wants to be left alone; 0 when it did not say
}

// Error is the refusal in one line that is safe to print.
func (e *Error) Error() string {
	text := oneLine(e.Message, 400)
	if text == "" {
		text = http.StatusText(e.Status)
	}
	if e.Code == "" {
		return fmt.Sprintf("%s (%d)", text, e.Status)
	}
	return fmt.Sprintf("%s (%d %s)", text, e.Status, oneLine(string(e.Code), 60))
}

// HasCode says whether an error is the server's refusal with one of the codes.
func HasCode(err error, codes ...Code) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// Parameter is what BAD_INPUT says of one parameter.
type Parameter struct {
	Name     string `json:"param"`
	Message  string `json:"msg"`
	Location string `json:"location"` // query, params (the path) or body
}

// Parameters are the details of BAD_INPUT.
func (e *Error) Parameters() []Parameter {
	var out []Parameter
	_ = json.Unmarshal(e.Details, &out) // other details are of another shape
	return out
}

// Misfit is what INVALID_JSON_SCHEMA or BAD_ADP_JSON says of one place in the body.
type Misfit struct {
	Pointer string `json:"instancePath"` // RFC 6901, in the body
	Schema  string `json:"schemaPath"`
	Keyword string `json:"keyword"`
	Message string `json:"message"`
}

// Misfits are the details of INVALID_JSON_SCHEMA and BAD_ADP_JSON. Where the server says a text alone, that is the Message.
func (e *Error) Misfits() []Misfit {
	var details struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(e.Details, &details) != nil {
		return nil
	}
	var out []Misfit
	for _, raw := range details.Errors {
		var m Misfit
		if json.Unmarshal(raw, &m) != nil && json.Unmarshal(raw, &m.Message) != nil {
			continue
		}
		out = append(out, m)
	}
	return out
}

// problem makes the error of an answer.
func (a *answer) problem() *Error {
	e := &Error{Status: a.status, RetryAfter: waiting(a.header)}
	var body struct {
		Error   string          `json:"error"`
		Message json.RawMessage `json:"message"`
		Details json.RawMessage `json:"details"`
	}
	if json.Unmarshal(a.body, &body) != nil || body.Error == "" {
		e.Message = oneLine(string(a.body[:min(len(a.body), 1000)]), 200)
		if strings.HasPrefix(e.Message, "<") {
			e.Message = "" // a page for people
		}
		return e
	}
	e.Code, e.Details = Code(body.Error), body.Details
	if json.Unmarshal(body.Message, &e.Message) != nil {
		e.Message = string(body.Message)
	}
	return e
}

// oneLine makes a server's text safe to show: one line, no control characters, at most so many characters.
func oneLine(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
	}), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
