package main

import (
	"context"
	"fmt"
	"strings"
)

// AuthorityOrgCmd is `tasuki authority org`.
type AuthorityOrgCmd struct {
	List   OrgListCmd   `cmd:"" help:"List organisations."`
	Show   OrgShowCmd   `cmd:"" help:"Show one organisation: roles with their scopes, quota, contacts."`
	Add    OrgAddCmd    `cmd:"" help:"Register an organisation."`
	Change OrgChangeCmd `cmd:"" help:"Change names, quota or roles of an organisation."`
}

// OrgListCmd is `tasuki authority org list`.
type OrgListCmd struct {
	JSON bool `name:"json" help:"Print one line of JSON per organisation."`
}

// Run lists them.
func (c *OrgListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	list, err := operated[[]orgAnswer](ctx, p, s, access{}, "authority org list", struct{}{})
	if err != nil {
		return err
	}
	rows := make([][]string, len(list))
	for i, o := range list {
		if c.JSON {
			if err := p.json(o); err != nil {
				return err
			}
		}
		rows[i] = []string{o.Short, strings.Join(o.Roles, ","), thousands(o.Quota), o.Name}
	}
	if !c.JSON {
		p.terminal(p.Stdout).table(p.Stdout, []string{"SHORT", "ROLES", "QUOTA", "NAME"}, rows)
	}
	return nil
}

// OrgShowCmd is `tasuki authority org show`.
type OrgShowCmd struct {
	Name string `arg:"" help:"Short name or UUID."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// Run shows it.
func (c *OrgShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	o, err := operated[orgWhole](ctx, p, s, access{}, "authority org show", orgRequest{Name: c.Name})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(o)
	}
	rows := [][]string{{"short name", o.Short}, {"name", o.Name}, {"UUID", o.ID}, {"since", o.Created}, {"changed", o.Modified},
		{"quota", fmt.Sprintf("%s, %s reserved", thousands(o.Quota), thousands(o.Reserved))}}
	if o.Adopted {
		rows = append(rows, []string{"adopted", "owns the imported records that name it as their assigner"})
	}
	for _, part := range []struct {
		what string
		list []string
	}{{"mail", o.Emails}, {"page", o.Pages}, {"policy", o.Policies}} {
		for _, v := range part.list {
			rows = append(rows, []string{part.what, v})
		}
	}
	for _, g := range o.Grants {
		rows = append(rows, []string{"role", strings.TrimSpace(g.Role + " " + g.Scope)})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"WHAT", "VALUE"}, rows)
	return nil
}

// OrgAddCmd is `tasuki authority org add`.
type OrgAddCmd struct {
	Short string   `arg:"" help:"Short name, 2 to 32 characters."`
	Name  string   `required:"" placeholder:"TEXT" help:"Full name."`
	Role  []string `placeholder:"ROLE" help:"Roles: CNA (default), SECRETARIAT, ADP, BULK_DOWNLOAD, ROOT_CNA, ROOT, TL_ROOT, CNA_LR, SADP, BOARD."`
	Quota *int64   `placeholder:"N" help:"How many identifiers it may have reserved at one time (default 1000)."`
	Email []string `placeholder:"ADDRESS" help:"Public role mailboxes."`
	Page  []string `placeholder:"URL" help:"Public contact pages."`
	JSON  bool     `name:"json" help:"Print as JSON."`
}

// Run registers it.
func (c *OrgAddCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	roles := c.Role
	if len(roles) == 0 {
		roles = []string{"CNA"}
	}
	return p.toldOrg(ctx, s, c.JSON, "authority org add", "added", newOrgRequest{Short: c.Short, Name: c.Name, Roles: roles,
		Quota: c.Quota, Emails: c.Email, Pages: c.Page})
}

// OrgChangeCmd is `tasuki authority org change`.
type OrgChangeCmd struct {
	Short      string   `arg:"" help:"Its short name."`
	NewShort   *string  `placeholder:"NAME" help:"Another short name."`
	Name       *string  `placeholder:"TEXT" help:"Another full name."`
	Quota      *int64   `placeholder:"N" help:"Another quota."`
	AddRole    []string `placeholder:"ROLE" help:"Roles to give."`
	RemoveRole []string `placeholder:"ROLE" help:"Roles to take."`
	JSON       bool     `name:"json" help:"Print as JSON."`
}

// Run changes it.
func (c *OrgChangeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.toldOrg(ctx, s, c.JSON, "authority org change", "changed", orgChangeRequest{Short: c.Short, NewShort: c.NewShort, Name: c.Name, Quota: c.Quota,
		Add: c.AddRole, Remove: c.RemoveRole})
}

func (p *Program) toldOrg(ctx context.Context, s *Settings, asJSON bool, act, what string, q any) error {
	o, err := operated[orgAnswer](ctx, p, s, access{}, act, q)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(o)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s (%s), %s, quota %s\n", what, clean(o.Short), o.ID, strings.Join(o.Roles, ","), thousands(o.Quota))
	return err
}
