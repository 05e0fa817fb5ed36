package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tasuki/internal/continuity"
)

// ClientCmd is `tasuki client`: the reader who trusts nobody.
type ClientCmd struct {
	Follow  ClientFollowCmd  `cmd:"" help:"Keep a copy that verifies everything, and serve it to the programs of this machine."`
	Status  ClientStatusCmd  `cmd:"" help:"Say what is believed, how fresh it is, and what has to be decided."`
	Policy  ClientPolicyCmd  `cmd:"" help:"Decide beforehand what to do when the board has signed two successors."`
	Choose  ClientChooseCmd  `cmd:"" help:"Decide between two successors."`
	Release ClientReleaseCmd `cmd:"" help:"End a hold without choosing anything."`
	Check   ClientCheckCmd   `cmd:"" help:"Check single records by their proofs, without a copy."`
}

// ClientFollowCmd is `tasuki client follow`.
type ClientFollowCmd struct {
	URL    []string `arg:"" optional:"" placeholder:"URL" help:"Servers of the list to begin with: its operator, or mirrors. What they say is proven, so any will do."`
	List   string   `placeholder:"ID" help:"Id of the list, 64 hex digits: the one thing that is believed. Needed the first time."`
	Policy string   `type:"existingfile" placeholder:"FILE" help:"What to do at a conflict: lines on_conflict = hold, or prefer and a charter's hash or an operator's verifier key; follow = ids."`
	AllowTest
	Network
}

// Run serves until it is asked to stop. tasuki serve on the same data directory does the same again.
func (c *ClientFollowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	role := mirrorRole{List: strings.ToLower(c.List), Test: c.AllowTest.AllowTest, Reader: true}
	var err error
	if role.Sources, err = sourceURLs(c.URL); err != nil {
		return err
	}
	if role.List != "" && !isListID(role.List) {
		return errors.New("--list: the id of a list has 64 hex digits")
	}
	if c.Policy != "" {
		text, err := readBounded(c.Policy, 1<<20)
		if err != nil {
			return err
		}
		policy, err := continuity.ParseClientPolicy(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", c.Policy, err)
		}
		role.Policy = policy.String()
	}
	return p.serve(ctx, s, life{mirror: &role})
}

// sourceURLs checks URLs of servers and takes slashes off their ends.
func sourceURLs(given []string) (out []string, err error) {
	for _, text := range given {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%q is not the http or https URL of a server", text)
		}
		out = append(out, strings.TrimRight(text, "/"))
	}
	return out, nil
}

// ClientStatusCmd is `tasuki client status`.
type ClientStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run asks the client of the data directory, whether or not it runs.
func (c *ClientStatusCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[readerAnswer](ctx, p, s, access{}, "client status", struct{}{})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(p.Stdout, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("list", "%s", got.List)
	line("charter", "%d, %s, operator %s", got.Charter, got.Hash, got.Operator)
	switch {
	case got.Size == 0:
		line("accepted", "nothing that is published was seen yet")
	default:
		line("accepted", "%s leaves of epoch %d, root %s", thousands(got.Size), got.Epoch, got.Root)
	}
	if got.Newest != "" {
		late := ""
		if got.Stale {
			late = "; STALE: somebody may be keeping news back"
		}
		line("witnessed", "%s, %s ago%s", got.Newest, (time.Duration(got.StaleSeconds) * time.Second).String(), late)
	}
	line("lag", "%s leaves (%s stored)", thousands(got.Lag), thousands(got.Stored))
	if got.Source != "" {
		line("source", "%s", got.Source)
	}
	line("policy", "%s", strings.ReplaceAll(strings.TrimSpace(got.Policy), "\n", "; "))
	if got.Evidence > 0 {
		line("evidence", "%d (tasuki evidence list)", got.Evidence)
	}
	if h := got.Hold; h != nil {
		line("HOLD", "since %s: %s", h.Since, heldText(h))
		for _, what := range []string{h.A, h.B} {
			if what != "" {
				line("", "%s", what)
			}
		}
	}
	if got.Problem != "" {
		line("problem", "%s (since %s)", got.Problem, got.Since)
	}
	return nil
}

// heldText says what a hold is about and how it ends.
func heldText(h *heldAnswer) string {
	switch continuity.HoldReason(h.Why) {
	case continuity.HoldSiblings:
		return "the board has signed two successors; the last good view is served. Choose one: tasuki client choose HASH"
	case continuity.HoldContinues:
		return "the board lets the list continue below what was accepted here; the last good view is served. Its charter:"
	default:
		return "a published checkpoint contradicts the accepted one; the last good view is served. The evidence:"
	}
}

// ClientPolicyCmd is `tasuki client policy`.
type ClientPolicyCmd struct {
	Show ClientPolicyShowCmd `cmd:"" help:"Print the policy."`
	Set  ClientPolicySetCmd  `cmd:"" help:"Change the policy; a conflict that is held is decided by it at once."`
}

// ClientPolicyShowCmd is `tasuki client policy show`.
type ClientPolicyShowCmd struct{}

// Run prints the policy in the form that --policy reads.
func (c *ClientPolicyShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[decidedAnswer](ctx, p, s, access{}, "client policy", policyRequest{})
	if err != nil {
		return err
	}
	fmt.Fprint(p.Stdout, got.Policy)
	return nil
}

// ClientPolicySetCmd is `tasuki client policy set`.
type ClientPolicySetCmd struct {
	OnConflict string   `placeholder:"hold|prefer=X" help:"hold, or prefer= and a charter's hash or the verifier key of an operator's log."`
	Follow     []string `placeholder:"ID" help:"Ids of the lists that may be followed."`
}

// Run changes the policy.
func (c *ClientPolicySetCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if c.OnConflict == "" && len(c.Follow) == 0 {
		return errors.New("say what to change: --on-conflict or --follow")
	}
	q := policyRequest{OnConflict: strings.Replace(c.OnConflict, "=", " ", 1)}
	for _, id := range c.Follow {
		q.Follow = append(q.Follow, strings.ToLower(id))
	}
	return p.decide(ctx, s, "client policy", q)
}

// ClientChooseCmd is `tasuki client choose`.
type ClientChooseCmd struct {
	Hash string `arg:"" help:"Hash of the charter to follow, as client status shows it."`
}

// Run chooses.
func (c *ClientChooseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.decide(ctx, s, "client choose", chooseRequest{c.Hash})
}

// ClientReleaseCmd is `tasuki client release`.
type ClientReleaseCmd struct{}

// Run ends the hold.
func (c *ClientReleaseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.decide(ctx, s, "client release", struct{}{})
}

// decide carries out a decision and says what holds now.
func (p *Program) decide(ctx context.Context, s *Settings, act string, args any) error {
	got, err := operated[decidedAnswer](ctx, p, s, access{}, act, args)
	if err != nil {
		return err
	}
	state := "nothing is held"
	if got.Hold != "" {
		state = "still held: " + got.Hold
	}
	fmt.Fprintf(p.Stdout, "charter %d, %s; %s\n", got.Charter, got.Hash, state)
	return nil
}
