package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// mailTimeout is how long one server may take for one step of a mail.
const mailTimeout = 30 * time.Second

// wrong says what is wrong with the settings, or "".
func (m *Mail) wrong() string {
	if m.TLS != "starttls" && m.TLS != "tls" && m.TLS != "none" {
		return "tls is starttls, tls or none"
	}
	if m.SMTP == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(m.SMTP)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 1 || n > 65535 || host == "" {
		return "smtp is not host:port"
	}
	if err := mail.NewMsg().From(m.From); err != nil {
		return "from is no mail address"
	}
	if ip := net.ParseIP(host); m.TLS == "none" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "tls = none is for a server on this machine"
	}
	return ""
}

// letter is one mail.
type letter struct {
	to      []string
	subject string
	text    string
}

// post sends a letter. Everybody it goes to sees the others: they are contacts of one organisation.
func (m *Mail) post(ctx context.Context, l letter, now time.Time) error {
	host, port, err := net.SplitHostPort(m.SMTP)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(mailTimeout), mail.WithTLSConfig(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})}
	switch m.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.password))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(m.From); err != nil {
		return fmt.Errorf("mail: from: %w", err)
	}
	sent := false
	for _, to := range l.to {
		if msg.AddTo(to) == nil { // one bad address keeps nobody else from hearing of it
			sent = true
		}
	}
	if !sent {
		return fmt.Errorf("mail: none of %d addresses is one", len(l.to))
	}
	msg.Subject(strings.Join(strings.Fields(l.subject), " "))
	msg.SetDateWithValue(now)
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers by machines
	msg.SetBodyString(mail.TypeTextPlain, l.text)
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
