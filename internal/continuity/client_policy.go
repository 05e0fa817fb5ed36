package continuity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"tasuki/internal/charter"
	"tasuki/spec/c2sp"
)

// ErrPolicy means that text is not a client's policy.
var ErrPolicy = errors.New("continuity: not a client's policy")

// ClientPolicy is what the owner of a client has decided beforehand. The zero value holds at every conflict. As text, a line each,
// # begins a comment:
//
//	on_conflict = hold
//	on_conflict = prefer <hash of a charter, or verifier key of an operator's log>
//	follow = <list id>[, <list id>…]
type ClientPolicy struct {
	Prefer string   // "" holds
	Follow []string // list ids; nil says nothing
}

// prefers says that the policy names this charter.
func (p ClientPolicy) prefers(d *charter.Document) bool {
	return p.Prefer != "" && (p.Prefer == d.Hash() || p.Prefer == d.VKey())
}

// String is the policy as text.
func (p ClientPolicy) String() string {
	text := "on_conflict = hold\n"
	if p.Prefer != "" {
		text = "on_conflict = prefer " + p.Prefer + "\n"
	}
	if len(p.Follow) > 0 {
		text += "follow = " + strings.Join(p.Follow, ", ") + "\n"
	}
	return text
}

// ParseClientPolicy reads a policy. Errors wrap ErrPolicy and name the line.
func ParseClientPolicy(text string) (ClientPolicy, error) {
	var p ClientPolicy
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		bad := func(why string) (ClientPolicy, error) {
			return ClientPolicy{}, fmt.Errorf("%w: line %d: %s", ErrPolicy, n, why)
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || seen[key] {
			return bad("not a setting, or one that stands above")
		}
		seen[key] = true
		switch key {
		case "on_conflict":
			word, what, _ := strings.Cut(value, " ")
			what = strings.TrimSpace(what)
			switch {
			case word == "hold" && what == "":
			case word == "prefer" && preferable(what):
				p.Prefer = what
			default:
				return bad("hold, or prefer and a charter's hash or an operator's verifier key")
			}
		case "follow":
			for id := range strings.SplitSeq(value, ",") {
				id = strings.TrimSpace(id)
				if !isHex64(id) {
					return bad("list ids are 64 lower-case hex digits")
				}
				p.Follow = append(p.Follow, id)
			}
		default:
			return bad("no such setting")
		}
	}
	return p, nil
}

func preferable(what string) bool {
	if isHex64(what) {
		return true
	}
	k, err := c2sp.ParseVKey(what)
	return err == nil && k.Alg == c2sp.AlgEd25519
}

func isHex64(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && strings.ToLower(s) == s
}
