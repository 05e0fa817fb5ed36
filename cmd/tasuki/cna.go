package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/term"

	"tasuki/client/cveservices"
)

// CnaCmd is `tasuki cna`.
type CnaCmd struct {
	Reserve    CnaReserveCmd    `cmd:"" help:"Reserve CVE IDs."`
	List       CnaListCmd       `cmd:"" help:"List the CVE IDs of the organisation."`
	Show       CnaShowCmd       `cmd:"" help:"Show a CVE ID, or its record."`
	Publish    CnaPublishCmd    `cmd:"" help:"Publish a record."`
	Update     CnaUpdateCmd     `cmd:"" help:"Put a new version in the place of a published record."`
	Reject     CnaRejectCmd     `cmd:"" help:"Reject a CVE ID, with or without a record."`
	UndoReject CnaUndoRejectCmd `cmd:"" name:"undo-reject" help:"Put a CVE ID that was rejected without a record back to RESERVED."`
	ADP        CnaADPCmd        `cmd:"" name:"adp" help:"Put the organisation's ADP container into a published record."`
	Transfer   CnaTransferCmd   `cmd:"" help:"Give a CVE ID to another organisation."`
	Quota      CnaQuotaCmd      `cmd:"" help:"Say how many more CVE IDs may be reserved."`
	Org        CnaOrgCmd        `cmd:"" help:"Show an organisation and its users."`
	User       CnaUserCmd       `cmd:"" help:"Look after the organisation's users."`
	Ping       CnaPingCmd       `cmd:"" help:"Ask whether the server is up, and who it takes us for."`
	Lint       CnaLintCmd       `cmd:"" help:"Check records and containers offline, as publish does before it sends them."`
	Pull       CnaPullCmd       `cmd:"" help:"Bring the organisation, its users and its reserved CVE IDs from another server into this list."`
}

// Help is the long description.
func (c *CnaCmd) Help() string {
	return `Works with any server that speaks the CVE Services API: the CVE Program's own, or a Tasuki node. The server is named by --url or TASUKI_CNA_URL, the caller by --org or TASUKI_CNA_ORG and --user or TASUKI_CNA_USER. The key is read from TASUKI_CNA_KEY, from the file of --key-file, or asked for on the terminal; it never stands on the command line.

Exit status: ` + cnaExits
}

// cnaExits says what the exit codes mean.
const cnaExits = `0 done; 1 not done, for a reason on this side (a file that cannot be read or does not comply, a question answered with no); 2 wrong command line or settings; 3 only a part was done; 4 the server refused; 5 the server could not be reached or failed; 6 nobody knows whether the server did it, so look before trying again; 130 interrupted.`

// cnaEnvironment are the variables that the commands read.
var cnaEnvironment = []struct{ name, help string }{
	{cnaURLEnv, "The server, where --url is not given."},
	{cnaOrgEnv, "The caller's organisation, where --org is not given."},
	{cnaUserEnv, "The caller, where --user is not given."},
	{cnaKeyEnv, "The caller's key, where --key-file is not given."},
}

// Exit codes of tasuki cna, beside those of every command.
const (
	exitPart      = exitSomeRefused // a part was done
	exitRefused   = 4               // the server refused
	exitServer    = 5               // the server could not be reached, or failed
	exitUncertain = 6               // it may have been done
)

// Credentials are the flags that name the caller.
type Credentials struct {
	Org      string `placeholder:"ORG" help:"Short name of the caller's organisation (or TASUKI_CNA_ORG)."`
	User     string `placeholder:"NAME" help:"Username of the caller (or TASUKI_CNA_USER)."`
	KeyFile  string `name:"key-file" type:"path" placeholder:"FILE" help:"File with the caller's key (or TASUKI_CNA_KEY with the key itself)."`
	Insecure bool   `help:"Let the key travel over plain HTTP to another machine."`
}

// Account are the flags that name the server and the caller.
type Account struct {
	URL string `name:"url" placeholder:"URL" help:"The server, with or without /api (or TASUKI_CNA_URL)."`
	Credentials
}

// Variables of the environment.
const (
	cnaURLEnv  = "TASUKI_CNA_URL"
	cnaOrgEnv  = "TASUKI_CNA_ORG"
	cnaUserEnv = "TASUKI_CNA_USER"
	cnaKeyEnv  = "TASUKI_CNA_KEY"
)

// errSettings means that the command line and the environment do not say enough.
var errSettings = errors.New("settings are missing")

// sending is a command's way to a server.
type sending struct {
	*cveservices.Client
	key string
	dry *dryRun // nil when requests are sent
}

// open makes the client of a server. Without need, a caller that is not named at all is a stranger.
func (a Account) open(p *Program, need, dry bool) (*sending, error) {
	or := func(given, env string) string {
		if given == "" {
			return p.Getenv(env)
		}
		return given
	}
	address, o := or(a.URL, cnaURLEnv), cveservices.Options{Org: or(a.Org, cnaOrgEnv), User: or(a.User, cnaUserEnv), UserAgent: "tasuki/" + version().Version,
		AllowClear: a.Insecure, HTTP: &http.Client{Timeout: 100 * time.Second}}
	if address == "" {
		return nil, fmt.Errorf("%w: no server: give --url, or set %s", errSettings, cnaURLEnv)
	}
	if need || o.Org != "" || o.User != "" || a.KeyFile != "" {
		switch {
		case o.Org == "":
			return nil, fmt.Errorf("%w: no organisation: give --org, or set %s", errSettings, cnaOrgEnv)
		case o.User == "":
			return nil, fmt.Errorf("%w: no user: give --user, or set %s", errSettings, cnaUserEnv)
		}
		var err error
		if o.Key, err = a.key(p, o.User, address); err != nil {
			return nil, err
		}
	}
	s := &sending{key: o.Key}
	if dry {
		s.dry = &dryRun{base: http.DefaultTransport}
		o.HTTP.Transport = s.dry
	}
	var err error
	if s.Client, err = cveservices.New(address, o); err != nil {
		return nil, fmt.Errorf("%w: %w", errSettings, err)
	}
	return s, nil
}

// key finds the caller's key: in a file, in the environment, or at the terminal.
func (c Credentials) key(p *Program, user, address string) (string, error) {
	if c.KeyFile != "" {
		raw, err := os.ReadFile(c.KeyFile)
		if err != nil {
			return "", fmt.Errorf("key file: %w", err)
		}
		info, err := os.Stat(c.KeyFile)
		if err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(p.Stderr, "note: other people of this machine can read the key in %s\n", clean(c.KeyFile))
		}
		return strings.TrimSpace(string(raw)), nil
	}
	if key := strings.TrimSpace(p.Getenv(cnaKeyEnv)); key != "" {
		return key, nil
	}
	tty, ok := p.keyboard()
	if !ok {
		return "", fmt.Errorf("%w: no key: set %s, or give --key-file", errSettings, cnaKeyEnv)
	}
	fmt.Fprintf(p.Stderr, "Key of %s at %s: ", clean(user), clean(address))
	key, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(p.Stderr)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	return strings.TrimSpace(string(key)), nil
}

// keyboard is standard input where somebody sits at it.
func (p *Program) keyboard() (*os.File, bool) {
	f, ok := p.Stdin.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// errDeclined means that somebody answered a question with no.
var errDeclined = errors.New("left as it is")

// confirm asks a question where somebody can answer it; elsewhere the command line is the answer.
func (p *Program) confirm(question string) error {
	if _, ok := p.keyboard(); !ok {
		return nil
	}
	fmt.Fprintf(p.Stderr, "%s [y/N] ", question)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("answer: %w", err)
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// answerWait is how long a request that changes something may still take once somebody pressed Ctrl-C.
const answerWait = 15 * time.Second

// lasting is ctx for a request that changes something: after Ctrl-C its answer is still waited for, for without it nobody would know
// what was done, and reserved identifiers would be lost from sight.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(answerWait, cancel) })
	return out, func() { stop(); cancel() }
}

// dryRun is a way out that stops at the first request which would change something. Reading goes through.
type dryRun struct {
	base http.RoundTripper
	seen dryRequest
}

// dryRequest is what would have been sent.
type dryRequest struct {
	Method string         `json:"method"`
	URL    string         `json:"url"`
	Body   jsontext.Value `json:"body,omitzero"`
}

// errDry means that a dry run has come to what it would have sent.
var errDry = errors.New("a dry run sends nothing")

// RoundTrip sends what only reads.
func (d *dryRun) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return d.base.RoundTrip(r)
	}
	d.seen = dryRequest{Method: r.Method, URL: r.URL.String()}
	if r.Body != nil {
		defer r.Body.Close()
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		d.seen.Body = raw
	}
	return nil, errDry
}

// show prints what would have been sent.
func (d *dryRun) show(p *Program, asJSON bool) error {
	if asJSON {
		return p.json(d.seen)
	}
	fmt.Fprintf(p.Stdout, "%s %s\n", d.seen.Method, d.seen.URL)
	if len(d.seen.Body) == 0 {
		return nil
	}
	return p.indented(d.seen.Body)
}

// indented prints JSON for people, its characters as they are.
func (p *Program) indented(raw []byte) error {
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Indent(jsontext.WithIndent("  "), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	_, err := fmt.Fprintf(p.Stdout, "%s\n", v)
	return err
}

// cna makes the error of a command of tasuki cna its exit code, after it has said what went wrong. A dry run's end is none: it shows
// what would have been sent.
func (p *Program) cna(ctx context.Context, s *sending, asJSON bool, err error) error {
	var code exitError
	switch {
	case err == nil || errors.As(err, &code):
		return err
	case errors.Is(err, errDry) && s != nil && s.dry != nil:
		return s.dry.show(p, asJSON)
	}
	code = exitError{exitFailure}
	var refused *cveservices.Error
	text := clean(err.Error())
	switch {
	case errors.Is(err, cveservices.ErrUncertain):
		code.code = exitUncertain
		text = "nobody knows whether this was done: " + clean(strings.ReplaceAll(err.Error(), cveservices.ErrUncertain.Error()+"\n", ""))
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errSettings):
		code.code = exitUsage
	case errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
		code.code = exitRefused
		text = "the server refused: " + clean(refused.Error())
	case refused != nil, errors.Is(err, cveservices.ErrNoAnswer), errors.Is(err, cveservices.ErrAnswer), errors.Is(err, cveservices.ErrRedirect):
		code.code = exitServer
	}
	fmt.Fprintf(p.Stderr, "tasuki: %s\n", text)
	if refused != nil {
		p.refusal(refused)
	}
	return code
}

// hints say what helps against a refusal.
var hints = map[cveservices.Code]string{
	cveservices.Unauthorized:    "check organisation, user and key; short names and usernames are told by their letters' case too",
	cveservices.RecordExists:    "it has a record already: \"tasuki cna update\" changes it, \"publish --or-update\" does either",
	cveservices.NotOwner:        "it is another organisation's, or does not exist",
	cveservices.HasRecord:       "its state follows its record: reject the record with reasons (without --id-only), or publish it again with \"update\"",
	cveservices.QuotaExceeded:   "see \"tasuki cna quota\"; publishing or rejecting what is reserved makes room",
	cveservices.OverTenAtRandom: "at most ten at a time",
}

// refusal says what the details of a refusal and its code mean.
func (p *Program) refusal(e *cveservices.Error) {
	for _, d := range e.Parameters() {
		fmt.Fprintf(p.Stderr, "  %s: %s\n", clean(d.Name), clean(d.Message))
	}
	if hint := hints[e.Code]; hint != "" {
		fmt.Fprintf(p.Stderr, "  %s\n", hint)
	}
}

// lines prints values as one line of JSON each.
func lines[T any](p *Program, list []T) error {
	for _, v := range list {
		if err := p.json(v); err != nil {
			return err
		}
	}
	return nil
}
