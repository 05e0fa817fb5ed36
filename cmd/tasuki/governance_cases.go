package main

import (
	"context"
	"errors"
)

// DisputeCmd is `tasuki governance dispute`.
type DisputeCmd struct {
	Open        DisputeOpenCmd   `cmd:"" help:"Open a dispute."`
	Acknowledge DisputeAckCmd    `cmd:"" help:"Take it up: whoever is to decide it."`
	Extend      DisputeExtendCmd `cmd:"" help:"Give its decision more time, once."`
	Escalate    DisputeUpCmd     `cmd:"" help:"Take it one level up."`
	Decide      DisputeDecideCmd `cmd:"" help:"Decide it, reconsider what was decided, or withdraw it."`
	Tag         DisputeTagCmd    `cmd:"" help:"Place the tag disputed, with its reason, in the records."`
	Untag       DisputeUntagCmd  `cmd:"" help:"Take the tag away again."`
	List        DisputeListCmd   `cmd:"" help:"List disputes."`
	Show        CaseShowCmd      `cmd:"" help:"Show one with all its steps."`
}

// DisputeOpenCmd is `tasuki governance dispute open`.
type DisputeOpenCmd struct {
	IDs       []string `arg:"" optional:"" name:"id" help:"CVE identifiers that it is about."`
	Subject   string   `required:"" enum:"validity,publish,content,counting,scope" placeholder:"WORD" help:"validity, publish, content, counting or scope."`
	Against   string   `placeholder:"ORG" help:"The CNA that it is with (default: the owner of the first identifier, or the CNA of last resort)."`
	Anonymous bool     `help:"Open it for somebody without a name here."`
	Acting
	Saying
}

// Run opens a dispute.
func (c *DisputeOpenCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute open", c.Acting, c.Saying, stepRequest{Subject: c.Subject, IDs: c.IDs, Org: c.Against, Yes: c.Anonymous})
}

// OfCase is a step of a case that needs no more than to be said.
type OfCase struct {
	Case string `arg:"" help:"The case's UUID."`
	Acting
	Saying
}

// DisputeAckCmd is `tasuki governance dispute acknowledge`.
type DisputeAckCmd struct{ OfCase }

// Run acknowledges.
func (c *DisputeAckCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute acknowledge", c.Acting, c.Saying, stepRequest{Case: c.Case})
}

// DisputeExtendCmd is `tasuki governance dispute extend`.
type DisputeExtendCmd struct{ OfCase }

// Run extends.
func (c *DisputeExtendCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute extend", c.Acting, c.Saying, stepRequest{Case: c.Case})
}

// DisputeUpCmd is `tasuki governance dispute escalate`.
type DisputeUpCmd struct{ OfCase }

// Run escalates.
func (c *DisputeUpCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute escalate", c.Acting, c.Saying, stepRequest{Case: c.Case})
}

// DisputeDecideCmd is `tasuki governance dispute decide`.
type DisputeDecideCmd struct {
	Case    string `arg:"" help:"The case's UUID."`
	Outcome string `arg:"" enum:"valid,invalid,unresolved,withdrawn" help:"valid, invalid, unresolved; or withdrawn, by who opened it."`
	Acting
	Saying
}

// Run decides.
func (c *DisputeDecideCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute decide", c.Acting, c.Saying, stepRequest{Case: c.Case, Outcome: c.Outcome})
}

// DisputeTagCmd is `tasuki governance dispute tag`.
type DisputeTagCmd struct {
	Case   string   `arg:"" help:"The case's UUID."`
	IDs    []string `arg:"" name:"id" help:"Identifiers of the case."`
	Reason string   `required:"" placeholder:"TEXT" help:"What stands beside the tag, in English."`
	Acting
}

// Run places the tag.
func (c *DisputeTagCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute tag", c.Acting, Saying{Text: c.Reason}, stepRequest{Case: c.Case, IDs: c.IDs})
}

// DisputeUntagCmd is `tasuki governance dispute untag`.
type DisputeUntagCmd struct {
	Case string   `arg:"" help:"The case's UUID."`
	IDs  []string `arg:"" name:"id" help:"Identifiers of the case."`
	Acting
}

// Run takes the tag away.
func (c *DisputeUntagCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "dispute untag", c.Acting, Saying{}, stepRequest{Case: c.Case, IDs: c.IDs})
}

// DisputeListCmd is `tasuki governance dispute list`.
type DisputeListCmd struct{ Listing }

// Run lists disputes.
func (c *DisputeListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.listed(ctx, s, c.Acting, "dispute", c.All)
}

// RefusalCmd is `tasuki governance refusal`.
type RefusalCmd struct {
	Ask    RefusalAskCmd    `cmd:"" help:"Ask the CNA that has the right of first refusal."`
	Answer RefusalAnswerCmd `cmd:"" help:"Its answer."`
	Close  RefusalCloseCmd  `cmd:"" help:"End it: assigned, not a vulnerability, or withdrawn."`
	List   RefusalListCmd   `cmd:"" help:"List refusals."`
}

// RefusalAskCmd is `tasuki governance refusal ask`.
type RefusalAskCmd struct {
	Org       string   `arg:"" help:"Short name of the CNA."`
	IDs       []string `arg:"" optional:"" name:"id" help:"Identifiers, where there are some."`
	InAdvance bool     `help:"It declined before it was asked."`
	Acting
	Saying
}

// Run asks.
func (c *RefusalAskCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "refusal ask", c.Acting, c.Saying, stepRequest{Org: c.Org, IDs: c.IDs, Yes: c.InAdvance})
}

// RefusalAnswerCmd is `tasuki governance refusal answer`.
type RefusalAnswerCmd struct {
	Case   string `arg:"" help:"The case's UUID."`
	Answer string `arg:"" enum:"accept,decline" help:"accept or decline."`
	Acting
	Saying
}

// Run answers.
func (c *RefusalAnswerCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "refusal answer", c.Acting, c.Saying, stepRequest{Case: c.Case, Yes: c.Answer == "accept"})
}

// RefusalCloseCmd is `tasuki governance refusal close`.
type RefusalCloseCmd struct {
	Case    string `arg:"" help:"The case's UUID."`
	Outcome string `arg:"" enum:"assigned,not-a-vulnerability,withdrawn" help:"assigned, not-a-vulnerability or withdrawn."`
	Acting
	Saying
}

// Run closes a refusal.
func (c *RefusalCloseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "refusal close", c.Acting, c.Saying, stepRequest{Case: c.Case, Outcome: c.Outcome})
}

// RefusalListCmd is `tasuki governance refusal list`.
type RefusalListCmd struct{ Listing }

// Run lists refusals.
func (c *RefusalListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.listed(ctx, s, c.Acting, "refusal", c.All)
}

// DirectCmd is `tasuki governance direct`.
type DirectCmd struct {
	Give DirectGiveCmd `cmd:"" help:"Direct a CNA."`
	End  DirectEndCmd  `cmd:"" help:"End a direction."`
	List DirectListCmd `cmd:"" help:"List directions on their own; those of a case stand in it."`
}

// DirectGiveCmd is `tasuki governance direct give`.
type DirectGiveCmd struct {
	Org  string   `arg:"" help:"Short name of who is directed."`
	IDs  []string `arg:"" optional:"" name:"id" help:"Identifiers whose records it may put."`
	Case string   `placeholder:"UUID" help:"The refusal or dispute that it belongs to."`
	Acting
	Saying
}

// Run directs.
func (c *DirectGiveCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "direction give", c.Acting, c.Saying, stepRequest{Org: c.Org, IDs: c.IDs, Case: c.Case})
}

// DirectEndCmd is `tasuki governance direct end`.
type DirectEndCmd struct {
	Case   string `arg:"" help:"The case's UUID."`
	Org    string `arg:"" help:"Short name of who was directed."`
	Reason string `default:"done" placeholder:"WORD" help:"Why, in a word (default ${default})."`
	Acting
}

// Run ends a direction.
func (c *DirectEndCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "direction end", c.Acting, Saying{}, stepRequest{Case: c.Case, Org: c.Org, Reason: c.Reason})
}

// DirectListCmd is `tasuki governance direct list`.
type DirectListCmd struct{ Listing }

// Run lists directions.
func (c *DirectListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.listed(ctx, s, c.Acting, "direction", c.All)
}

// TransferCmd is `tasuki governance transfer`.
type TransferCmd struct {
	Ask   TransferAskCmd   `cmd:"" help:"Ask a Root to move published or rejected identifiers."`
	Order TransferOrderCmd `cmd:"" help:"Move identifiers."`
	Deny  TransferDenyCmd  `cmd:"" help:"Deny what was asked for, or withdraw it."`
	List  TransferListCmd  `cmd:"" help:"List transfers."`
}

// TransferAskCmd is `tasuki governance transfer ask`.
type TransferAskCmd struct {
	IDs    []string `arg:"" name:"id" help:"Identifiers."`
	To     string   `required:"" placeholder:"ORG" help:"Short name of the new owner."`
	Reason string   `default:"scope" placeholder:"WORD" help:"Why, in a word: scope, delay, … (default ${default})."`
	Acting
	Saying
}

// Run asks for a transfer.
func (c *TransferAskCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "transfer ask", c.Acting, c.Saying, stepRequest{IDs: c.IDs, Org: c.To, Reason: c.Reason})
}

// TransferOrderCmd is `tasuki governance transfer order`.
type TransferOrderCmd struct {
	IDs    []string `arg:"" optional:"" name:"id" help:"Identifiers (default: those that the case asks for)."`
	Case   string   `placeholder:"UUID" help:"The case that asks for it."`
	To     string   `placeholder:"ORG" help:"Short name of the new owner (default: the case's)."`
	Reason string   `default:"scope" placeholder:"WORD" help:"Why, in a word (default ${default})."`
	Acting
	Saying
}

// Run moves identifiers.
func (c *TransferOrderCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if c.Case == "" && (len(c.IDs) == 0 || c.To == "") {
		return errors.New("give identifiers and --to, or --case")
	}
	return p.step(ctx, s, "transfer order", c.Acting, c.Saying, stepRequest{IDs: c.IDs, Case: c.Case, Org: c.To, Reason: c.Reason})
}

// TransferDenyCmd is `tasuki governance transfer deny`.
type TransferDenyCmd struct {
	Case     string `arg:"" help:"The case's UUID."`
	Withdraw bool   `help:"Withdraw it instead: who asked."`
	Acting
	Saying
}

// Run denies a transfer.
func (c *TransferDenyCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	outcome := "denied"
	if c.Withdraw {
		outcome = "withdrawn"
	}
	return p.step(ctx, s, "transfer deny", c.Acting, c.Saying, stepRequest{Case: c.Case, Outcome: outcome})
}

// TransferListCmd is `tasuki governance transfer list`.
type TransferListCmd struct{ Listing }

// Run lists transfers.
func (c *TransferListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.listed(ctx, s, c.Acting, "transfer", c.All)
}
