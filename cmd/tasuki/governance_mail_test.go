package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
)

// fakeSMTP is a mail server that keeps what it gets, and refuses while it is told to.
type fakeSMTP struct {
	net.Listener
	mu     sync.Mutex
	got    []received
	refuse bool
}

type received struct {
	to            []string
	subject, text string
	header        mail.Header
}

func newFakeSMTP(t *testing.T) *fakeSMTP {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeSMTP{Listener: ln}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return f
}

// serve speaks as much of RFC 5321 as a client needs.
func (f *fakeSMTP) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 fake ESMTP")
	var to []string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb := strings.ToUpper(line)
		switch {
		case strings.HasPrefix(verb, "EHLO"):
			say("250 fake")
		case strings.HasPrefix(verb, "MAIL"), strings.HasPrefix(verb, "RSET"), strings.HasPrefix(verb, "NOOP"):
			to = nil
			say("250 ok")
		case strings.HasPrefix(verb, "RCPT"):
			f.mu.Lock()
			refuse := f.refuse
			f.mu.Unlock()
			if refuse {
				say("451 try again later")
				continue
			}
			to = append(to, strings.Trim(line[strings.IndexByte(line, ':')+1:], "<> "))
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			var raw strings.Builder
			for {
				l, err := in.ReadString('\n')
				if err != nil || l == ".\r\n" {
					break
				}
				raw.WriteString(strings.TrimPrefix(l, "."))
			}
			f.keep(to, raw.String())
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("502 no")
		}
	}
}

func (f *fakeSMTP) keep(to []string, raw string) {
	r := received{to: to}
	if m, err := mail.ReadMessage(strings.NewReader(raw)); err == nil {
		r.header = m.Header
		r.subject, _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		body := m.Body
		if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		text, _ := io.ReadAll(body)
		r.text = string(text)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, r)
}

func (f *fakeSMTP) take() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.got
	f.got = nil
	return out
}

// Whoever has to act is reminded once before a deadline and once after it, at the private address of their organisation, in one mail for
// all that is due; what the server would not take is sent later; and silence is noted by itself.
func TestReminders(t *testing.T) {
	server, ctx := newFakeSMTP(t), t.Context()
	var mu sync.Mutex
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	wait := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
	k := openKit(t, kitOptions{now: now})
	k.cfg.Mail = Mail{SMTP: server.Addr().String(), From: "cve@example.jp", TLS: "none"}
	if why := k.cfg.Mail.wrong(); why != "" {
		t.Fatal(why)
	}
	op, quota := operator("test"), int64(10)
	for short, role := range map[string]authority.OrgRole{"acme": authority.CNA, "maker": authority.CNA, "root": authority.Root} {
		if _, err := k.acts.RegisterOrg(ctx, op, authority.NewOrg{Short: short, Name: short, Roles: []authority.OrgRole{role}, Quota: &quota}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := k.acts.AddUser(ctx, op, "acme", authority.NewUser{Username: "ann@acme"}); err != nil {
		t.Fatal(err)
	}
	if err := k.acts.OpenRange(ctx, op, 2026); err != nil {
		t.Fatal(err)
	}
	ann, err := k.as(ctx, "test", "acme")
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.acts.Reserve(ctx, ann, program.Reservation{Owner: "acme", Year: 2026, Amount: 1})
	if err != nil {
		t.Fatal(err)
	}
	id := got.IDs[0].ID
	contacts(t, k, "acme", "desk@acme.example", "night@acme.example")
	if err := k.acts.SetContacts(ctx, op, "acme", []authority.Contact{{Email: "x@a.example\r\nBcc: y@evil.example"}}); !errors.Is(err, program.ErrContact) {
		t.Errorf("an address with a header in it: %v", err)
	}
	contacts(t, k, "maker", "psirt@maker.example")
	if _, err := k.acts.ReportSighting(ctx, op, id, "https://blog.test/"); err != nil {
		t.Fatal(err)
	}
	v, err := k.acts.AskFirst(ctx, ann, program.NewRefusal{Org: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	run := func(want string) []received {
		t.Helper()
		note, err := k.remind(ctx)
		if err != nil || note != want {
			t.Fatalf("%q (%v), want %q", note, err, want)
		}
		return server.take()
	}

	// The first of acme's deadlines is 24 hours away, which is when reminding begins.
	mails := run("1 of 1 organisations were reminded")
	if len(mails) != 1 || !slices.Equal(mails[0].to, []string{"desk@acme.example", "night@acme.example"}) || !strings.Contains(mails[0].text, id) ||
		!strings.Contains(mails[0].text, "2026-11-24 09:00:00") || mails[0].header.Get("Auto-Submitted") != "auto-generated" || mails[0].header.Get("Bcc") != "" ||
		!strings.Contains(mails[0].subject, "1 deadlines") || !strings.Contains(mails[0].text, "CNA rules 4.5.1.3") {
		t.Fatalf("%+v", mails)
	}
	if mails = run("0 of 0 organisations were reminded"); len(mails) > 0 {
		t.Errorf("again: %+v", mails)
	}
	// Two days on: the one is overdue, the other's due tomorrow, and so is the maker's answer.
	wait(48*time.Hour + time.Second)
	server.refuse = true
	if note, err := k.remind(ctx); err == nil || note != "0 of 2 organisations were reminded" {
		t.Errorf("a server that refuses: %q (%v)", note, err)
	}
	server.mu.Lock()
	server.refuse = false
	server.mu.Unlock()
	server.take()
	mails = run("2 of 2 organisations were reminded")
	slices.SortFunc(mails, func(a, b received) int { return strings.Compare(a.to[0], b.to[0]) })
	if len(mails) != 2 || !strings.Contains(mails[0].subject, "2 deadlines, 1 overdue") || !strings.Contains(mails[0].text, "OVERDUE") ||
		mails[1].to[0] != "psirt@maker.example" ||
		!strings.Contains(mails[1].text, v.ID) || !strings.Contains(mails[1].text, "maker が対応") {
		t.Fatalf("%+v", mails)
	}
	if note, err := k.tendCases(ctx); err != nil || note != "0 refusals by silence, 0 active again" {
		t.Errorf("%q (%v)", note, err)
	}
	wait(24 * time.Hour)
	if note, err := k.tendCases(ctx); err != nil || note != "1 refusals by silence, 0 active again" {
		t.Errorf("%q (%v)", note, err)
	}
	c, err := k.acts.Case(ctx, op, v.ID)
	if err != nil || c.State != governance.Refused || c.Steps[1].Reason != governance.Silent {
		t.Errorf("%+v (%v)", c, err)
	}
}

func contacts(t *testing.T, k *kitNode, short string, addresses ...string) {
	t.Helper()
	var list []authority.Contact
	for _, a := range addresses {
		list = append(list, authority.Contact{Email: a})
	}
	if err := k.acts.SetContacts(t.Context(), operator("test"), short, list); err != nil {
		t.Fatal(err)
	}
}

func TestMailSettings(t *testing.T) {
	for text, want := range map[string]string{
		"[mail]\ntls = 'maybe'":                                                    "tls is starttls, tls or none",
		"[mail]\nsmtp = 'mail.example.jp'\nfrom = 'a@b.example'":                   "smtp is not host:port",
		"[mail]\nsmtp = 'mail.example.jp:25'\nfrom = 'nobody'":                     "from is no mail address",
		"[mail]\nsmtp = 'mail.example.jp:25'\nfrom = 'a@b.example'\ntls = 'none'":  "a server on this machine",
		"[governance]\nremind = '-1h'":                                             "governance.remind: it is negative",
		"[mail]\nsmtp = '127.0.0.1:25'\nfrom = 'a@b.example'\ntls = 'none'":        "",
		"[mail]\nsmtp = 'mail.example.jp:587'\nfrom = 'a@b.example'\nuser = 'cve'": "",
		"[mail]\npassword_file = '/nowhere/at/all'":                                "mail.password_file:",
	} {
		_, err := settingsOf(t, write(t, text), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	s, err := settingsOf(t, write(t, "[mail]\npassword_file = '"+write(t, "hunter2\n")+"'"), nil)
	if err != nil || s.Mail.password != "hunter2" {
		t.Errorf("from a file: %v", err)
	}
	if s, err = settingsOf(t, write(t, ""), map[string]string{mailEnv: "hunter3"}); err != nil || s.Mail.password != "hunter3" {
		t.Errorf("from the environment: %v", err)
	}
}
