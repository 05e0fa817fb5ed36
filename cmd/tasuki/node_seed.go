package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// errNotFresh refuses a seed over anything that is there.
var errNotFresh = errors.New("the store holds a list already; a seed needs a new data directory, and an empty database")

// sow fills a test list that was just founded. All of it is one transaction, so a start that died leaves nothing of it.
func (n *node) sow(ctx context.Context, s *Seed) error {
	size, err := n.size(ctx)
	if err != nil {
		return err
	}
	const founded = 1 // the leaf that opened the first epoch
	if !n.chain.Test() || size != founded || n.sealed != "" {
		return errNotFresh
	}
	// The tables are this program's from their first row on.
	if err := n.cursors.Save(ctx, foldsCursor, []byte(foldVersions())); err != nil {
		return err
	}
	now := s.clock(n.now)
	g := gate.New(gate.Config{DB: n.db, Log: n.ledger, List: n.chain.ListID(), Operator: n.chain.Head().Charter().Operator.Org,
		Projections: projections(), Now: now, ClockLeap: time.Duration(n.cfg.ClockLeap), Rand: n.rand, Logger: n.log})
	defer g.Close()
	phc, err := authority.HashSecret(n.rand, s.Key)
	if err != nil {
		return err
	}
	docs, err := s.pack(g)
	if err != nil {
		return err
	}
	return g.Do(ctx, operator("dev-seed"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		if t.Size() != founded {
			return errNotFresh
		}
		if _, err := authority.AdoptRulePack(ctx, t.Tx, t, nil, ""); err != nil {
			return err
		}
		if err := s.people(ctx, t, phc); err != nil {
			return err
		}
		for _, r := range s.Ranges {
			if err := registry.OpenRange(ctx, t.Tx, t, r.Year, event.Skip{Priority: r.Priority}); err != nil {
				return err
			}
		}
		for _, i := range s.IDs {
			if err := s.identifier(ctx, t, i, docs[i.ID]); err != nil {
				return fmt.Errorf("%s: %w", i.ID, err)
			}
		}
		return nil
	}})
}

// people makes organisations and users. The users' order is that of their creation, which the protocol shows.
func (s *Seed) people(ctx context.Context, t *gate.Turn, phc string) error {
	for _, o := range s.Orgs {
		org, err := authority.Register(ctx, t.Tx, t, authority.NewOrg{ID: s.uuid("org", o.Short), Short: o.Short, Name: o.Name, Roles: o.Roles, Quota: &o.Quota})
		if err != nil {
			return fmt.Errorf("%s: %w", o.Short, err)
		}
		for _, u := range o.Users {
			_, err := authority.AddUser(ctx, t.Tx, t, authority.NewUser{ID: s.uuid("user", o.Short, u.Name), Org: org.ID, Username: u.Name, Name: u.Person,
				Roles: u.Roles, PHC: phc})
			if err != nil {
				return fmt.Errorf("%s: %w", u.Name, err)
			}
		}
	}
	return nil
}

// identifier gives one out, and puts its record where it has one.
func (s *Seed) identifier(ctx context.Context, t *gate.Turn, i seedID, doc *event.Doc) error {
	org := s.uuid("org", i.Owner)
	_, err := registry.Pull(ctx, t.Tx, t, registry.Pulled{ID: i.ID, State: cve.Reserved, Owner: org, ByOrg: org, ByUser: s.firstUser(i.Owner)})
	if err != nil || doc == nil {
		return err
	}
	have, err := registry.GetID(ctx, t.Tx, i.ID)
	if err != nil {
		return err
	}
	put := registry.Put{Cont: cve.CNA, By: org, Short: i.Owner, DV: schema.Current, Doc: doc}
	if i.State == cve.Rejected {
		_, err = registry.RejectRecord(ctx, t.Tx, t, have, put)
	} else {
		_, err = registry.PutContainer(ctx, t.Tx, t, have, put)
	}
	return err
}

// firstUser is the UUID of an organisation's first user.
func (s *Seed) firstUser(short string) string {
	for _, o := range s.Orgs {
		if o.Short == short {
			return s.uuid("user", short, o.Users[0].Name)
		}
	}
	return ""
}

// pack makes the containers of the seed's records, outside of the transaction.
func (s *Seed) pack(g *gate.Gate) (map[string]*event.Doc, error) {
	docs := map[string]*event.Doc{}
	for _, i := range s.IDs {
		kind := event.RecordPut
		switch i.State {
		case cve.Reserved:
			continue
		case cve.Rejected:
			kind = event.RecordRejected
		}
		raw, err := i.container()
		if err == nil {
			raw, err = cve.WithProvider(raw, s.uuid("org", i.Owner), i.Owner)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i.ID, err)
		}
		if docs[i.ID], err = g.Pack(kind, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", i.ID, err)
		}
	}
	return docs, nil
}

// container is a made-up CNA container that complies with the format.
func (i seedID) container() ([]byte, error) {
	type text struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	}
	type version struct {
		Version string `json:"version"`
		Status  string `json:"status"`
	}
	type affected struct {
		Vendor   string    `json:"vendor"`
		Product  string    `json:"product"`
		Versions []version `json:"versions"`
	}
	type reference struct {
		URL string `json:"url"`
	}
	if i.State == cve.Rejected {
		return json.Marshal(struct {
			Reasons []text `json:"rejectedReasons"`
		}{[]text{{"en", i.ID + " of the test list was rejected: it was never used."}}})
	}
	return json.Marshal(struct {
		Title        string      `json:"title"`
		Descriptions []text      `json:"descriptions"`
		Affected     []affected  `json:"affected"`
		References   []reference `json:"references"`
	}{
		i.ID + " of the test list",
		[]text{{"en", "A made-up flaw in a made-up product of " + i.Owner + "."}, {"ja", "試験用リストの架空の欠陥です。"}},
		[]affected{{i.Owner, "product of " + i.Owner, []version{{"1.0", "affected"}, {"1.1", "unaffected"}}}},
		[]reference{{"https://" + i.ID + ".test/advisory"}},
	})
}
