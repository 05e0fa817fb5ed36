package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tasuki/client/cveservices"
	"tasuki/internal/charter"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// Signing are the flags of commands whose container the CNA may sign with a key of its own.
type Signing struct {
	SignKey string `type:"existingfile" placeholder:"FILE" help:"Sign with this key of the organisation (\"tasuki node keygen\"); the list has to be a Tasuki node. Needed where only its own keys speak for it."`
	SignOut string `type:"path" placeholder:"FILE" help:"With --sign-key: write the signed event to a file, to be handed in later, and send nothing."`
}

// sendSigned signs the container as the organisation's own event, and hands it in or writes it down.
func (c submitting) sendSigned(ctx context.Context, p *Program, s *sending, id string, d document) (out cveservices.Submitted, err error) {
	key, err := charter.ReadRoleKey(c.SignKey, charter.RoleNode)
	if err != nil {
		return out, err
	}
	if c.DryRun {
		return out, fmt.Errorf("%w: --dry-run shows requests; --sign-out writes what would be handed in", errSettings)
	}
	short, _ := s.Caller()
	org, err := s.Org(ctx, short)
	if err != nil {
		return out, err
	}
	e := &event.Event{At: p.Now().UTC().Truncate(time.Millisecond), By: org.UUID, Kind: event.RecordPut, Cont: cve.CNA, ID: id, DV: schema.Current}
	cont := cve.CNA
	switch d.kind {
	case schema.ADP:
		e.Cont, cont = cve.ADP, cve.ADP
	case schema.CNARejected:
		e.Kind, e.Cont = event.RecordRejected, ""
	}
	base := c.base(p)
	client := laneClient()
	raw, err := ask(ctx, client, http.MethodGet, base+"/events/next/"+url.PathEscape(id)+"?cont="+cont+"&org="+url.QueryEscape(org.UUID), nil)
	if err != nil {
		return out, fmt.Errorf("what the event has to follow: %w", err)
	}
	var next relay.Next
	if err := json.Unmarshal(raw, &next); err != nil {
		return out, fmt.Errorf("what the event has to follow: %w", err)
	}
	e.List, e.Prev = next.List, next.Prev
	if next.First {
		e.Short, e.Org = org.Short, next.Org
		if e.Reserved = e.At; next.Reserved != "" { // a number of a block has no other time than its author's
			if e.Reserved, err = time.Parse(ledger.TimeFormat, next.Reserved); err != nil {
				return out, errors.New("the server does not say since when the identifier is reserved")
			}
		}
	}
	body, err := program.SignedBody(d.container, org.UUID, org.Short)
	if err != nil {
		return out, err
	}
	sub, err := event.Seal(p.Rand, e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key.Private, raw), nil })
	if err != nil {
		return out, err
	}
	if raw, err = sub.Marshal(); err != nil {
		return out, err
	}
	if c.SignOut != "" {
		out.Message = fmt.Sprintf("%s signed, event %s: hand in %s with POST /events, or in the portal", id, eventName(sub.Hash()), clean(c.SignOut))
		return out, os.WriteFile(c.SignOut, raw, 0o600)
	}
	answer, err := ask(ctx, client, http.MethodPost, base+"/events", bytes.NewReader(raw))
	if err != nil {
		return out, err
	}
	var got relay.Accepted
	if err := json.Unmarshal(answer, &got); err != nil {
		return out, err
	}
	out.Message = fmt.Sprintf("%s was taken as signed by the organisation's own key, at leaf %d", id, got.Leaf)
	out.Record = json.RawMessage(answer)
	return out, nil
}

// base is the server without the path of CVE Services.
func (c Account) base(p *Program) string {
	address := c.URL
	if address == "" {
		address = p.Getenv(cnaURLEnv)
	}
	return strings.TrimSuffix(strings.TrimRight(address, "/"), "/api")
}
