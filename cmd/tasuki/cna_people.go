package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tasuki/client/cveservices"
)

// CnaOrgCmd is `tasuki cna org`.
type CnaOrgCmd struct {
	Show  CnaOrgShowCmd  `cmd:"" help:"Show an organisation."`
	Users CnaOrgUsersCmd `cmd:"" help:"List its users."`
}

// CnaOrgShowCmd is `tasuki cna org show`.
type CnaOrgShowCmd struct {
	Of   string `arg:"" optional:"" name:"organisation" help:"Short name or UUID (default: the caller's organisation)."`
	JSON bool   `name:"json" help:"Print JSON."`
	Account
}

// Run shows the organisation.
func (c *CnaOrgShowCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, true, false)
	if err == nil {
		if c.Of == "" {
			c.Of, _ = s.Caller()
		}
		var o cveservices.Org
		if o, err = s.Org(ctx, c.Of); err == nil {
			if c.JSON {
				return p.json(o)
			}
			t := sheet{p.terminal(p.Stdout), p.Stdout}
			fmt.Fprintf(p.Stdout, "%s  %s\n", t.t.bold(clean(o.Short)), clean(o.Name))
			t.line("roles", strings.Join(o.Authority.Roles, ", "))
			t.line("quota", thousands(o.Policies.Quota))
			t.line("UUID", o.UUID)
			t.line("since", instant(o.Time.Created))
			return nil
		}
	}
	return p.cna(ctx, s, c.JSON, err)
}

// CnaOrgUsersCmd is `tasuki cna org users`, and `tasuki cna user list`.
type CnaOrgUsersCmd struct {
	Of   string `arg:"" optional:"" name:"organisation" help:"Short name (default: the caller's organisation)."`
	JSON bool   `name:"json" help:"Print one line of JSON per user."`
	Account
}

// Run lists users.
func (c *CnaOrgUsersCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, true, false)
	if err == nil {
		err = c.list(ctx, p, s)
	}
	return p.cna(ctx, s, c.JSON, err)
}

func (c *CnaOrgUsersCmd) list(ctx context.Context, p *Program, s *sending) error {
	if c.Of == "" {
		c.Of, _ = s.Caller()
	}
	var users []cveservices.User
	for u, err := range s.UsersOf(ctx, c.Of) {
		if err != nil {
			return err
		}
		users = append(users, u)
	}
	if c.JSON {
		return lines(p, users)
	}
	rows := make([][]string, len(users))
	for i, u := range users {
		rows[i] = []string{u.Username, personName(u.Name), activity(u), strings.Join(u.Authority.Roles, ", "), minute(u.Time.Modified)}
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"USER", "NAME", "STATE", "ROLES", "CHANGED"}, rows)
	return nil
}

func personName(n cveservices.Name) string {
	return strings.Join(nonEmpty(n.First, n.Middle, n.Last, n.Suffix), " ")
}

func activity(u cveservices.User) string {
	if u.Active {
		return "active"
	}
	return "inactive"
}

// CnaUserCmd is `tasuki cna user`.
type CnaUserCmd struct {
	List        CnaOrgUsersCmd        `cmd:"" help:"List users."`
	Show        CnaUserShowCmd        `cmd:"" help:"Show a user."`
	Create      CnaUserCreateCmd      `cmd:"" help:"Add a user. Their key is printed once."`
	Update      CnaUserUpdateCmd      `cmd:"" help:"Change a user."`
	ResetSecret CnaUserResetSecretCmd `cmd:"" name:"reset-secret" help:"Give a user another key. It is printed once."`
}

// someone are the flags of commands about one user.
type someone struct {
	For    string `placeholder:"ORG" help:"The user's organisation (default: the caller's)."`
	JSON   bool   `name:"json" help:"Print JSON."`
	DryRun bool   `help:"Show what would be sent."`
	Account
}

// with opens the server and names the user's organisation, and the caller where no user is named.
func (c someone) with(ctx context.Context, p *Program, username string, do func(s *sending, org, username string) error) error {
	s, err := c.open(p, true, c.DryRun)
	if err == nil {
		org, self := s.Caller()
		if c.For != "" {
			org = c.For
		}
		if username == "" {
			username = self
		}
		err = do(s, org, username)
	}
	return p.cna(ctx, s, c.JSON, err)
}

func (p *Program) showUser(u cveservices.User, asJSON bool) error {
	if asJSON {
		return p.json(u)
	}
	t := sheet{p.terminal(p.Stdout), p.Stdout}
	fmt.Fprintf(p.Stdout, "%s  %s\n", t.t.bold(clean(u.Username)), activity(u))
	t.line("name", personName(u.Name))
	t.line("roles", strings.Join(u.Authority.Roles, ", "))
	t.line("UUID", u.UUID)
	t.line("since", instant(u.Time.Created))
	t.line("changed", instant(u.Time.Modified))
	return nil
}

// CnaUserShowCmd is `tasuki cna user show`.
type CnaUserShowCmd struct {
	Username string `arg:"" optional:"" help:"Default: the caller."`
	For      string `placeholder:"ORG" help:"The user's organisation (default: the caller's)."`
	JSON     bool   `name:"json" help:"Print JSON."`
	Account
}

// Run shows the user.
func (c *CnaUserShowCmd) Run(ctx context.Context, p *Program) error {
	return someone{For: c.For, JSON: c.JSON, Account: c.Account}.with(ctx, p, c.Username, func(s *sending, org, username string) error {
		u, err := s.UserNamed(ctx, org, username)
		if err != nil {
			return err
		}
		return p.showUser(u, c.JSON)
	})
}

// PersonNames are the flags for the parts of a name.
type PersonNames struct {
	First  *string `placeholder:"NAME" help:"First name."`
	Last   *string `placeholder:"NAME" help:"Last name."`
	Middle *string `placeholder:"NAME" help:"Middle name."`
	Suffix *string `placeholder:"NAME" help:"What follows the name."`
}

func (n PersonNames) name() cveservices.Name {
	or := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return cveservices.Name{First: or(n.First), Last: or(n.Last), Middle: or(n.Middle), Suffix: or(n.Suffix)}
}

// CnaUserCreateCmd is `tasuki cna user create`.
type CnaUserCreateCmd struct {
	Username string `arg:"" help:"3 to 128 of A-Z a-z 0-9 - _ @ and dot."`
	PersonNames
	Admin bool `help:"They may look after the organisation's users."`
	someone
}

// Help is the long description.
func (c *CnaUserCreateCmd) Help() string {
	return `The key, and nothing else, goes to standard output, so that it can go straight to where it is kept:

  tasuki cna user create bob@acme.example --first Bob | pass insert -e tasuki/bob

Nobody can read it again; "reset-secret" makes another.`
}

// Run adds the user.
func (c *CnaUserCreateCmd) Run(ctx context.Context, p *Program) error {
	return c.with(ctx, p, c.Username, func(s *sending, org, username string) error {
		n := cveservices.NewUser{Username: username, Name: c.name()}
		if c.Admin {
			n.Roles = []string{"ADMIN"}
		}
		last, done := lasting(ctx)
		defer done()
		u, err := s.CreateUser(last, org, n)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.json(u)
		}
		return p.secret(fmt.Sprintf("%s of %s was added", clean(u.Username), clean(org)), u.Secret)
	})
}

// secret prints a key alone on standard output, and what it is beside it.
func (p *Program) secret(what, key string) error {
	fmt.Fprintf(p.Stderr, "%s; the key is shown now and never again:\n", what)
	if _, err := fmt.Fprintln(p.Stdout, clean(key)); err != nil {
		return fmt.Errorf("the key could not be printed and is lost; reset it: %w", err)
	}
	return nil
}

// CnaUserUpdateCmd is `tasuki cna user update`.
type CnaUserUpdateCmd struct {
	Username string `arg:"" optional:"" help:"Default: the caller."`
	PersonNames
	Rename     *string `placeholder:"NAME" help:"Another username."`
	Activate   bool    `xor:"active" help:"They may sign in."`
	Deactivate bool    `xor:"active" help:"They may not sign in any more."`
	MakeAdmin  bool    `xor:"admin" help:"They may look after the organisation's users."`
	DropAdmin  bool    `xor:"admin" help:"They may not any more."`
	MoveTo     *string `placeholder:"ORG" help:"Move them to another organisation (for the Secretariat)."`
	someone
}

// Run changes the user.
func (c *CnaUserUpdateCmd) Run(ctx context.Context, p *Program) error {
	return c.with(ctx, p, c.Username, func(s *sending, org, username string) error {
		change := cveservices.UserChange{First: c.First, Last: c.Last, Middle: c.Middle, Suffix: c.Suffix, Username: c.Rename, Org: c.MoveTo}
		if c.Activate || c.Deactivate {
			change.Active = &c.Activate
		}
		if c.MakeAdmin {
			change.AddRoles = []string{"ADMIN"}
		}
		if c.DropAdmin {
			change.RemoveRoles = []string{"ADMIN"}
		}
		last, done := lasting(ctx)
		defer done()
		u, err := s.ChangeUser(last, org, username, change)
		if err != nil {
			return err
		}
		return p.showUser(u, c.JSON)
	})
}

// CnaUserResetSecretCmd is `tasuki cna user reset-secret`.
type CnaUserResetSecretCmd struct {
	Username string `arg:"" optional:"" help:"Default: the caller."`
	Yes      bool   `help:"Do not ask."`
	someone
}

// Help is the long description.
func (c *CnaUserResetSecretCmd) Help() string {
	return `The former key is worth nothing from then on. The new one, and nothing else, goes to standard output; nobody can read it again.`
}

// Run gives the user another key.
func (c *CnaUserResetSecretCmd) Run(ctx context.Context, p *Program) error {
	return c.with(ctx, p, c.Username, func(s *sending, org, username string) error {
		if !c.Yes && !c.DryRun {
			if err := p.confirm(fmt.Sprintf("Give %s of %s another key? The present one stops working at once.", clean(username), clean(org))); err != nil {
				return err
			}
		}
		last, done := lasting(ctx)
		defer done()
		key, err := s.ResetSecret(last, org, username)
		if err != nil {
			return err
		}
		if c.JSON {
			return p.json(struct {
				Secret string `json:"API-secret"`
			}{key})
		}
		return p.secret(fmt.Sprintf("%s of %s has another key", clean(username), clean(org)), key)
	})
}

// CnaPingCmd is `tasuki cna ping`.
type CnaPingCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
	Account
}

// Help is the long description.
func (c *CnaPingCmd) Help() string {
	return `Without credentials it asks only whether the server is up.`
}

// pong is what came of a ping.
type pong struct {
	URL   string   `json:"url"`
	Took  Duration `json:"took"`
	Org   string   `json:"org,omitzero"`
	User  string   `json:"user,omitzero"`
	Roles []string `json:"roles,omitzero"` // of the organisation, then of the user
}

// Run asks.
func (c *CnaPingCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, false, false)
	if err == nil {
		err = c.ping(ctx, p, s)
	}
	return p.cna(ctx, s, c.JSON, err)
}

func (c *CnaPingCmd) ping(ctx context.Context, p *Program, s *sending) error {
	began := p.Now()
	if err := s.Health(ctx); err != nil {
		return err
	}
	out := pong{URL: s.BaseURL(), Took: Duration(p.Now().Sub(began).Round(time.Millisecond))}
	if !s.Anonymous() {
		org, user := s.Caller()
		o, err := s.Org(ctx, org)
		if err != nil {
			return err
		}
		u, err := s.UserNamed(ctx, org, user)
		if err != nil {
			return err
		}
		out.Org, out.User, out.Roles = o.Short, u.Username, append(o.Authority.Roles, u.Authority.Roles...)
	}
	if c.JSON {
		return p.json(out)
	}
	fmt.Fprintf(p.Stdout, "%s answers (%s)\n", out.URL, out.Took)
	if out.User != "" {
		fmt.Fprintf(p.Stdout, "it takes us for %s of %s (%s)\n", clean(out.User), clean(out.Org), clean(strings.Join(out.Roles, ", ")))
	}
	return nil
}
