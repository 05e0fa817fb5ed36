package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/alecthomas/kong"

	"tasuki/internal/edge/serve/front"
	"tasuki/spec/cve/schema"
)

// Program is one run of the command line with everything it takes from its surroundings, so that a test can be the
// surroundings.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	Rand           io.Reader
	Backend        Backend
}

// Exit codes, beside 0 for success.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitSomeRefused = 3 // an import went through, but some files were refused
	exitInterrupted = 130
)

// exitError ends the program with a code of its own after the command has said everything itself.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// Run executes one command line, without the program's name, and returns the exit code. What went wrong is said on Stderr.
func (p *Program) Run(ctx context.Context, args []string) int {
	var cli CLI
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("tasuki"),
		kong.Description("The CVE List and its services in one program: import it, keep it current, verify it, ask it in the protocols your tools speak, number what is new, and hand it on."),
		kong.UsageOnError(),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "read", Title: "Run a node:"},
			{Key: "ask", Title: "Ask:"},
			{Key: "keep", Title: "Prove and keep:"},
			{Key: "auth", Title: "Number and govern:"},
			{Key: "cont", Title: "Hand the list on:"},
			{Key: "pub", Title: "Publish:"},
			{Key: "prog", Title: "This program:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
		kong.Vars{"schema": schema.Current},
	)
	if err != nil {
		panic(err) // the grammar is constant
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help has answered
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "tasuki: %v\n", err)
		return exitUsage
	}
	if err := kctx.BindToProvider(func() (*Settings, error) { return p.settings(cli.Globals, cli.overrides()) }); err != nil {
		panic(err)
	}
	return p.exit(ctx, kctx.Run())
}

// exit says what went wrong and finds the code for it.
func (p *Program) exit(ctx context.Context, err error) int {
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(p.Stderr, "tasuki: interrupted; what was finished is kept")
		return exitInterrupted
	}
	fmt.Fprintf(p.Stderr, "tasuki: %v\n", err)
	return exitFailure
}

// logger writes the log to Stderr as the configuration asks.
func (p *Program) logger(c Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log.Level)) // validated
	o := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(p.Stderr, o)
	if c.Log.Format == "json" {
		h = slog.NewJSONHandler(p.Stderr, o)
	}
	return slog.New(front.LogHandler(h))
}
