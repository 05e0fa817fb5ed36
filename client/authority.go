package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// Organization is an organisation of the list, as everybody may see it.
type Organization struct {
	ID         string   `json:"id" doc:"Permanent." format:"uuid"`
	Short      string   `json:"short" doc:"Short name." example:"acme"`
	Name       string   `json:"name"`
	Roles      []string `json:"roles" doc:"That it holds now, the highest first."`
	Country    string   `json:"country,omitzero"`
	Types      []string `json:"types,omitzero" doc:"What it is: Vendor, CERT, …"`
	Partner    string   `json:"partner,omitzero" doc:"Its number in the Program's list of partners."`
	Emails     []string `json:"emails,omitzero" doc:"Role mailboxes."`
	Pages      []string `json:"pages,omitzero" doc:"Contact pages and forms."`
	Policies   []string `json:"policies,omitzero" doc:"Disclosure policies."`
	Advisories []string `json:"advisories,omitzero" doc:"Where it publishes."`
	Above      string   `json:"above,omitzero" doc:"Short name of the organisation that it stands under."`
	Head       string   `json:"head,omitzero" doc:"Short name of the head of its hierarchy."`
}

// Organizations is a page of the directory.
type Organizations struct {
	Items []Organization `json:"items" doc:"By short name."`
	Total int            `json:"total" doc:"How many there are in all."`
	Size  int64          `json:"size" doc:"Leaves of the log that the answer covers."`
}

// Profile is an organisation with its grants and how it keeps its deadlines.
type Profile struct {
	Organization Organization `json:"organization"`
	Below        []string     `json:"below" doc:"Short names of those that stand under it."`
	Grants       []Grant      `json:"grants" doc:"Ended ones too, in the order they were given."`
	Timeliness   Timeliness   `json:"timeliness"`
	Size         int64        `json:"size" doc:"Leaves of the log that the answer covers."`
}

// Grant is a role with its scope.
type Grant struct {
	ID     string     `json:"id" format:"uuid"`
	Role   string     `json:"role"`
	Stands bool       `json:"stands" doc:"Whether it is in force now."`
	Above  string     `json:"above,omitzero" doc:"Short name of whom it stands under."`
	Scope  Scope      `json:"scope"`
	From   time.Time  `json:"from" format:"date-time"`
	To     *time.Time `json:"to,omitzero" format:"date-time"`
	Ended  *time.Time `json:"ended,omitzero" format:"date-time"`
	Reason string     `json:"reason,omitzero" doc:"Of its end."`
	Pack   string     `json:"pack" doc:"Version of the rule pack that it was given under."`
	Leaf   int64      `json:"leaf" doc:"The leaf of the log that gave it."`
}

// Scope is what a grant covers: in words and, as far as it goes, in patterns.
type Scope struct {
	Text    string    `json:"text,omitzero"`
	Kind    string    `json:"kind,omitzero" doc:"coordination: by activity; absent: by products."`
	EOL     string    `json:"eol,omitzero" doc:"Products at the end of their life: included, excluded; absent: the scope does not say."`
	Include []Pattern `json:"include,omitzero"`
	Exclude []Pattern `json:"exclude,omitzero" doc:"What of include is not covered."`
}

// Pattern is a pattern for products; all of its members must fit.
type Pattern struct {
	Vendor    string `json:"vendor,omitzero"`
	Product   string `json:"product,omitzero"`
	Namespace string `json:"namespace,omitzero" doc:"Of packages: it and all below it." example:"npm/@acme"`
	PURL      string `json:"purl,omitzero"`
	CPE       string `json:"cpe,omitzero"`
	Derived   bool   `json:"derived,omitzero" doc:"Whether it was read out of words and not stated by the organisation."`
}

// Timeliness is how an organisation keeps its public deadlines.
type Timeliness struct {
	Met       int64 `json:"met"`
	Missed    int64 `json:"missed" doc:"Ended too late, or overdue."`
	Running   int64 `json:"running" doc:"Not yet due."`
	Overdue   int64 `json:"overdue" doc:"Of missed: still running."`
	Published int64 `json:"published" doc:"Identifiers of this list that it published."`
	Median    int64 `json:"median_seconds" doc:"From reservation to publication, of the middle one."`
}

// Responsible answers who is responsible for a product.
type Responsible struct {
	Verdict      string  `json:"verdict" doc:"holder: one organisation; overlap: several; gap: a CNA of last resort; nobody." enum:"holder,overlap,gap,nobody"`
	Holders      []Claim `json:"holders" doc:"Whose scope fits most narrowly."`
	Wider        []Claim `json:"wider" doc:"Whose scope covers it less narrowly."`
	Outside      []Claim `json:"outside" doc:"Whose scope would cover it but for an exclusion or its policy for the end of life."`
	Coordinators []Claim `json:"coordinators" doc:"By activity, where there is no holder."`
	LastResort   []Claim `json:"last_resort" doc:"The nearest in the hierarchy first."`
	Chain        []Claim `json:"chain" doc:"From the first holder, or CNA of last resort, up to the head of its hierarchy."`
	Arbiter      string  `json:"arbiter,omitzero" doc:"Short name of who decides where holders cannot agree; absent in an overlap: the Council of Roots."`
}

// Claim is a grant that has to do with a product.
type Claim struct {
	Short  string   `json:"short"`
	Name   string   `json:"name"`
	Role   string   `json:"role"`
	Grant  string   `json:"grant" format:"uuid"`
	Match  *Pattern `json:"match,omitzero" doc:"The pattern that fits."`
	Why    string   `json:"why,omitzero" doc:"Why it does not hold: excluded, or end of life."`
	Emails []string `json:"emails,omitzero"`
	Pages  []string `json:"pages,omitzero"`
}

// Clock is a deadline that runs in public.
type Clock struct {
	Key      string    `json:"key" doc:"Names it for good."`
	What     string    `json:"what" doc:"The rule pack's name for it." example:"refusal.answer"`
	About    string    `json:"about,omitzero" doc:"The rule in words."`
	Rule     string    `json:"rule,omitzero" doc:"Where the Program says so."`
	Strength string    `json:"strength" enum:"must,should,may"`
	Pack     string    `json:"pack" doc:"Version of the rule pack that it was stamped by."`
	Started  time.Time `json:"started" format:"date-time"`
	Due      time.Time `json:"due" format:"date-time"`
	Overdue  bool      `json:"overdue"`
	Org      string    `json:"org,omitzero" doc:"Short name of who is to act; absent while that is not public."`
	CVE      string    `json:"cve,omitzero"`
	Case     string    `json:"case,omitzero" format:"uuid"`
	Leaf     int64     `json:"leaf" doc:"The leaf of the log that started it."`
}

// Clocks is every clock that runs.
type Clocks struct {
	Items   []Clock `json:"items" doc:"The first due first."`
	Overdue int     `json:"overdue"`
}

// Case is one run of a workflow: a dispute, a refusal, a direction, a transfer, notices to an inactive CNA.
type Case struct {
	ID          string     `json:"id" format:"uuid"`
	Workflow    string     `json:"workflow" enum:"dispute,refusal,direction,transfer,inactivity"`
	Subject     string     `json:"subject,omitzero" doc:"Why it was begun."`
	State       string     `json:"state"`
	Ended       bool       `json:"ended"`
	Level       string     `json:"level,omitzero" doc:"Who decides a dispute; which notice."`
	Outcome     string     `json:"outcome,omitzero"`
	IDs         []string   `json:"ids" doc:"CVE identifiers."`
	Hidden      bool       `json:"hidden,omitzero" doc:"It is about what was not public when it began: organisations and texts are committed, not public."`
	Party       string     `json:"party,omitzero" doc:"Short name of who began it."`
	Against     string     `json:"against,omitzero" doc:"Short name of whom it is with."`
	Adjudicator string     `json:"adjudicator,omitzero" doc:"Short name of who decides now."`
	Opened      time.Time  `json:"opened" format:"date-time"`
	Changed     time.Time  `json:"changed" format:"date-time"`
	Due         *time.Time `json:"due,omitzero" format:"date-time"`
	Overdue     bool       `json:"overdue,omitzero"`
	Pack        string     `json:"pack" doc:"Version of the rule pack of the newest step."`
}

// Cases is a list of cases.
type Cases struct {
	Items []Case `json:"items" doc:"The newest first."`
	Total int    `json:"total"`
}

// Step is one public step of a case.
type Step struct {
	Leaf     int64      `json:"leaf" doc:"The leaf of the log that it is."`
	Kind     string     `json:"kind" doc:"The kind of event." example:"dispute.opened/1"`
	At       time.Time  `json:"at" format:"date-time"`
	By       string     `json:"by,omitzero" doc:"Short name of who took it."`
	Org      string     `json:"org,omitzero" doc:"Short name of whom it concerns."`
	CVE      string     `json:"cve,omitzero"`
	Level    string     `json:"level,omitzero"`
	Reason   string     `json:"reason,omitzero"`
	Outcome  string     `json:"outcome,omitzero"`
	Due      *time.Time `json:"due,omitzero" format:"date-time"`
	Text     string     `json:"text,omitzero"`
	Evidence []string   `json:"evidence,omitzero" doc:"Web addresses."`
}

// CaseSteps is a case with its public steps.
type CaseSteps struct {
	Case  Case   `json:"case"`
	Steps []Step `json:"steps" doc:"The oldest first."`
}

// OrganizationsQuery asks for a part of the directory.
type OrganizationsQuery struct {
	Q      string // part of a name or short name
	Role   string // only who holds it
	Offset int
	Limit  int // at most 1,000; 0 means 1,000
}

// Organizations asks for the directory.
func (c *Client) Organizations(ctx context.Context, q OrganizationsQuery) (*Organizations, error) {
	v := url.Values{}
	set(v, "q", q.Q)
	set(v, "role", q.Role)
	if q.Offset != 0 {
		v.Set("offset", strconv.Itoa(q.Offset))
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return ask[Organizations](ctx, c, "organizations", v)
}

// Organization asks for one organisation, by short name or UUID.
func (c *Client) Organization(ctx context.Context, short string) (*Profile, error) {
	return ask[Profile](ctx, c, path("organizations", short), nil)
}

// Product is what somebody asks about: any of vendor and product, package URL, CPE name.
type Product struct {
	Vendor, Product, PURL, CPE string
	EOL                        bool // every version in question is at the end of its life
}

// Responsible asks who is responsible for a product.
func (c *Client) Responsible(ctx context.Context, p Product) (*Responsible, error) {
	v := url.Values{}
	set(v, "vendor", p.Vendor)
	set(v, "product", p.Product)
	set(v, "purl", p.PURL)
	set(v, "cpe", p.CPE)
	if p.EOL {
		v.Set("eol", "true")
	}
	return ask[Responsible](ctx, c, "responsible", v)
}

// Clocks asks for the clocks that run, of one organisation or of everybody ("").
func (c *Client) Clocks(ctx context.Context, org string) (*Clocks, error) {
	v := url.Values{}
	set(v, "org", org)
	return ask[Clocks](ctx, c, "clocks", v)
}

// Disputes asks for the cases of a workflow, "" for disputes.
func (c *Client) Disputes(ctx context.Context, workflow string) (*Cases, error) {
	v := url.Values{}
	set(v, "workflow", workflow)
	return ask[Cases](ctx, c, "disputes", v)
}

// Dispute asks for one case.
func (c *Client) Dispute(ctx context.Context, id string) (*CaseSteps, error) {
	return ask[CaseSteps](ctx, c, path("disputes", id), nil)
}
