package main

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// OperateRequest asks for one act of the operator, by its name in the table of node_operate.go.
type OperateRequest struct {
	Act  string         `json:"act"`
	Args jsontext.Value `json:"args"`
}

// operate asks a session's node for an act of the operator, wherever it runs.
func operate[A any](ctx context.Context, x *session, act string, args any, report Reporter) (answer A, err error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", act, err)
	}
	got, err := x.jobs.Operate(ctx, OperateRequest{Act: act, Args: raw}, report)
	if len(got) == 0 {
		return answer, err
	}
	if derr := json.Unmarshal(got, &answer); derr != nil && err == nil {
		err = fmt.Errorf("%s: answer from another version of tasuki: %w", act, derr)
	}
	return answer, err
}

// operated is operate for a command that says one thing and ends: it opens the session, shows what the job says and closes both.
func operated[A any](ctx context.Context, p *Program, s *Settings, want access, act string, args any) (answer A, err error) {
	x, err := p.session(ctx, s, want)
	if err != nil {
		return answer, err
	}
	report := p.reporter()
	answer, err = operate[A](ctx, x, act, args, report)
	report.Close()
	if cerr := x.Close(); err == nil {
		err = cerr
	}
	return answer, err
}
