package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

// Errors that callers branch on.
var (
	// ErrNoOrg means that there is no such organisation.
	ErrNoOrg = errors.New("authority: no such organisation")
	// ErrOrgExists means that the UUID or the short name of a new organisation is another's already.
	ErrOrgExists = errors.New("authority: the organisation exists already")
	// ErrShortTaken means that another organisation has the new short name.
	ErrShortTaken = errors.New("authority: the short name is taken")
	// ErrShort means that a short name has less than 2 or more than 32 characters, or control characters.
	ErrShort = errors.New("authority: a short name has 2 to 32 characters")
	// ErrName means that an organisation would have no name.
	ErrName = errors.New("authority: an organisation has a name")
	// ErrQuota means that a quota is outside 0 to MaxQuota.
	ErrQuota = errors.New("authority: a quota lies between 0 and 100,000")
)

// Quotas of CVE Services (cve-services-api.md §9): how many identifiers an organisation may have reserved at one time.
const (
	MaxQuota     = 100_000
	StartQuota   = 1000
	maxName      = 400 // characters: longer ones are mistakes
	shortest     = 2
	longestShort = 32
)

// Org is an organisation as CVE Services shows it, with its public contact.
type Org struct {
	ID       string // permanent UUID
	Short    string // "" where its naming was erased
	Name     string
	Profile  Profile
	Adopted  bool      // made from an imported assigner
	Attest   string    // whose word counts for what it does: event.AttestSelf, else the operator's
	Roles    []OrgRole // standing grants that CVE Services knows, in the order they were given
	Quota    int64
	Created  time.Time
	Modified time.Time
}

// Profile is how the public reaches an organisation, and what it is. Everything in it is public.
type Profile struct {
	Emails     []string `json:"emails,omitempty"`     // role mailboxes
	Pages      []string `json:"pages,omitempty"`      // contact pages and forms
	Policies   []string `json:"policies,omitempty"`   // disclosure policies
	Advisories []string `json:"advisories,omitempty"` // where it publishes
	Types      []string `json:"types,omitempty"`      // "Vendor", "CERT", …
	Country    string   `json:"country,omitzero"`
	PartnerID  string   `json:"partner_id,omitzero"` // in the Program's partner list, "CNA-2009-0001"
}

func (p Profile) empty() bool {
	return len(p.Emails)+len(p.Pages)+len(p.Policies)+len(p.Advisories)+len(p.Types) == 0 && p.Country == "" && p.PartnerID == ""
}

// orgBody is the public body of org.*.
type orgBody struct {
	Name    string  `json:"name"`
	Profile Profile `json:"profile,omitzero"`
	Short   string  `json:"short"`
}

// NewOrg is what an organisation is made of.
type NewOrg struct {
	ID      string // "" draws a fresh UUID
	Short   string
	Name    string
	Profile Profile
	Roles   []OrgRole // each becomes a grant without a written scope
	Quota   *int64    // nil: StartQuota, or 0 when ADP is the only role
	By      string    // organisation that decided it, "" for the operator
}

// Register makes an organisation: ErrOrgExists, ErrShort, ErrName, ErrQuota, ErrRole.
func Register(ctx context.Context, tx *store.Tx, t event.Turn, n NewOrg) (Org, error) {
	return makeOrg(ctx, tx, t, n, event.OrgRegistered)
}

// Adopt makes an organisation of an imported assigner, whose UUID it keeps; errors as Register. Roles may be empty.
func Adopt(ctx context.Context, tx *store.Tx, t event.Turn, n NewOrg) (Org, error) {
	return makeOrg(ctx, tx, t, n, event.OrgAdopted)
}

func makeOrg(ctx context.Context, tx *store.Tx, t event.Turn, n NewOrg, kind event.Kind) (Org, error) {
	b := orgBody{Name: plain(strings.TrimSpace(n.Name)), Profile: n.Profile, Short: n.Short}
	if err := b.check(); err != nil {
		return Org{}, err
	}
	quota := int64(StartQuota)
	switch {
	case n.Quota != nil:
		quota = *n.Quota
	case len(n.Roles) > 0 && !slices.ContainsFunc(n.Roles, func(r OrgRole) bool { return r != ADP }):
		quota = 0
	}
	if err := checkQuota(quota); err != nil {
		return Org{}, err
	}
	switch taken, err := shortTaken(ctx, tx, n.Short); {
	case err != nil:
		return Org{}, err
	case taken:
		return Org{}, fmt.Errorf("register %q: %w", n.Short, ErrOrgExists)
	}
	id, err := identity(n.ID, t.Rand())
	if err != nil {
		return Org{}, err
	}
	switch _, err := GetOrg(ctx, tx, t.Now(), id); {
	case err == nil:
		return Org{}, fmt.Errorf("register %q: UUID: %w", n.Short, ErrOrgExists)
	case !errors.Is(err, ErrNoOrg):
		return Org{}, err
	}
	if err := emitBody(ctx, t, &event.Event{Kind: kind, Org: id, By: n.By}, b); err != nil {
		return Org{}, err
	}
	for _, role := range distinct(n.Roles) {
		if _, err := GiveGrant(ctx, tx, t, NewGrant{Org: id, Role: role, By: n.By}); err != nil {
			return Org{}, err
		}
	}
	if err := emitFact(ctx, t, &quotaFact{Kind: quotaSet, Org: id, Quota: quota}); err != nil {
		return Org{}, err
	}
	return GetOrg(ctx, tx, t.Now(), id)
}

// OrgChange is what changes of an organisation; what is nil or empty stays.
type OrgChange struct {
	Short, Name *string
	Profile     *Profile
	Quota       *int64
	Add, Remove []OrgRole // added before removed; what there is already, or not any more, is no error
	By          string    // organisation that decided it, "" for the operator
}

// ChangeOrg changes an organisation: ErrNoOrg, ErrShortTaken (also when the short name is its own already), ErrShort, ErrName,
// ErrQuota, ErrRole. Only what differs is said in the log.
func ChangeOrg(ctx context.Context, tx *store.Tx, t event.Turn, id string, c OrgChange) (Org, error) {
	o, err := GetOrg(ctx, tx, t.Now(), id)
	if err != nil {
		return Org{}, err
	}
	b := orgBody{Name: o.Name, Profile: o.Profile, Short: o.Short}
	if c.Short != nil {
		taken, err := shortTaken(ctx, tx, *c.Short)
		if err != nil {
			return Org{}, err
		}
		if taken {
			return Org{}, fmt.Errorf("rename %s to %q: %w", id, *c.Short, ErrShortTaken)
		}
		b.Short = *c.Short
	}
	if c.Name != nil {
		b.Name = plain(strings.TrimSpace(*c.Name))
	}
	if c.Profile != nil {
		b.Profile = *c.Profile
	}
	if c.Short != nil || c.Profile != nil || b.Name != o.Name {
		if err := b.check(); err != nil {
			return Org{}, err
		}
		if err := emitBody(ctx, t, &event.Event{Kind: event.OrgRenamed, Org: o.ID, By: c.By}, b); err != nil {
			return Org{}, err
		}
	}
	if c.Quota != nil {
		if err := checkQuota(*c.Quota); err != nil {
			return Org{}, err
		}
		if *c.Quota != o.Quota {
			if err := emitFact(ctx, t, &quotaFact{Kind: quotaSet, Org: o.ID, Quota: *c.Quota}); err != nil {
				return Org{}, err
			}
		}
	}
	if err := changeRoles(ctx, tx, t, o, c); err != nil {
		return Org{}, err
	}
	return GetOrg(ctx, tx, t.Now(), o.ID)
}

func changeRoles(ctx context.Context, tx *store.Tx, t event.Turn, o Org, c OrgChange) error {
	for _, role := range distinct(c.Add) {
		if slices.Contains(o.Roles, role) {
			continue
		}
		if _, err := GiveGrant(ctx, tx, t, NewGrant{Org: o.ID, Role: role, By: c.By}); err != nil {
			return err
		}
	}
	if len(c.Remove) == 0 {
		return nil
	}
	grants, err := GrantsOf(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if slices.Contains(c.Remove, g.Role) && g.StandsAt(t.Now()) {
			if err := EndGrant(ctx, tx, t, g.ID, "removed", c.By); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *orgBody) check() error {
	n := utf8.RuneCountInString(b.Short)
	switch {
	case n < shortest || n > longestShort || strings.ContainsFunc(b.Short, control) || !utf8.ValidString(b.Short):
		return fmt.Errorf("%q: %w", b.Short, ErrShort)
	case b.Name == "" || utf8.RuneCountInString(b.Name) > maxName || !utf8.ValidString(b.Name):
		return ErrName
	}
	return nil
}

func checkQuota(n int64) error {
	if n < 0 || n > MaxQuota {
		return fmt.Errorf("%d: %w", n, ErrQuota)
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// plain is s as a text column of either engine can hold it: PostgreSQL knows no U+0000, which JSON does.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// distinct is list without repetitions, in its order.
func distinct[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// identity is id when it is a UUID in its canonical spelling, or a fresh version 4 one.
func identity(id string, rand io.Reader) (string, error) {
	if id == "" {
		u, err := uuid.NewRandomFromReader(rand)
		if err != nil {
			return "", fmt.Errorf("draw a UUID: %w", err)
		}
		return u.String(), nil
	}
	u, err := uuid.Parse(id)
	if err != nil {
		return "", fmt.Errorf("authority: %q is no UUID: %w", id, err)
	}
	return u.String(), nil
}

func emitBody(ctx context.Context, t event.Turn, e *event.Event, body any) error {
	raw, err := jcs.Canonical(body)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Kind, err)
	}
	doc, err := event.Pack(t.Rand(), raw)
	if err != nil {
		return err
	}
	_, err = t.Emit(ctx, e, doc)
	return err
}

func emitFact(ctx context.Context, t event.Turn, fact any) error {
	raw, err := jcs.Canonical(fact)
	if err != nil {
		return fmt.Errorf("private fact: %w", err)
	}
	_, err = t.EmitPrivate(ctx, raw)
	return err
}

// shortTaken says whether an organisation has the short name.
func shortTaken(ctx context.Context, tx *store.Tx, short string) (bool, error) {
	_, err := scanOrg(tx.QueryRow(ctx, orgNamed, plain(short)))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// SetContacts says whom the Program reaches in an organisation; ErrNoOrg. It is a private fact.
func SetContacts(ctx context.Context, tx *store.Tx, t event.Turn, org string, contacts []Contact) error {
	o, err := GetOrg(ctx, tx, t.Now(), org)
	if err != nil {
		return err
	}
	return emitFact(ctx, t, &contactFact{Contacts: contacts, Kind: contactSet, Org: o.ID})
}
