package c2sp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrPolicy means that text is not a policy. Every *PolicyError is one.
var ErrPolicy = errors.New("c2sp: malformed policy")

// PolicyError is what is wrong with a policy, and where.
type PolicyError struct {
	Line, Column int // both count from 1; columns are bytes
	Message      string
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Unwrap makes every PolicyError an ErrPolicy.
func (e *PolicyError) Unwrap() error { return ErrPolicy }

// QuorumNone is the quorum that no cosignature is needed for.
const QuorumNone = "none"

// Policy is a trust policy in the language of c2sp.org/tlog-policy: which logs and witnesses are known, and which sets of
// witnesses are enough. Names are opaque octets. ParsePolicy returns only sound ones: every name is defined once and before
// it is used, is a member of at most one group, and every threshold can be reached.
type Policy struct {
	Logs      []PolicyLog
	Witnesses []PolicyWitness
	Groups    []PolicyGroup // a group's members are witnesses and groups before it
	Quorum    string        // a witness, a group or QuorumNone
}

// PolicyLog is a known log.
type PolicyLog struct {
	Key VKey   // of type AlgEd25519
	URL string // "" when the policy says none
}

// PolicyWitness is a known witness.
type PolicyWitness struct {
	Name string // inside the policy; the key has its own
	Key  VKey   // of type AlgCosignature
	URL  string // submission prefix of tlog-witness; "" when the policy says none
}

// PolicyGroup counts as a witness when K of its members do; 1 ≤ K ≤ len(Members).
type PolicyGroup struct {
	Name    string
	K       int
	Members []string
}

// ParsePolicy reads a policy; the error is a *PolicyError. The time it takes is linear in the text, whose length is the
// caller's to bound.
func ParsePolicy(text string) (Policy, error) {
	p := policyParser{names: map[string]bool{QuorumNone: true}, member: map[string]bool{}, logs: map[string]bool{}, witnesses: map[string]bool{}}
	for text != "" {
		line, rest, ended := strings.Cut(text, "\n")
		p.line++
		if err := p.read(line); err != nil {
			return Policy{}, err
		}
		if text = rest; !ended {
			return Policy{}, p.at(len(line)+1, "the last line is not ended by a line feed")
		}
	}
	if p.out.Quorum == "" {
		p.line++
		return Policy{}, p.at(1, "there is no quorum line")
	}
	return p.out, nil
}

type policyParser struct {
	out       Policy
	line      int
	names     map[string]bool // defined so far
	member    map[string]bool // of a group so far
	logs      map[string]bool // key material
	witnesses map[string]bool
}

// word is one item of a line and its column.
type word struct {
	text   string
	column int
}

func (p *policyParser) at(column int, message string) error {
	return &PolicyError{p.line, column, message}
}

func (p *policyParser) read(line string) error {
	for i := 0; i < len(line); i++ {
		if c := line[i]; c != '\t' && c < 0x20 || c == 0x7f {
			return p.at(i+1, "a control character")
		}
	}
	words := splitWords(line)
	if len(words) == 0 || words[0].text[0] == '#' {
		return nil
	}
	args := words[1:]
	few := func(least, most int, form string) error {
		if len(args) < least {
			return p.at(len(line)+1, "a word is missing: "+form)
		}
		if most > 0 && len(args) > most {
			return p.at(args[most].column, "a word too many: "+form)
		}
		return nil
	}
	switch words[0].text {
	case "log":
		if err := few(1, 2, "log <vkey> [<url>]"); err != nil {
			return err
		}
		return p.log(args)
	case "witness":
		if err := few(2, 3, "witness <name> <vkey> [<url>]"); err != nil {
			return err
		}
		return p.witness(args)
	case "group":
		if err := few(3, 0, "group <name> <number|any|all> <member>…"); err != nil {
			return err
		}
		return p.group(args)
	case "quorum":
		if err := few(1, 1, "quorum <name|none>"); err != nil {
			return err
		}
		return p.quorum(words[0], args[0])
	}
	return p.at(words[0].column, "a line begins with log, witness, group, quorum or #")
}

func (p *policyParser) log(args []word) error {
	key, err := p.key(args[0], AlgEd25519, p.logs)
	if err != nil {
		return err
	}
	p.out.Logs = append(p.out.Logs, PolicyLog{key, optional(args, 1)})
	return nil
}

func (p *policyParser) witness(args []word) error {
	if err := p.define(args[0]); err != nil {
		return err
	}
	key, err := p.key(args[1], AlgCosignature, p.witnesses)
	if err != nil {
		return err
	}
	p.out.Witnesses = append(p.out.Witnesses, PolicyWitness{args[0].text, key, optional(args, 2)})
	return nil
}

func (p *policyParser) group(args []word) error {
	g := PolicyGroup{Name: args[0].text}
	n := len(args) - 2
	switch k := args[1]; k.text {
	case "any":
		g.K = 1
	case "all":
		g.K = n
	default:
		v, ok := decimal(k.text, uint64(n))
		if !ok || v == 0 {
			return p.at(k.column, fmt.Sprintf("the threshold is any, all or a number from 1 to %d", n))
		}
		g.K = int(v)
	}
	for _, m := range args[2:] {
		switch {
		case m.text == QuorumNone || !p.names[m.text]:
			return p.at(m.column, "no witness or group of this name stands above")
		case p.member[m.text]:
			return p.at(m.column, "a member of a group already")
		}
		p.member[m.text] = true
		g.Members = append(g.Members, m.text)
	}
	// The group's own name is defined after its members, so that it cannot be one of them.
	if err := p.define(args[0]); err != nil {
		return err
	}
	p.out.Groups = append(p.out.Groups, g)
	return nil
}

func (p *policyParser) quorum(keyword, name word) error {
	switch {
	case p.out.Quorum != "":
		return p.at(keyword.column, "a second quorum line")
	case !p.names[name.text]:
		return p.at(name.column, "no witness or group of this name stands above")
	}
	p.out.Quorum = name.text
	return nil
}

func (p *policyParser) define(name word) error {
	if p.names[name.text] {
		return p.at(name.column, "the name is taken")
	}
	p.names[name.text] = true
	return nil
}

// key reads a verifier key of one type; two are duplicates when the key is one, whatever it is named.
func (p *policyParser) key(w word, alg byte, seen map[string]bool) (VKey, error) {
	k, err := ParseVKey(w.text)
	if err != nil {
		return VKey{}, p.at(w.column, strings.TrimPrefix(err.Error(), "c2sp: "))
	}
	if k.Alg != alg {
		return VKey{}, p.at(w.column, fmt.Sprintf("a key of type %d where type %d is wanted", k.Alg, alg))
	}
	if seen[string(k.Key)] {
		return VKey{}, p.at(w.column, "this key stands above already")
	}
	seen[string(k.Key)] = true
	return k, nil
}

func optional(args []word, i int) string {
	if i < len(args) {
		return args[i].text
	}
	return ""
}

// splitWords knows no white space but space and tab: other Unicode spaces are part of a name.
func splitWords(line string) []word {
	var out []word
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		out = append(out, word{line[start:i], start + 1})
	}
	return out
}

// String is the policy in the language, one spelling for each meaning: definitions in their order, logs first.
func (p Policy) String() string {
	var b strings.Builder
	line := func(words ...string) {
		b.WriteString(strings.TrimRight(strings.Join(words, " "), " ") + "\n")
	}
	for _, l := range p.Logs {
		line("log", l.Key.String(), l.URL)
	}
	for _, w := range p.Witnesses {
		line("witness", w.Name, w.Key.String(), w.URL)
	}
	for _, g := range p.Groups {
		line(append([]string{"group", g.Name, strconv.Itoa(g.K)}, g.Members...)...)
	}
	line("quorum", p.Quorum)
	return b.String()
}

// Satisfied says whether the witnesses that have cosigned are enough.
func (p Policy) Satisfied(cosigned func(PolicyWitness) bool) bool {
	if p.Quorum == QuorumNone {
		return true
	}
	counts := map[string]bool{}
	for _, w := range p.Witnesses {
		counts[w.Name] = cosigned(w)
	}
	for _, g := range p.Groups { // members stand above, so one pass is enough
		n := 0
		for _, m := range g.Members {
			if counts[m] {
				n++
			}
		}
		counts[g.Name] = n >= g.K
	}
	return counts[p.Quorum]
}

// Fewest is the smallest number of witnesses that can satisfy the policy.
func (p Policy) Fewest() int {
	cost := map[string]int{QuorumNone: 0}
	for _, w := range p.Witnesses {
		cost[w.Name] = 1
	}
	for _, g := range p.Groups {
		each := make([]int, len(g.Members))
		for i, m := range g.Members {
			each[i] = cost[m]
		}
		slices.Sort(each)
		for _, c := range each[:g.K] {
			cost[g.Name] += c
		}
	}
	return cost[p.Quorum]
}

// Splits says whether two sets of witnesses that share none can each satisfy the policy, so that witnesses alone do not
// rule out two views.
func (p Policy) Splits() bool {
	splits := map[string]bool{QuorumNone: true}
	for _, g := range p.Groups {
		// A member that splits counts for both sides, any other for one of them.
		both := 0
		for _, m := range g.Members {
			if splits[m] {
				both++
			}
		}
		splits[g.Name] = 2*g.K <= len(g.Members)+both
	}
	return splits[p.Quorum]
}
