package main

import (
	"context"
	"fmt"
)

// AuthorityUserCmd is `tasuki authority user`.
type AuthorityUserCmd struct {
	List        UserListCmd   `cmd:"" help:"List users."`
	Add         UserAddCmd    `cmd:"" help:"Add a user, with a secret that is shown once."`
	Change      UserChangeCmd `cmd:"" help:"Change a user."`
	ResetSecret UserResetCmd  `cmd:"" name:"reset-secret" help:"Give a user another secret, shown once; the former one is worth nothing from then on."`
}

// UserListCmd is `tasuki authority user list`.
type UserListCmd struct {
	Org  string `arg:"" optional:"" help:"Short name of an organisation (default: everybody)."`
	JSON bool   `name:"json" help:"Print one line of JSON per user."`
}

// Run lists them.
func (c *UserListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	list, err := operated[[]userAnswer](ctx, p, s, access{}, "authority user list", orgRequest{Name: c.Org})
	if err != nil {
		return err
	}
	rows := make([][]string, len(list))
	for i, u := range list {
		if c.JSON {
			if err := p.json(u); err != nil {
				return err
			}
		}
		state, admin := "active", ""
		if !u.Active {
			state = "inactive"
		}
		if u.Admin {
			admin = "admin"
		}
		rows[i] = []string{u.Org, u.Username, state, admin, u.LastUsed, u.display()}
	}
	if !c.JSON {
		p.terminal(p.Stdout).table(p.Stdout, []string{"ORG", "USER", "STATE", "ROLE", "LAST USED", "NAME"}, rows)
	}
	return nil
}

// Person are the flags for a person's name.
type Person struct {
	First  *string `placeholder:"TEXT" help:"First name."`
	Last   *string `placeholder:"TEXT" help:"Last name."`
	Middle *string `placeholder:"TEXT" help:"Middle name."`
	Suffix *string `placeholder:"TEXT" help:"Suffix of the name."`
}

// UserAddCmd is `tasuki authority user add`.
type UserAddCmd struct {
	Org   string `arg:"" help:"Short name of the organisation."`
	User  string `arg:"" help:"The user's name, such as a mail address."`
	Admin bool   `help:"An administrator of the organisation."`
	Person
	Chosen
	JSON bool `name:"json" help:"Print the user, with the secret, as JSON."`
}

// Run adds them.
func (c *UserAddCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	key, err := c.secret(p)
	if err != nil {
		return err
	}
	q := newUserRequest{Org: c.Org, User: c.User, Admin: c.Admin, Person: c.Person, Secret: key}
	return p.toldUser(ctx, s, c.JSON, "authority user add", "added", q)
}

// UserChangeCmd is `tasuki authority user change`.
type UserChangeCmd struct {
	Org     string  `arg:"" help:"Short name of the organisation."`
	User    string  `arg:"" help:"The user's name."`
	NewName *string `placeholder:"NAME" help:"Another user name."`
	Active  *bool   `negatable:"" help:"Whether the user may act."`
	Admin   *bool   `negatable:"" help:"Whether the user is an administrator of the organisation."`
	MoveTo  *string `placeholder:"ORG" help:"Short name of the organisation to move to."`
	Person
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run changes them.
func (c *UserChangeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := userChangeRequest{Org: c.Org, User: c.User, NewName: c.NewName, Active: c.Active, Admin: c.Admin, MoveTo: c.MoveTo, Person: c.Person}
	return p.toldUser(ctx, s, c.JSON, "authority user change", "changed", q)
}

// UserResetCmd is `tasuki authority user reset-secret`.
type UserResetCmd struct {
	Org  string `arg:"" help:"Short name of the organisation."`
	User string `arg:"" help:"The user's name."`
	Chosen
	JSON bool `name:"json" help:"Print the user, with the secret, as JSON."`
}

// Run resets it.
func (c *UserResetCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	key, err := c.secret(p)
	if err != nil {
		return err
	}
	return p.toldUser(ctx, s, c.JSON, "authority user reset-secret", "another secret for", secretRequest{Org: c.Org, User: c.User, Secret: key})
}

func (p *Program) toldUser(ctx context.Context, s *Settings, asJSON bool, act, what string, q any) error {
	u, err := operated[userAnswer](ctx, p, s, access{}, act, q)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(u)
	}
	out := p.Stdout
	if u.Secret != "" {
		out = p.Stderr // the secret stands alone
	}
	if _, err := fmt.Fprintf(out, "%s %s of %s\n", what, clean(u.Username), clean(u.Org)); err != nil {
		return err
	}
	return p.tellSecret(u.Secret, u.Org, u.Username)
}
