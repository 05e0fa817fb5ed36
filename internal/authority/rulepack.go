package authority

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

//go:embed rules/4.2.0.json
var builtinRaw []byte

// Builtin is the rule pack that comes with the program. It is shared: nobody changes it.
var Builtin = sync.OnceValue(func() *RulePack {
	p, err := ParseRulePack(builtinRaw)
	if err != nil {
		panic(err) // the file is embedded
	}
	return p
})

// Errors that callers branch on.
var (
	// ErrRulePack means a rule pack that contradicts itself or is none.
	ErrRulePack = errors.New("authority: malformed rule pack")
	// ErrPackVersion means that a pack of the version was adopted before, with another content: a version names one content.
	ErrPackVersion = errors.New("authority: the version names another rule pack")
	// ErrTrigger means that the pack has no deadline of that name.
	ErrTrigger = errors.New("authority: the rule pack has no such deadline")
	// ErrCalendar means that the pack has no calendar of that name.
	ErrCalendar = errors.New("authority: the rule pack has no such calendar")
)

// Power is something that a role may do. The rule pack says which role has which.
type Power string

// The powers that this program asks for.
const (
	Administer   Power = "administer"    // run the list: organisations, users, whole records
	ReadAll      Power = "read_all"      // read every organisation's identifiers
	Assign       Power = "assign"        // reserve identifiers, publish and reject records
	Enrich       Power = "enrich"        // put a container of one's own into a published record
	ApproveScope Power = "approve_scope" // give and end grants below
	Adjudicate   Power = "adjudicate"    // decide disputes of those below
	Transfer     Power = "transfer"      // order the transfer of an identifier
	Direct       Power = "direct"        // direct a CNA of last resort, or another suited one
	AdoptRules   Power = "adopt_rules"   // put a rule pack in force
)

// RulePack is one version of the Program's rules as data: what roles may do, by when something is due, which days are
// business days. Decisions are stamped with its version and never measured by a later one.
type RulePack struct {
	Version   string         `json:"version"`
	Effective time.Time      `json:"effective"` // from when the Program applies it
	About     string         `json:"about"`
	Examples  []string       `json:"examples"` // prefixes of identifiers that are examples and never live
	Roles     []RoleRule     `json:"roles"`
	Levels    []LevelRule    `json:"levels"` // of decision, from the lowest up
	Deadlines []DeadlineRule `json:"deadlines"`
	Calendars []Calendar     `json:"calendars"` // the first is used where no other is named
}

// RoleRule says what a role may do and which roles it may give.
type RoleRule struct {
	Role   OrgRole   `json:"role"`
	Powers []Power   `json:"powers"`
	Gives  []OrgRole `json:"gives"`
	About  string    `json:"about"`
}

// LevelRule is a level that disputes are decided at.
type LevelRule struct {
	Level string    `json:"level"` // as events name it: cna, root, tl-root, council, board
	Roles []OrgRole `json:"roles"` // who decides there
	Final bool      `json:"final"` // no appeal inside one hierarchy
	About string    `json:"about"`
}

// DeadlineRule is one time limit.
type DeadlineRule struct {
	Trigger  string `json:"trigger"` // name of what the limit is for
	Amount   int    `json:"amount"`
	Unit     string `json:"unit"`     // hours, days, weeks, months, business_days
	Strength string `json:"strength"` // must, should, may
	Source   string `json:"source"`   // where the Program says so
	About    string `json:"about"`
}

// ParseRulePack reads a pack file and checks that it does not contradict itself; ErrRulePack.
func ParseRulePack(raw []byte) (*RulePack, error) {
	p := &RulePack{}
	if err := json.Unmarshal(raw, p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRulePack, err)
	}
	if why := p.check(); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrRulePack, why)
	}
	return p, nil
}

var units = []string{"hours", "days", "weeks", "months", "business_days"}

func (p *RulePack) check() string {
	if p.Version == "" || p.Effective.IsZero() || len(p.Roles) == 0 || len(p.Calendars) == 0 {
		return "it lacks its version, effective date, roles or calendars"
	}
	seen := map[string]bool{}
	once := func(kind, name string) bool {
		k := kind + "\x00" + name
		twice := seen[k] || name == ""
		seen[k] = true
		return !twice
	}
	for _, r := range p.Roles {
		for _, known := range append([]OrgRole{r.Role}, r.Gives...) {
			if !known.Known() {
				return fmt.Sprintf("role %q is none of ours", known)
			}
		}
		if !once("role", string(r.Role)) {
			return fmt.Sprintf("role %q stands twice", r.Role)
		}
	}
	for _, l := range p.Levels {
		if !once("level", l.Level) {
			return fmt.Sprintf("level %q stands twice", l.Level)
		}
	}
	for _, d := range p.Deadlines {
		if !once("deadline", d.Trigger) || d.Amount <= 0 || d.Amount > 10_000 || !slices.Contains(units, d.Unit) {
			return fmt.Sprintf("deadline %q stands twice or is no time", d.Trigger)
		}
	}
	for i := range p.Calendars {
		c := &p.Calendars[i]
		if !once("calendar", c.Name) {
			return fmt.Sprintf("calendar %q stands twice", c.Name)
		}
		if why := c.open(); why != "" {
			return fmt.Sprintf("calendar %q: %s", c.Name, why)
		}
	}
	return ""
}

// HasPower says whether the pack gives a role a power.
func (p *RulePack) HasPower(r OrgRole, power Power) bool {
	return slices.ContainsFunc(p.Roles, func(rule RoleRule) bool { return rule.Role == r && slices.Contains(rule.Powers, power) })
}

// MayGive says whether a grant of role parent may have grants of role child under it.
func (p *RulePack) MayGive(parent, child OrgRole) bool {
	return slices.ContainsFunc(p.Roles, func(rule RoleRule) bool { return rule.Role == parent && slices.Contains(rule.Gives, child) })
}

// Example says that an identifier is an example, never live.
func (p *RulePack) Example(id string) bool {
	return slices.ContainsFunc(p.Examples, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// Rule is the time limit of a trigger; ErrTrigger.
func (p *RulePack) Rule(trigger string) (DeadlineRule, error) {
	i := slices.IndexFunc(p.Deadlines, func(d DeadlineRule) bool { return d.Trigger == trigger })
	if i < 0 {
		return DeadlineRule{}, fmt.Errorf("%q in %s: %w", trigger, p.Version, ErrTrigger)
	}
	return p.Deadlines[i], nil
}

var (
	packNewest = q.Get("rulepack_newest")
	packGet    = q.Get("rulepack_get")
)

// RulesInForce is the pack that was adopted last of those whose body is here, or the one that comes with the program: a list
// without rules would let nobody do anything.
func RulesInForce(ctx context.Context, tx *store.Tx) (*RulePack, error) {
	var version string
	err := tx.QueryRow(ctx, packNewest).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return Builtin(), nil
	}
	if err != nil {
		return nil, err
	}
	return RulesOf(ctx, tx, version)
}

// RulesOf is the pack of a version, by which decisions stamped with it are measured; ErrRulePack where it was never adopted or
// its body was erased.
func RulesOf(ctx context.Context, tx *store.Tx, version string) (*RulePack, error) {
	if version == Builtin().Version {
		return Builtin(), nil // a version names one content: AdoptRules sees to it
	}
	var raw []byte
	err := tx.QueryRow(ctx, packGet, version).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(raw) == 0 {
		return nil, fmt.Errorf("%w: version %q is not here", ErrRulePack, version)
	}
	if err != nil {
		return nil, err
	}
	return ParseRulePack(raw)
}

// AdoptRulePack puts a pack in force; nil is the one that comes with the program. ErrRulePack, ErrPackVersion. by is the organisation that
// decided it, "" for the operator. Adopting the pack in force again does nothing.
func AdoptRulePack(ctx context.Context, tx *store.Tx, t event.Turn, raw []byte, by string) (*RulePack, error) {
	if raw == nil {
		raw = builtinRaw
	}
	p, err := ParseRulePack(raw)
	if err != nil {
		return nil, err
	}
	var newest string
	if err := tx.QueryRow(ctx, packNewest).Scan(&newest); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	var before []byte
	switch err := tx.QueryRow(ctx, packGet, p.Version).Scan(&before); {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return nil, err
	case len(before) > 0 && !bytes.Equal(before, raw), p.Version == Builtin().Version && !bytes.Equal(raw, builtinRaw):
		return nil, fmt.Errorf("%s: %w", p.Version, ErrPackVersion)
	case newest == p.Version:
		return p, nil
	}
	doc, err := event.Pack(t.Rand(), raw)
	if err != nil {
		return nil, err
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.RulePackAdopted, Pack: p.Version, By: by}, doc)
	return p, err
}
