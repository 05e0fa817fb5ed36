package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tasuki/internal/authority"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// Candidate is an organisation that imported documents name and that may become one of this list.
type Candidate struct {
	ID, Short string // as the newest document that names it writes them
	Records   int64  // whose assigner it is; 0 for one that only provides containers
	Adopted   bool   // its identifiers are its own here already
}

// Candidates lists the assigners that imported documents name, by short name.
func (s *Service) Candidates(ctx context.Context) (out []Candidate, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		list, err := registry.Assigners(ctx, tx)
		if err != nil {
			return err
		}
		for _, a := range list {
			c := Candidate{ID: a.Org, Records: a.Records, Adopted: a.Adopted}
			if c.Short, err = s.assignerName(ctx, tx, a.Newest); err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Candidate) int { return strings.Compare(a.Short, b.Short) })
	return out, err
}

// assignerName is the short name of the assigner in the document of a leaf, "" where it has none or was erased.
func (s *Service) assignerName(ctx context.Context, tx *store.Tx, leaf int64) (string, error) {
	e, err := s.entry(ctx, tx, leaf)
	if err != nil || e.Doc == nil {
		return "", err
	}
	rec, err := e.Doc.Record()
	if err != nil {
		return "", err
	}
	short := rec.Metadata.AssignerShortName
	if p := rec.Containers.CNA.Provider; short == "" && p.OrgID == rec.Metadata.AssignerOrgID {
		short = p.ShortName
	}
	return short, nil
}

// Adoption makes one organisation of this list.
type Adoption struct {
	ID, Short, Name string
	Roles           []authority.OrgRole // given where it does not hold them
}

// Adopted is what became of one adoption.
type Adopted struct {
	Adoption
	Outcome string // "adopted", "here" when it was before, or "refused"
	Reason  string // of a refusal
}

// The outcomes of an adoption.
const (
	WasAdopted = "adopted"
	WasHere    = "here"
	WasRefused = "refused"
)

// adoptAtOnce is how many organisations one command adopts: some four leaves each, so that the writer is free again soon.
const adoptAtOnce = 20

// Adopt makes organisations of those that imported documents name: each keeps its UUID and owns the identifiers whose assigner it is
// from then on. What cannot be adopted, because its short name is another's or is none, is refused and said; the others are adopted all
// the same. tell is called after each batch and may be nil. The only error of a caller is ErrNotOperator. Doing it again does nothing.
func (s *Service) Adopt(ctx context.Context, c authority.Caller, list []Adoption, tell func([]Adopted)) error {
	if tell == nil {
		tell = func([]Adopted) {}
	}
	for batch := range slices.Chunk(list, adoptAtOnce) {
		var done []Adopted
		err := s.operate(ctx, c, true, func(ctx context.Context, t turn) error {
			done = nil
			for _, a := range batch {
				d, err := adopt(ctx, t, a)
				if err != nil {
					return fmt.Errorf("adopt %s: %w", a.Short, err)
				}
				done = append(done, d)
			}
			return nil
		})
		if err != nil {
			return err
		}
		tell(done)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func adopt(ctx context.Context, t turn, a Adoption) (Adopted, error) {
	d := Adopted{Adoption: a}
	refuse := func(why string) (Adopted, error) {
		d.Outcome, d.Reason = WasRefused, why
		return d, nil
	}
	// Documents are joined to the organisation by this text: another spelling of it would own nothing.
	if u, err := uuid.Parse(a.ID); err != nil || u.String() != a.ID {
		return refuse("its identifier is not a UUID in lower case")
	}
	switch have, err := authority.GetOrg(ctx, t.Tx, t.Now(), a.ID); {
	case err == nil && have.Adopted:
		d.Outcome, d.Short = WasHere, have.Short
		return d, nil
	case err == nil:
		return refuse("an organisation that this list registered has its UUID")
	case !errors.Is(err, authority.ErrNoOrg):
		return d, err
	}
	_, err := authority.Adopt(ctx, t.Tx, t, authority.NewOrg{ID: a.ID, Short: a.Short, Name: a.Name, Roles: a.Roles})
	switch {
	case errors.Is(err, authority.ErrOrgExists):
		return refuse("another organisation has its short name: rename that one, or adopt this one under another name")
	case errors.Is(err, authority.ErrShort):
		return refuse("a short name has 2 to 32 characters")
	case errors.Is(err, authority.ErrName):
		return refuse("it has no name")
	}
	d.Outcome = WasAdopted
	return d, err
}

// partnersAtOnce is how many partners one command brings, beside those that the others stand under.
const partnersAtOnce = 25

// ImportPartners makes organisations and grants of the Program's partner list. Those that imported documents name keep their UUIDs and
// own their identifiers. It goes in batches; tell, which may be nil, is told how many partners are done. Powers over this list are not
// a file's to give: the role of a Secretariat is left out. Its errors: ErrNotOperator, and those of authority.ImportPartners. Doing it
// again does nothing.
func (s *Service) ImportPartners(ctx context.Context, c authority.Caller, list []authority.Partner, tell func(done int)) (sum authority.Imported, err error) {
	known, err := s.Candidates(ctx)
	if err != nil {
		return sum, err
	}
	idOf := func(short string) (id string) {
		for _, k := range known {
			if k.Short == short {
				return k.ID
			}
			if id == "" && strings.EqualFold(k.Short, short) {
				id = k.ID
			}
		}
		return id
	}
	// Whoever others stand under goes with every batch: what is there already costs a look.
	var above, rest []authority.Partner
	for _, p := range list {
		p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r authority.PartnerRole) bool { return r.Role == authority.Secretariat })
		heads := slices.ContainsFunc(p.Roles, func(r authority.PartnerRole) bool {
			return r.Role == authority.TopLevelRoot || r.Role == authority.Root
		})
		if heads {
			above = append(above, p)
		} else {
			rest = append(rest, p)
		}
	}
	for begun := false; !begun || len(rest) > 0; begun = true {
		batch := rest[:min(len(rest), partnersAtOnce)]
		rest = rest[len(batch):]
		var part authority.Imported
		err := s.operate(ctx, c, true, func(ctx context.Context, t turn) (err error) {
			part, err = authority.ImportPartners(ctx, t.Tx, t, slices.Concat(above, batch), idOf, "")
			return err
		})
		if err != nil {
			return sum, err
		}
		sum.Made, sum.Adopted, sum.Changed = sum.Made+part.Made, sum.Adopted+part.Adopted, sum.Changed+part.Changed
		sum.Given, sum.Ended = sum.Given+part.Given, sum.Ended+part.Ended
		if tell != nil {
			tell(len(list) - len(rest))
		}
	}
	return sum, nil
}

// RolesFor are the roles that an organisation has by what imported documents say of it: who assigns is a CNA, who only adds containers
// an ADP.
func (c Candidate) RolesFor() []authority.OrgRole {
	if c.Records > 0 {
		return []authority.OrgRole{authority.CNA}
	}
	return []authority.OrgRole{authority.ADP}
}
