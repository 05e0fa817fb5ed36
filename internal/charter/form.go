package charter

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
	"tasuki/spec/jcs"
)

// Layouts of the two kinds of date in a charter.
const (
	issuedLayout = "2006-01-02T15:04:05Z"
	dayLayout    = "2006-01-02"
)

// problems is everything that can be said against a charter without looking at any other document.
func (c *Charter) problems() Invalid {
	f := &form{}
	f.want(c.V >= 1 && c.V <= jcs.MaxInt, "/v", "version", "versions count from 1")
	f.want(slug(c.ListName), "/list_name", "slug", "a-z, 0-9 and single hyphens, at most 32 characters")
	if c.V == 1 {
		f.want(c.Prev == "" && c.Genesis == "", "/prev", "genesis", "the genesis has no predecessor")
		f.want(c.Operator.Epoch == 1, "/operator/epoch", "genesis", "the genesis opens epoch 1")
		f.want(c.ContinueAt == nil, "/continue_at", "genesis", "the genesis continues nothing")
	} else {
		f.want(isHash(c.Prev), "/prev", "hash", "64 lower-case hex digits")
		f.want(isHash(c.Genesis), "/genesis", "hash", "64 lower-case hex digits")
		f.want(c.V != 2 || c.Prev == c.Genesis, "/prev", "genesis", "the second charter's predecessor is the genesis")
	}
	f.want(isTime(issuedLayout, c.Issued), "/issued", "time", "UTC to the second, such as 2026-11-21T09:00:00Z")
	f.board(c.Board)
	f.operator(c.Operator)
	f.want(len(c.Features) > 0, "/features", "required", "at least one feature")
	for i, name := range c.Features {
		p := "/features/" + strconv.Itoa(i)
		f.want(slug(name), p, "slug", "a-z, 0-9 and single hyphens, at most 32 characters")
		f.want(i == 0 || c.Features[i-1] < name, p, "order", "features are sorted and distinct")
	}
	if m := c.Mandate; m != nil {
		f.want(isTime(dayLayout, m.From), "/mandate/from", "date", "a day, such as 2026-11-21")
		f.want(isTime(dayLayout, m.Until), "/mandate/until", "date", "a day, such as 2029-11-20")
		f.want(m.From <= m.Until, "/mandate/until", "order", "not before the first day")
	}
	if m := c.Mirrors; m != nil {
		f.mirrors(m)
	}
	if c.Policy != "" {
		f.policy(c.Policy)
	}
	f.roles(c)
	if e := c.Emergency; e != nil {
		f.want(e.SilenceDays >= 0 && e.SilenceDays <= 36500, "/emergency/silence_days", "range", "1 to 36500 days, or left out")
		f.want(e.NoticeHours >= 1 && e.NoticeHours <= 87600, "/emergency/notice_hours", "range", "1 to 87600 hours")
		f.want(e.SilenceDays > 0 || e.MandateOver, "/emergency", "required", "says what opens the door: silence_days, mandate_over or both")
	}
	f.each("/names", c.Names, hostName, "host", "a host name in lower case")
	f.each("/escrow", c.Escrow, ageRecipient, "recipient", "an age recipient, age1…")
	if a := c.ContinueAt; a != nil {
		f.want(a.Size >= 0 && a.Size <= jcs.MaxInt, "/continue_at/size", "range", "a number of leaves")
		f.want(isHash(a.Root), "/continue_at/root", "hash", "64 lower-case hex digits")
	}
	f.want(c.Reason == "" || text(c.Reason, 2000, true), "/reason", "text", "UTF-8, at most 2,000 bytes")
	return f.bad
}

func (f *form) board(b Board) {
	n := int64(len(b.Keys))
	f.want(2*b.K > n && b.K <= n && b.K >= 1, "/board/k", "threshold", "more than half of the keys and no more than there are")
	f.want(b.Emergency >= 1 && b.Emergency <= b.K, "/board/k_e", "threshold", "at least 1 and not above k")
	ids, keys := map[string]bool{}, map[string]bool{}
	for i, s := range b.Keys {
		p := "/board/keys/" + strconv.Itoa(i)
		f.want(slug(s.ID) && s.ID != LogSigner, p+"/id", "slug", "a-z, 0-9 and single hyphens, at most 32 characters, and not "+LogSigner)
		f.want(!ids[s.ID], p+"/id", "unique", "another seat has this id")
		f.want(text(s.Holder, 200, false), p+"/holder", "text", "who holds the key, at most 200 bytes")
		_, err := dsse.ParseKey(s.Key)
		f.want(err == nil, p+"/ed25519", "key", "a raw Ed25519 key in base64")
		f.want(!keys[s.Key], p+"/ed25519", "unique", "another seat has this key")
		ids[s.ID], keys[s.Key] = true, true
	}
}

func (f *form) operator(o Operator) {
	f.want(isUUID4(o.Org), "/operator/org", "uuid", "a version 4 UUID in lower case")
	f.want(slug(o.Slug), "/operator/slug", "slug", "a-z, 0-9 and single hyphens, at most 32 characters")
	f.want(o.Epoch >= 1 && o.Epoch <= jcs.MaxInt, "/operator/epoch", "range", "epochs count from 1")
	f.want(webURL(o.URL), "/operator/url", "url", "an http or https address")
	_, err := dsse.ParseKey(o.Key)
	f.want(err == nil, "/operator/ed25519", "key", "a raw Ed25519 key in base64")
}

func (f *form) mirrors(m *Mirrors) {
	n := int64(len(m.List))
	f.want(n >= 1, "/mirrors/list", "required", "at least one mirror; without any the member is left out")
	f.want(m.F >= 0 && m.F < n, "/mirrors/f", "range", "fewer than there are mirrors")
	f.want(m.Q >= 1 && m.Q <= n && 2*m.Q > n+m.F, "/mirrors/q", "quorum", "2q > m+f, and no more than there are mirrors")
	names := map[string]bool{}
	for i, one := range m.List {
		p := "/mirrors/list/" + strconv.Itoa(i)
		f.want(webURL(one.URL), p+"/url", "url", "an http or https address")
		key, err := c2sp.ParseVKey(one.VKey)
		f.want(err == nil && key.Alg == c2sp.AlgCosignature, p+"/vkey", "vkey", "a verifier key of type 4, cosignature/v1: name+hash+base64")
		f.want(err != nil || !names[key.Name], p+"/vkey", "unique", "another mirror has this name")
		names[key.Name] = true
	}
}

func (f *form) policy(written string) {
	if !text(written, 16<<10, true) {
		f.want(false, "/policy", "text", "lines of UTF-8, at most 16 KiB")
		return
	}
	p, err := c2sp.ParsePolicy(written)
	if err != nil {
		f.want(false, "/policy", "policy", err.Error())
		return
	}
	f.want(len(p.Logs) == 0, "/policy", "log", "the policy names no log: the operator's section says which it is")
	for _, w := range p.Witnesses {
		f.want(w.URL == "" || webURL(w.URL), "/policy", "url", "a witness's address is an http or https address, or left out")
	}
}

// roles keeps every key to one role: a cosignature does not say in which of two roles it was made, and whoever steals a key
// must not hold two. What does not parse was complained of already.
func (f *form) roles(c *Charter) {
	held := map[string]string{}
	hold := func(role, pointer string, key []byte) {
		other, taken := held[string(key)]
		f.want(!taken, pointer, "role", "this is a key of the "+other+" already")
		held[string(key)] = role
	}
	if key, err := dsse.ParseKey(c.Operator.Key); err == nil {
		hold("log", "/operator/ed25519", key)
	}
	for i, s := range c.Board.Keys {
		// That two seats share a key has a message of its own.
		if key, err := dsse.ParseKey(s.Key); err == nil && held[string(key)] != "board" {
			hold("board", "/board/keys/"+strconv.Itoa(i)+"/ed25519", key)
		}
	}
	if c.Mirrors != nil {
		for i, m := range c.Mirrors.List {
			if key, err := c2sp.ParseVKey(m.VKey); err == nil {
				hold("mirrors", "/mirrors/list/"+strconv.Itoa(i)+"/vkey", key.Key)
			}
		}
	}
	if p, err := c2sp.ParsePolicy(c.Policy); err == nil {
		for _, w := range p.Witnesses {
			hold("witnesses", "/policy", w.Key.Key)
		}
	}
}

func sigProblems(sigs []Sig) Invalid {
	f := &form{}
	for i, s := range sigs {
		p := "/sigs/" + strconv.Itoa(i)
		f.want(slug(s.ID), p+"/id", "slug", "the id of a seat, or "+LogSigner)
		f.want(len(s.Sig) == 88 && !strings.ContainsAny(s.Sig, "\r\n"), p+"/sig", "signature", "64 bytes in base64")
		f.want(i == 0 || compareSigs(sigs[i-1], s) < 0, p, "order", "signatures are sorted and distinct")
	}
	return f.bad
}

func compareSigs(a, b Sig) int {
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	return strings.Compare(a.Sig, b.Sig)
}

// form collects problems, so that an editor can mark every field at once.
type form struct{ bad Invalid }

func (f *form) want(ok bool, pointer, rule, message string) {
	if !ok {
		f.bad = append(f.bad, Problem{pointer, rule, message})
	}
}

func (f *form) each(pointer string, list []string, ok func(string) bool, rule, message string) {
	seen := map[string]bool{}
	for i, s := range list {
		p := pointer + "/" + strconv.Itoa(i)
		f.want(ok(s), p, rule, message)
		f.want(!seen[s], p, "unique", "named twice")
		seen[s] = true
	}
}

func slug(s string) bool {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size && s == strings.ToLower(s)
}

// isTime accepts only what the layout itself would write.
func isTime(layout, s string) bool {
	t, err := time.Parse(layout, s)
	return err == nil && t.Format(layout) == s
}

func isUUID4(s string) bool {
	if len(s) != 36 || s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 1000 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && !strings.Contains(s, "#")
}

func hostName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) > 63 || !slugLabel(label) {
			return false
		}
	}
	return true
}

// slugLabel is a DNS label: unlike a slug it may hold "--", as in xn--….
func slugLabel(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// ageRecipient is the outer shape only; whoever encrypts to it parses it in earnest.
func ageRecipient(s string) bool {
	rest, ok := strings.CutPrefix(s, "age1")
	if !ok || len(rest) < 20 || len(s) > 4096 {
		return false
	}
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// text is UTF-8 without control characters; lines allows line feeds.
func text(s string, max int, lines bool) bool {
	if strings.TrimSpace(s) == "" || len(s) > max || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && (!lines || r != '\n') {
			return false
		}
	}
	return true
}
