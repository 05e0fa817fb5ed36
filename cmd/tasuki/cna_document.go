package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
	"tasuki/spec/cve/lint"
	"tasuki/spec/cve/schema"
)

// errDocument means a file that holds nothing which can be sent.
var errDocument = errors.New("nothing that can be sent")

// document is a file with a container in it, in one of the shapes that CNAs keep them in.
type document struct {
	file      string
	shape     string         // in words: "a full record"
	container jsontext.Value // what is sent
	place     string         // pointer of the container in the file
	kind      schema.Kind
	id        string // the identifier that the file says, "" when it says none
}

// maxDocument is more than the largest record with everybody's containers; what is sent may have cveservices.MaxBody bytes.
const maxDocument = 32 << 20

// The members that show that an object is a container: those that only containers have.
var containerMembers = []string{"affected", "descriptions", "references", "rejectedReasons", "replacedBy", "problemTypes", "metrics", "title",
	"providerMetadata", "tags"}

// readDocument reads the container out of a file; "-" is standard input. org is the caller's short name: of the ADP containers of a
// full record, its own is meant.
func (p *Program) readDocument(name string, adp bool, org string) (document, error) {
	d := document{file: name}
	var raw []byte
	var err error
	if name == "-" {
		if _, ok := p.keyboard(); ok {
			return d, fmt.Errorf("%w: give a FILE, or a document on standard input", errSettings)
		}
		d.file = "standard input"
		raw, err = io.ReadAll(io.LimitReader(p.Stdin, maxDocument+1))
	} else {
		raw, err = readBounded(name, maxDocument)
	}
	if err == nil && len(raw) > maxDocument {
		err = fmt.Errorf("%s: %w: it is longer than %s", d.file, errDocument, bytesText(maxDocument))
	}
	if err != nil {
		return d, err
	}
	return d.read(bytes.TrimPrefix(raw, []byte("\ufeff")), adp, org) // editors of some systems put a mark before the text
}

func (d document) read(raw []byte, adp bool, org string) (document, error) {
	var top map[string]jsontext.Value
	if err := json.Unmarshal(raw, &top); err != nil {
		return d, fmt.Errorf("%s: %w: %w", d.file, errDocument, notObject(err))
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, ok := top[n]; return ok })
	}
	var err error
	switch {
	case has("cveMetadata", "containers", "dataType"):
		d.shape = "a full record"
		err = d.fromRecord(raw, top, adp, org)
	case has("cnaContainer"):
		d.shape, d.container, d.place = "a cnaContainer", top["cnaContainer"], "/cnaContainer"
	case has("adpContainer"):
		d.shape, d.container, d.place, d.kind = "an adpContainer", top["adpContainer"], "/adpContainer", schema.ADP
	case has(containerMembers...):
		d.shape, d.container = "a bare container", bytes.TrimSpace(raw)
		if adp {
			d.kind = schema.ADP
		}
	default:
		err = errors.New(`neither a CVE record, nor {"cnaContainer": …} or {"adpContainer": …}, nor a container`)
	}
	if err == nil && d.place != "" && !strings.HasPrefix(d.place, "/containers") && len(top) > 1 {
		err = fmt.Errorf("beside %s stand other members, which would not be sent", d.place[1:])
	}
	if err == nil && d.container.Kind() != '{' {
		err = fmt.Errorf("%s is no object", d.place)
	}
	if err != nil {
		return d, fmt.Errorf("%s: %w: %w", d.file, errDocument, err)
	}
	if d.kind != schema.ADP {
		var of map[string]jsontext.Value
		if err := json.Unmarshal(d.container, &of); err != nil {
			return d, fmt.Errorf("%s: %w: %w", d.file, errDocument, err)
		}
		if _, rejected := of["rejectedReasons"]; rejected {
			d.kind = schema.CNARejected
		}
	}
	return d, nil
}

// notObject says what is wrong with JSON that is no object, without its text.
func notObject(err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		where := "byte " + strconv.FormatInt(syntax.ByteOffset, 10)
		if syntax.JSONPointer != "" {
			where += ", at " + string(syntax.JSONPointer)
		}
		return fmt.Errorf("not JSON: %w (%s)", syntax.Err, where)
	}
	return errors.New("not a JSON object")
}

// fromRecord takes the CNA's container of a full record, or the organisation's own ADP container.
func (d *document) fromRecord(raw []byte, top map[string]jsontext.Value, adp bool, org string) error {
	var rec struct {
		Metadata struct {
			ID string `json:"cveId"`
		} `json:"cveMetadata"`
		Containers struct {
			CNA jsontext.Value   `json:"cna"`
			ADP []jsontext.Value `json:"adp"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return errors.New("its cveMetadata or containers are not of the format's shape")
	}
	d.id = rec.Metadata.ID
	if !adp {
		d.container, d.place = rec.Containers.CNA, "/containers/cna"
		if d.container == nil {
			return errors.New("it has no /containers/cna")
		}
		return nil
	}
	d.kind = schema.ADP
	own := -1
	for i, c := range rec.Containers.ADP {
		var of struct {
			Provider cve.Provider `json:"providerMetadata"`
		}
		if json.Unmarshal(c, &of) == nil && of.Provider.ShortName == org || len(rec.Containers.ADP) == 1 {
			own = i
			break
		}
	}
	if own < 0 {
		return errors.New("none of its ADP containers is the organisation's own, by providerMetadata/shortName")
	}
	d.container, d.place = rec.Containers.ADP[own], "/containers/adp/"+strconv.Itoa(own)
	return nil
}

// findings judge the container as CVE Services will, and beyond: schema, what the services ask for besides, lint. Pointers are in the
// file. id may be "".
func (d document) findings(v *schema.Validator, id string, now time.Time) []cve.Finding {
	found := [][]cve.Finding{d.placed("", v.Container(d.kind, d.container)), d.placed("", services(d.container, now))}
	// The rules beyond the schema judge whole records, so one is made around the container.
	state, around := "PUBLISHED", `"cna":`+string(d.container)
	inside := "/containers/cna"
	switch d.kind {
	case schema.CNARejected:
		state = "REJECTED"
	case schema.ADP:
		around, inside = `"cna":{},"adp":[`+string(d.container)+"]", "/containers/adp/0"
	}
	if _, err := cve.ParseID(id); err != nil {
		id = "CVE-2026-0001" // of no consequence: the rules about it are not told
	}
	raw := `{"dataType":"CVE_RECORD","dataVersion":"` + schema.Current +
		`","cveMetadata":{"cveId":"` + id + `","state":"` + state + `"},"containers":{` + around + `}}`
	if rec, _, err := cve.DecodeLoose([]byte(raw)); err == nil {
		found = append(found, d.placed(inside, lint.Record(rec, lint.Options{Now: now})))
	}
	return cve.Merge(found...)
}

// placed moves findings below inside to where the container stands in the file, and drops the others.
func (d document) placed(inside string, found []cve.Finding) []cve.Finding {
	var out []cve.Finding
	for _, f := range found {
		rest, ok := strings.CutPrefix(f.Pointer, inside)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		f.Pointer = d.place + rest
		out = append(out, f)
	}
	return out
}

// services finds what CVE Services refuse beyond the schema: a language tag of English twice, a blank first entry, a datePublic more
// than a day ahead (they trim every text, so a blank one is none).
func services(container []byte, now time.Time) []cve.Finding {
	type text struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	}
	var c struct {
		Descriptions    []text `json:"descriptions"`
		RejectedReasons []text `json:"rejectedReasons"`
		DatePublic      string `json:"datePublic"`
	}
	if json.Unmarshal(container, &c) != nil {
		return nil // not the format's shape, which the schema says
	}
	var found []cve.Finding
	add := func(pointer, rule, message string) {
		found = append(found, cve.Finding{Pointer: pointer, Rule: "services:" + rule, Severity: cve.SeverityError, Message: message})
	}
	for _, list := range []struct {
		pointer string
		texts   []text
	}{{"/descriptions", c.Descriptions}, {"/rejectedReasons", c.RejectedReasons}} {
		seen := map[string]bool{}
		for i, t := range list.texts {
			tag := strings.ToLower(t.Lang)
			place := list.pointer + "/" + strconv.Itoa(i)
			if strings.HasPrefix(tag, "en") && seen[tag] {
				add(place+"/lang", "english-once", "a second text of this English language tag; CVE Services take one of each")
			}
			seen[tag] = true
			if t.Value != "" && strings.TrimSpace(t.Value) == "" {
				add(place+"/value", "blank", "is blank; CVE Services trim it and find nothing")
			}
		}
	}
	if t, _, err := cve.ParseTime(c.DatePublic); err == nil && t.After(now.Add(24*time.Hour)) {
		add("/datePublic", "date-public", "lies more than a day ahead")
	}
	return found
}

// tell prints findings as tasuki lint does and says whether one of them is an error.
func (p *Program) tell(w io.Writer, file string, found []cve.Finding) (bad bool) {
	t := p.terminal(w)
	for _, f := range found {
		severity := string(f.Severity)
		if f.Severity == cve.SeverityError {
			severity, bad = t.red(severity), true
		}
		where := clean(f.Pointer)
		if where == "" {
			where = "(whole document)"
		}
		fmt.Fprintf(w, "%s: %s: %s: %s [%s]\n", clean(file), severity, where, clean(f.Message), f.Rule)
	}
	return bad
}

// CnaLintCmd is `tasuki cna lint`.
type CnaLintCmd struct {
	Files  []string `arg:"" optional:"" name:"file" help:"Records or containers; - (the default) is standard input."`
	ADP    bool     `name:"adp" help:"They are ADP containers."`
	Org    string   `placeholder:"ORG" help:"Whose ADP container of a full record is meant (or TASUKI_CNA_ORG)."`
	Strict bool     `help:"Fail on warnings too."`
	JSON   bool     `name:"json" help:"Print one line of JSON per finding."`
}

// Help is the long description.
func (c *CnaLintCmd) Help() string {
	return `Takes what publish, update, reject and adp take: a full record, {"cnaContainer": …}, {"adpContainer": …}, or a container by itself. It asks nobody. "tasuki lint" checks whole records, archives and directories.`
}

// Run checks the files.
func (c *CnaLintCmd) Run(p *Program) error {
	validator, err := schema.NewValidator()
	if err != nil {
		return err
	}
	org := c.Org
	if org == "" {
		org = p.Getenv(cnaOrgEnv)
	}
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	bad := false
	for _, name := range c.Files {
		d, err := p.readDocument(name, c.ADP, org)
		if err != nil {
			fmt.Fprintf(p.Stderr, "tasuki: %s\n", clean(err.Error()))
			bad = true
			continue
		}
		found := d.findings(validator, d.id, p.Now())
		bad = bad || cve.HasErrors(found) || c.Strict && len(found) > 0
		if !c.JSON {
			p.tell(p.Stdout, d.file, found)
			noun := "findings"
			if len(found) == 1 {
				noun = "finding"
			}
			fmt.Fprintf(p.Stdout, "%s: %s, %s %s\n", clean(d.file), d.shape, thousands(int64(len(found))), noun)
			continue
		}
		for _, f := range found {
			if err := p.json(lintFinding{d.file, f}); err != nil {
				return err
			}
		}
	}
	if bad {
		return exitError{exitFailure}
	}
	return nil
}
