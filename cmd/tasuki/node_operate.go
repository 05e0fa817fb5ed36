package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// operations are the acts of the operator by name: what "tasuki authority" and its like ask of a node, here or through the socket.
var operations = map[string]operation{
	"authority init":              act((*node).foundAuthority),
	"authority adopt":             act((*node).adoptAssigners),
	"authority partners":          act((*node).importPartners),
	"authority range open":        act((*node).openRanges),
	"authority org list":          act((*node).listOrgs),
	"authority org show":          act((*node).showOrg),
	"authority org add":           act((*node).addOrg),
	"authority org change":        act((*node).changeOrg),
	"authority user list":         act((*node).listUsers),
	"authority user add":          act((*node).addUser),
	"authority user change":       act((*node).changeUser),
	"authority user reset-secret": act((*node).resetSecret),
	"authority who":               act((*node).responsible),
	"authority block grant":       act((*node).grantBlock),
	"authority block list":        act((*node).listBlocks),
	"authority block close":       act((*node).closeBlock),
	"authority key add":           act((*node).addKey),
	"authority key revoke":        act((*node).revokeKey),
	"authority key list":          act((*node).listKeys),
	"authority attest":            act((*node).setAttest),
	"charter publish":             act((*node).publishCharter),
	"cna pull":                    act((*node).pullCNA),
	"bundle export":               act((*node).exportBundle),
	"bundle import":               act((*node).importBundle),
	"gcve allocate":               act((*node).allocateGCVE),
	"gcve directory import":       act((*node).importDirectory),
	"gcve publish":                act((*node).publishGCVE),
	"gcve pull":                   act((*node).pullAuthorities),
	"gcve reject":                 act((*node).rejectGCVE),
	"publish":                     act((*node).publishOutward),
	"authority scopes":            act((*node).reviewScopes),
	"escrow status":               act((*node).escrowStatus),
	"mirror status":               act((*node).mirrorStatus),
	"client status":               act((*node).readerStatus),
	"client policy":               act((*node).readerPolicy),
	"client choose":               act((*node).chooseCharter),
	"client release":              act((*node).releaseHold),
	"doctor":                      act((*node).doctor),
	"seal now":                    act((*node).sealNow),
	"seal show":                   act((*node).showSeals),
}

// operation decodes what is asked, does it and encodes what came of it.
type operation func(ctx context.Context, n *node, args jsontext.Value, report Reporter) (jsontext.Value, error)

// act makes an operation of a method. What was done before an error is told with it.
func act[Q, A any](do func(n *node, ctx context.Context, q Q, report Reporter) (A, error)) operation {
	return func(ctx context.Context, n *node, args jsontext.Value, report Reporter) (jsontext.Value, error) {
		var q Q
		if err := json.Unmarshal(args, &q, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("request from another version of tasuki: %w", err)
		}
		answer, err := do(n, ctx, q, report)
		raw, merr := json.Marshal(answer)
		return raw, errors.Join(err, merr)
	}
}

// Operate carries out one act of the operator.
func (n *node) Operate(ctx context.Context, r OperateRequest, report Reporter) (jsontext.Value, error) {
	do, ok := operations[r.Act]
	if !ok {
		do, ok = governing[strings.TrimPrefix(r.Act, "governance ")]
	}
	if !ok {
		return nil, errors.New("the running tasuki does not know this act: it is another version")
	}
	return do(ctx, n, r.Args, report)
}
