package main

import (
	"context"
	"fmt"

	"tasuki/internal/authority"
	"tasuki/internal/program"
)

// grantRequest is what a grant is given, changed or ended with.
type grantRequest struct {
	As       string `json:"as,omitzero"`
	Grant    string `json:"grant,omitzero"` // UUID
	Org      string `json:"org,omitzero"`
	Role     string `json:"role,omitzero"`
	Under    string `json:"under,omitzero"` // UUID of a grant
	Scope    string `json:"scope,omitzero"` // JSON
	Text     string `json:"text,omitzero"`  // scope in words, where Scope is empty
	Calendar string `json:"calendar,omitzero"`
	Decision string `json:"decision,omitzero"`
	Ref      string `json:"ref,omitzero"`
	Reason   string `json:"reason,omitzero"`
	All      bool   `json:"all,omitzero"` // ended ones too
}

func (q grantRequest) scope() (authority.Scope, error) {
	if q.Scope != "" {
		return authority.ParseScope([]byte(q.Scope))
	}
	return authority.Scope{Text: q.Text, Calendar: q.Calendar}, nil
}

// roleGrant is a grant with names, for people at a terminal.
type roleGrant struct {
	ID       string `json:"id"`
	Org      string `json:"org"`
	Role     string `json:"role"`
	Above    string `json:"above,omitzero"`
	Scope    string `json:"scope,omitzero"`
	Calendar string `json:"calendar,omitzero"`
	From     string `json:"from"`
	To       string `json:"to,omitzero"`
	Ended    string `json:"ended,omitzero"`
	Reason   string `json:"reason,omitzero"`
	Pack     string `json:"pack"`
}

func roleGrantOf(v program.GrantView) roleGrant {
	return roleGrant{ID: v.ID, Org: v.Short, Role: string(v.Role), Above: v.Above, Scope: v.Scope.Text, Calendar: v.Scope.Calendar, From: timeText(v.From),
		To:    timeText(v.To),
		Ended: timeText(v.Ended), Reason: v.Reason, Pack: v.Pack}
}

func (n *node) giveGrant(ctx context.Context, q grantRequest, _ Reporter) (roleGrant, error) {
	c, err := n.as(ctx, "governance grant give", q.As)
	if err != nil {
		return roleGrant{}, err
	}
	scope, err := q.scope()
	if err != nil {
		return roleGrant{}, err
	}
	g, err := n.acts.GiveGrant(ctx, c, authority.NewGrant{Org: q.Org, Role: authority.OrgRole(q.Role), Parent: q.Under, Scope: scope,
		Decision: authority.Decision{Text: q.Decision, Ref: q.Ref}})
	return roleGrantOf(program.GrantView{Grant: g, Short: q.Org}), err
}

func (n *node) changeScope(ctx context.Context, q grantRequest, _ Reporter) (roleGrant, error) {
	c, err := n.as(ctx, "governance grant scope", q.As)
	if err != nil {
		return roleGrant{}, err
	}
	scope, err := q.scope()
	if err != nil {
		return roleGrant{}, err
	}
	g, err := n.acts.ChangeScope(ctx, c, q.Grant, scope, authority.Decision{Text: q.Decision, Ref: q.Ref})
	return roleGrantOf(program.GrantView{Grant: g}), err
}

func (n *node) endGrant(ctx context.Context, q grantRequest, _ Reporter) (doneAnswer, error) {
	c, err := n.as(ctx, "governance grant end", q.As)
	if err != nil {
		return doneAnswer{}, err
	}
	return doneAnswer{1}, n.acts.EndGrant(ctx, c, q.Grant, q.Reason)
}

func (n *node) listGrants(ctx context.Context, q grantRequest, _ Reporter) (out []roleGrant, err error) {
	list, err := n.acts.Grants(ctx, q.Org)
	for _, v := range list {
		if v.Stands || q.All {
			out = append(out, roleGrantOf(v))
		}
	}
	return out, err
}

// rulesRequest is a rule pack, "" for the one that comes with the program.
type rulesRequest struct {
	As   string `json:"as,omitzero"`
	Pack string `json:"pack,omitzero"`
}

type rulesAnswer struct {
	Version string `json:"version"`
}

func (n *node) adoptRules(ctx context.Context, q rulesRequest, _ Reporter) (rulesAnswer, error) {
	c, err := n.as(ctx, "governance rules adopt", q.As)
	if err != nil {
		return rulesAnswer{}, err
	}
	var raw []byte
	if q.Pack != "" {
		raw = []byte(q.Pack)
	}
	p, err := n.acts.AdoptRules(ctx, c, raw)
	if err != nil {
		return rulesAnswer{}, fmt.Errorf("rule pack: %w", err)
	}
	return rulesAnswer{p.Version}, nil
}
