package lane

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/c2sp"
)

// ErrReceipt means a text that is no receipt of an assignment, or one that the named key did not sign.
var ErrReceipt = errors.New("lane: not a receipt of this key")

// MaxReceipt bounds a receipt, in bytes.
const MaxReceipt = 2048

const receiptTag = "tasuki-assign/v1"

// Receipt says that an authority assigned a number. It is private: it is handed to who asked, and says nothing to others (continuity
// E.3). The form is frozen.
type Receipt struct {
	List    string // first 16 hex digits of the list id
	ID      string
	Org     string // short name
	Node    string // the authority's own name for the node: with Org, the name on the signature
	Lane, N int64  // of the journal; of the lane, counted from 1
	At      time.Time
	Subject string // salted commitment to what the number is for, 64 hex digits; "" for none
}

// Text is what is signed.
func (r Receipt) Text() string {
	text := fmt.Sprintf("%s\n%s\n%s\n%s lane %d n %d\n%s\n", receiptTag, r.List, r.ID, r.Org, r.Lane, r.N, r.At.UTC().Format(time.RFC3339))
	if r.Subject != "" {
		text += "subject sha256:" + r.Subject + "\n"
	}
	return text
}

// Sign makes the receipt a note of the node.
func (r Receipt) Sign(key ed25519.PrivateKey) ([]byte, error) {
	if _, err := parseReceipt(r.Text()); err != nil {
		return nil, err
	}
	if !isName(r.Node) {
		return nil, fmt.Errorf("%w: node", ErrName)
	}
	signer, err := noteSigner(r.Org+"/"+r.Node, key)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: r.Text()}, signer)
}

// OpenReceipt reads a note and believes it when key signed it: ErrReceipt.
func OpenReceipt(raw []byte, key ed25519.PublicKey) (Receipt, error) {
	if len(raw) > MaxReceipt {
		return Receipt{}, fmt.Errorf("%w: %d bytes", ErrReceipt, len(raw))
	}
	text, name, err := signedBy(raw)
	if err != nil {
		return Receipt{}, err
	}
	r, err := parseReceipt(text)
	if err != nil {
		return r, err
	}
	var org string
	if org, r.Node, _ = strings.Cut(name, "/"); org != r.Org || !isName(r.Node) {
		return r, fmt.Errorf("%w: signed in another's name", ErrReceipt)
	}
	vkey, err := c2sp.NewVKey(name, c2sp.AlgEd25519, key)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	verifier, err := note.NewVerifier(vkey.String())
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if _, err := note.Open(raw, note.VerifierList(verifier)); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return r, nil
}

// Receipt is the receipt of a number that the journal gave out at a time. subject may be "".
func (j *Journal) Receipt(n Number, at time.Time, subject string) Receipt {
	return Receipt{List: j.config.List, ID: n.ID, Org: j.config.Org, Node: j.config.Node, Lane: n.Lane, N: n.N, At: at, Subject: subject}
}

// parseReceipt reads what Text writes, and no other spelling of it.
func parseReceipt(text string) (r Receipt, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 6 || len(lines) > 7 || lines[0] != receiptTag {
		return r, fmt.Errorf("%w: not in the form of %s", ErrReceipt, receiptTag)
	}
	r.List, r.ID = lines[1], lines[2]
	words := strings.Split(lines[3], " ")
	if len(words) != 5 || words[1] != "lane" || words[3] != "n" {
		return r, fmt.Errorf("%w: the line of the lane", ErrReceipt)
	}
	r.Org = words[0]
	n, ok := numbers([]string{words[2], words[4]})
	if !ok || n[0] < 1 || n[1] < 1 {
		return r, fmt.Errorf("%w: the line of the lane", ErrReceipt)
	}
	r.Lane, r.N = n[0], n[1]
	if r.At, err = time.Parse(time.RFC3339, lines[4]); err != nil {
		return r, fmt.Errorf("%w: the time", ErrReceipt)
	}
	if len(lines) == 7 {
		r.Subject = strings.TrimPrefix(lines[5], "subject sha256:")
		if sum, err := hex.DecodeString(r.Subject); err != nil || len(sum) != 32 {
			return r, fmt.Errorf("%w: the subject", ErrReceipt)
		}
	}
	if !isListID(r.List) || !isName(r.Org) || !isAssigned(r.ID) || r.Text() != text || strings.ToLower(r.Subject) != r.Subject {
		return r, fmt.Errorf("%w: not in the form of %s", ErrReceipt, receiptTag)
	}
	return r, nil
}

// isAssigned says that a text has the form of an identifier as a Scheme writes it.
func isAssigned(id string) bool {
	for _, n := range []int{1, 2} { // parts of the scheme
		parts := strings.Split(id, "-")
		if len(parts) != n+2 {
			continue
		}
		scheme := Scheme(strings.Join(parts[:n], "-"))
		year, err := strconv.ParseInt(parts[n], 10, 64)
		num, err2 := strconv.ParseInt(parts[n+1], 10, 64)
		if scheme.check() == nil && err == nil && err2 == nil && year >= 1000 && num >= 1 && num <= maxNumber {
			return scheme.ID(year, num) == id
		}
	}
	return false
}

// signedBy is a note's text and the name on its only signature, which is not verified.
func signedBy(raw []byte) (text, name string, err error) {
	_, err = note.Open(raw, note.VerifierList())
	var un *note.UnverifiedNoteError
	if !errors.As(err, &un) || len(un.Note.UnverifiedSigs) != 1 {
		return "", "", fmt.Errorf("%w: it is not a note with one signature", ErrReceipt)
	}
	return un.Note.Text, un.Note.UnverifiedSigs[0].Name, nil
}

// noteSigner signs notes with a raw Ed25519 key, by the note package's own text form of a private key.
func noteSigner(name string, key ed25519.PrivateKey) (note.Signer, error) {
	vkey, err := c2sp.NewVKey(name, c2sp.AlgEd25519, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	return note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, vkey.Hash, base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...))))
}
