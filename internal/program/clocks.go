package program

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Seen is a place where an identifier stands in public.
type Seen struct {
	ID     string
	How    string // governance.SeenRecord, SeenCited or SeenReported
	Source string
	Citing string // identifier of the record that cites it, "" for none
	Time   time.Time
}

// disclosed are the deadlines that begin when an identifier is public: as if its CNA had disclosed it, for who did is not known, and
// finding out would tell in public whose it is (CNA rules 4.5.1.3, 4.5.1.4).
var disclosed = []string{"disclosure.publish.must", "disclosure.publish.should"}

// Sight writes down, inside a command, which of the identifiers are reserved here and nevertheless public, unless that is known
// already; it answers for how many it did. It costs a read for each. Deadlines are by the rule pack's first calendar, whoever owns the
// identifier.
func Sight(ctx context.Context, tx *store.Tx, t event.Turn, list []Seen) (n int, err error) {
	var rules *authority.RulePack
	for _, seen := range list {
		i, err := registry.GetID(ctx, tx, seen.ID)
		if errors.Is(err, registry.ErrNotFound) || err == nil && (i.State != cve.Reserved || i.Owner == "") {
			continue
		}
		if err != nil {
			return n, err
		}
		if rules == nil {
			if rules, err = authority.RulesInForce(ctx, tx); err != nil {
				return n, err
			}
		}
		s := governance.Sighting{ID: seen.ID, Source: seen.Source, How: seen.How, Citing: seen.Citing, SourceTime: seen.Time, Pack: rules.Version}
		if s.Due, err = rules.Deadline(governance.Remedy, t.Now(), ""); err != nil {
			return n, err
		}
		for _, trigger := range disclosed {
			at, err := rules.Deadline(trigger, t.Now(), "")
			if errors.Is(err, authority.ErrTrigger) {
				continue // another pack may know no such rule
			}
			if err != nil {
				return n, err
			}
			s.Dues = append(s.Dues, event.Due{For: trigger, At: at})
		}
		fresh, err := governance.NoteSighting(ctx, tx, t, s)
		if err != nil {
			return n, err
		}
		if fresh {
			n++
		}
	}
	return n, nil
}

// ErrAddress means a text that is no public web address.
var ErrAddress = errors.New("program: not a public web address")

// ReportSighting writes down that a reserved identifier stands in public at an address. Owners, those who may direct somebody, the
// Secretariat and the operator may; the log does not say who did. ErrNotParty, ErrAddress, registry.ErrNotFound; nothing happens for
// an identifier that is not reserved, or was seen before: false.
func (s *Service) ReportSighting(ctx context.Context, c authority.Caller, id, address string) (fresh bool, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > 1000 {
		return false, ErrAddress
	}
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		fresh = false
		i, err := registry.GetID(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if t.me.Role != authority.Operator && !t.me.IsSecretariat() && !t.me.Can(authority.Direct) && i.Owner != t.me.Org.ID {
			return fmt.Errorf("%s: %w", c, ErrNotParty)
		}
		n, err := Sight(ctx, t.Tx, t, []Seen{{ID: id, How: governance.SeenReported, Source: address}})
		fresh = n > 0
		return err
	})
	return fresh, err
}

// ClockView is a running clock as it is shown.
type ClockView struct {
	governance.Clock
	Key      string // names it for good: for links and feeds
	OrgName  string // short name of who is to act; "" while that is not public
	Strength string // must, should, may
	Rule     string // where the Program says so
	About    string
	Overdue  bool
	Left     time.Duration // until it is due; negative once it is overdue
	// Mine says that the caller is to act, also where that is not public.
	Mine bool
}

// Clocks lists the running clocks, the most urgent first, in an order that stays. c may be anybody: what differs between callers is
// Mine alone.
func (s *Service) Clocks(ctx context.Context, c authority.Caller) (out []ClockView, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		list, err := governance.Running(ctx, tx)
		if err != nil {
			return err
		}
		at, n, packs := s.Now(), newNames(tx, s.Now()), map[string]*authority.RulePack{}
		for _, k := range list {
			v := ClockView{Clock: k, Key: k.ID(), Overdue: k.Overdue(at), Left: k.Due.Sub(at)}
			if v.OrgName, err = n.org(ctx, k.Org); err != nil {
				return err
			}
			rules, ok := packs[k.Pack]
			if !ok {
				if rules, err = authority.RulesOf(ctx, tx, k.Pack); err != nil && !errors.Is(err, authority.ErrRulePack) {
					return err
				}
				packs[k.Pack] = rules
			}
			v.rule(rules)
			if v.Mine, err = mine(ctx, tx, me, k); err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// rule says what the clock measures, by the pack it was stamped with; nil where that is not here.
func (v *ClockView) rule(p *authority.RulePack) {
	v.Strength = "must"
	if p == nil {
		return
	}
	r, err := p.Rule(v.What)
	if err != nil {
		return // a direction's time is the Root's own
	}
	v.Strength, v.Rule, v.About = r.Strength, r.Source, r.About
}

// mine says that a caller is to act.
func mine(ctx context.Context, tx *store.Tx, me authority.Standing, k governance.Clock) (bool, error) {
	if me.Role != authority.Member {
		return false, nil
	}
	org, err := actor(ctx, tx, k)
	return err == nil && org == me.Org.ID, err
}

// Activity is what an organisation does, in public.
type Activity struct {
	governance.Timeliness
	Records, Rejected int64
	Cases             []CaseView // that it is in by name, running ones
}

// ActivityOf counts for an organisation by short name: authority.ErrNoOrg. Everybody gets the same.
func (s *Service) ActivityOf(ctx context.Context, short string) (out Activity, err error) {
	err = s.view(ctx, authority.Caller{Role: authority.Anonymous}, func(tx *store.Tx, me authority.Standing) error {
		o, err := shortName(ctx, tx, s.Now(), short)
		if err != nil {
			return err
		}
		if out.Timeliness, err = governance.TimelinessOf(ctx, tx, s.Now(), o.ID); err != nil {
			return err
		}
		if out.Records, out.Rejected, err = registry.PublicCounts(ctx, tx, o.ID); err != nil {
			return err
		}
		for _, w := range []governance.Workflow{governance.Dispute, governance.Refusal, governance.Direction, governance.Transfer, governance.Inactivity} {
			list, err := governance.Cases(ctx, tx, w)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(d governance.Case) bool {
				return d.Ended() || d.Party != o.ID && d.Against != o.ID && d.Adjudicator != o.ID
			})
			views, err := s.viewCases(ctx, tx, me, list)
			if err != nil {
				return err
			}
			out.Cases = append(out.Cases, views...)
		}
		return nil
	})
	return out, err
}

// Sightings lists the newest identifiers that were seen while they were reserved, newest first. It is public.
func (s *Service) Sightings(ctx context.Context, limit int) (out []governance.Recorded, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		out, err = governance.StepsOf(ctx, tx, event.RBPNoted, limit)
		return err
	})
	return out, err
}

// Relations lists what splits, merges, transfers and sightings say of an identifier, oldest first. It is public.
func (s *Service) Relations(ctx context.Context, id string) (out []governance.Recorded, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		out, err = governance.StepsAbout(ctx, tx, id)
		return err
	})
	return out, err
}
