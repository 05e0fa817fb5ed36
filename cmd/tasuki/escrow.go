package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"
)

// EscrowCmd is `tasuki escrow`.
type EscrowCmd struct {
	Keygen EscrowKeygenCmd `cmd:"" help:"Make a key of the escrow, on the machine of whoever is to keep it."`
	Status EscrowStatusCmd `cmd:"" help:"Say whether private facts would outlive this node."`
}

// EscrowKeygenCmd is `tasuki escrow keygen`.
type EscrowKeygenCmd struct {
	File        string `arg:"" type:"path" help:"File to write the private key to. It must not exist."`
	PostQuantum bool   `help:"Make a key that a quantum computer would not break either. A charter's recipients are all of this kind or none."`
}

// Run writes the private key and prints the recipient that belongs into the charter.
func (c *EscrowKeygenCmd) Run(p *Program) error {
	recipient, secret, err := newEscrowKey(c.PostQuantum)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("# Key of a Tasuki list's escrow, made %s. Keep it off the machines of operator and mirrors.\n# public key: %s\n%s\n",
		p.Now().UTC().Format(time.RFC3339), recipient, secret)
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("escrow key: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("escrow key: %w", err)
	}
	fmt.Fprintln(p.Stdout, recipient)
	fmt.Fprintln(p.Stderr, "This is the recipient to name in the charter (tasuki charter draft --escrow). The file opens what the operator keeps private: guard it as the board guards its keys.")
	return nil
}

func newEscrowKey(postQuantum bool) (recipient, secret string, err error) {
	if postQuantum {
		k, err := age.GenerateHybridIdentity()
		if err != nil {
			return "", "", fmt.Errorf("escrow key: %w", err)
		}
		return k.Recipient().String(), k.String(), nil
	}
	k, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("escrow key: %w", err)
	}
	return k.Recipient().String(), k.String(), nil
}

// errEscrowKey never says what the file holds: it may be a key with a slip in it.
var errEscrowKey = errors.New("holds no escrow key")

// readEscrowKeys reads the private keys in files, as "tasuki escrow keygen" or age-keygen write them.
func readEscrowKeys(files ...string) (keys []age.Identity, err error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("escrow key: %w", err)
		}
		list, err := age.ParseIdentities(io.LimitReader(f, 1<<20))
		if cerr := f.Close(); err != nil || cerr != nil {
			return nil, fmt.Errorf("%s: %w", name, errors.Join(errEscrowKey, cerr))
		}
		keys = append(keys, list...)
	}
	return keys, nil
}

// EscrowStatusCmd is `tasuki escrow status`.
type EscrowStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run asks the node of the data directory.
func (c *EscrowStatusCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[escrowAnswer](ctx, p, s, access{}, "escrow status", struct{}{})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	for _, line := range got.Words {
		fmt.Fprintln(p.Stdout, line)
	}
	if got.Problem != "" {
		return errors.New(got.Problem)
	}
	return nil
}

// words says what the answer means, a sentence per line.
func (a *escrowAnswer) words(charterSays string) {
	a.Words = []string{charterSays}
	add := func(format string, args ...any) { a.Words = append(a.Words, fmt.Sprintf(format, args...)) }
	for _, r := range a.Recipients {
		if len(r) > 70 {
			r = r[:67] + "…" // post-quantum ones have 2,000 characters
		}
		add("recipient %s", r)
	}
	switch {
	case len(a.Recipients) == 0 && a.Private > 0:
		add("%s private facts are here, in clear, and nowhere else.", thousands(a.Private))
	case len(a.Recipients) == 0:
	case a.Private > 0 && a.Due == 0:
		add("%s private facts, all of them encrypted to these recipients.", thousands(a.Private))
	case a.Private > 0:
		add("%s private facts, %s of them not yet encrypted to these recipients.", thousands(a.Private), thousands(a.Due))
	default:
		add("No private facts in clear; %s ciphertexts, %s of them to these recipients.", thousands(a.Sealed), thousands(a.Current))
	}
	if len(a.Recipients) == 0 && a.Sealed > 0 {
		add("%s ciphertexts to recipients of an earlier charter are still here.", thousands(a.Sealed))
	}
	for i, w := range a.Words {
		a.Words[i] = strings.TrimSpace(w)
	}
}
