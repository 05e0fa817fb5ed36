package sim

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// Signatures on checkpoints and seals are a keyed hash here, not Ed25519: a schedule makes thousands, and what is looked for are
// mistakes in the rules, not in a curve. Nobody in the simulation forges one, as nobody outside can. Charters are signed and checked
// in earnest; their checks are remembered.

// tag is the keyed hash of a text.
func tag(secret uint64, text string) uint64 {
	h := secret ^ 0xcbf29ce484222325
	for len(text) >= 8 {
		h = mix(h ^ uint64(text[0]) ^ uint64(text[1])<<8 ^ uint64(text[2])<<16 ^ uint64(text[3])<<24 ^ uint64(text[4])<<32 ^
			uint64(text[5])<<40 ^ uint64(text[6])<<48 ^ uint64(text[7])<<56)
		text = text[8:]
	}
	for i := 0; i < len(text); i++ {
		h = mix(h ^ uint64(text[i]))
	}
	return h
}

// mix spreads the bits of a word (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// cosigner is the key of a mirror or witness.
type cosigner struct {
	vkey   c2sp.VKey
	text   string // vkey as text
	secret uint64
}

func (c *cosigner) VKey() c2sp.VKey { return c.vkey }

func (c *cosigner) sign(text string, at time.Time) (c2sp.Line, error) {
	t := uint64(max(at.Unix(), 0))
	sig := binary.BigEndian.AppendUint64(nil, t)
	return c2sp.Line{Name: c.vkey.Name, Hash: c.vkey.Hash, Sig: binary.BigEndian.AppendUint64(sig, tag(c.secret^t, text))}, nil
}

func (c *cosigner) Cosign(text string, at time.Time) (c2sp.Line, error) { return c.sign(text, at) }
func (c *cosigner) State(text string, at time.Time) (c2sp.Line, error)  { return c.sign(text, at) }

// Name, KeyHash and Check make it a continuity.Verifier too.
func (c *cosigner) Name() string    { return c.vkey.Name }
func (c *cosigner) KeyHash() uint32 { return c.vkey.Hash }

var errTag = errors.New("sim: wrong tag")

func (c *cosigner) Check(text string, l c2sp.Line) (time.Time, error) {
	if l.Hash != c.vkey.Hash || len(l.Sig) != 16 {
		return time.Time{}, errTag
	}
	t := binary.BigEndian.Uint64(l.Sig)
	if binary.BigEndian.Uint64(l.Sig[8:]) != tag(c.secret^t, text) {
		return time.Time{}, errTag
	}
	return time.Unix(int64(t), 0).UTC(), nil
}

// logKey signs checkpoints of one epoch.
type logKey struct {
	name   string
	hash   uint32
	secret uint64
}

func (k *logKey) Name() string    { return k.name }
func (k *logKey) KeyHash() uint32 { return k.hash }
func (k *logKey) Verify(msg, sig []byte) bool {
	return len(sig) == 8 && binary.BigEndian.Uint64(sig) == tag(k.secret, string(msg))
}

func (k *logKey) sign(text string) []byte {
	l := c2sp.Line{Name: k.name, Hash: k.hash, Sig: binary.BigEndian.AppendUint64(nil, tag(k.secret, text))}
	return c2sp.Note{Text: text, Lines: []c2sp.Line{l}}.Bytes()
}

// seed is the private key number n of a use.
func seed(use string, n int) ed25519.PrivateKey {
	var raw [ed25519.SeedSize]byte
	copy(raw[:], fmt.Sprintf("%s %d", use, n))
	return ed25519.NewKeyFromSeed(raw[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// kit is what the worlds of one worker share: keys, charters that were made before and what became of them. It belongs to one
// goroutine; the documents come from a press that all share.
type kit struct {
	rules     continuity.Rules
	off       mutant.Mutant
	cosigners map[string]*cosigner // by verifier key
	logs      map[string]*logKey   // by origin
	extended  map[extension]extended
	press     *press
}

type extension struct {
	chain *charter.Chain
	doc   *charter.Document
}

type extended struct {
	chain *charter.Chain
	err   error
}

func newKit(p *press, off mutant.Mutant) *kit {
	k := &kit{off: off, cosigners: map[string]*cosigner{}, logs: map[string]*logKey{}, extended: map[extension]extended{}, press: p}
	for _, name := range []string{"m", "w", "x"} {
		for i := range 40 {
			c := p.cosigner(name, i)
			k.cosigners[c.text] = c
		}
	}
	k.rules = continuity.Sim(off, func(d *charter.Document) note.Verifier { return k.logKey(d.Origin()) }, k.verifier, k.extend)
	return k
}

func (k *kit) verifier(vkey string) (continuity.Verifier, error) {
	if c := k.cosigners[vkey]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("sim: no such key as %s", vkey)
}

func (k *kit) logKey(origin string) *logKey {
	l := k.logs[origin]
	if l == nil {
		h := tag(7, origin)
		l = &logKey{origin, uint32(h), mix(h)}
		k.logs[origin] = l
	}
	return l
}

// extend remembers what it found out. Chains that say the same are one value, so that a pointer names a chain.
func (k *kit) extend(c *charter.Chain, d *charter.Document) (*charter.Chain, error) {
	at := extension{c, d}
	if r, ok := k.extended[at]; ok {
		return r.chain, r.err
	}
	next, err := continuity.Extended(c, d)
	if err == nil || next != nil {
		next = k.press.intern(next)
	}
	k.extended[at] = extended{next, err}
	return next, err
}

// press makes charters and keeps those that any schedule may ask for again. It is shared by all workers.
type press struct {
	mu        sync.Mutex
	cosigners map[string]*cosigner
	docs      map[string]*charter.Document
	chains    map[string]*charter.Chain // by the hash of the head
}

func newPress() *press {
	return &press{cosigners: map[string]*cosigner{}, docs: map[string]*charter.Document{}, chains: map[string]*charter.Chain{}}
}

// cosigner is key number i of a kind: m mirrors, w witnesses, x strangers.
func (p *press) cosigner(kind string, i int) *cosigner {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := fmt.Sprintf("%s%d.example", kind, i+1)
	c := p.cosigners[name]
	if c == nil {
		v, err := c2sp.NewVKey(name, c2sp.AlgCosignature, public(seed(kind, i)))
		if err != nil {
			panic(err) // the names are constants
		}
		c = &cosigner{v, v.String(), mix(tag(3, name))}
		p.cosigners[name] = c
	}
	return c
}

func (p *press) intern(c *charter.Chain) *charter.Chain {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := c.Head().Hash()
	if have := p.chains[h]; have != nil {
		return have
	}
	p.chains[h] = c
	return c
}

// genesis is the chain that begins with a document.
func (p *press) genesis(d *charter.Document) *charter.Chain {
	p.mu.Lock()
	have := p.chains[d.Hash()]
	p.mu.Unlock()
	if have != nil {
		return have
	}
	c, err := charter.NewChain(d)
	if err != nil {
		panic(err) // the board signs nothing else
	}
	return p.intern(c)
}

// doc makes a document once for each name; an empty name keeps none.
func (p *press) doc(name string, make func() *charter.Document) *charter.Document {
	if name == "" {
		return make()
	}
	p.mu.Lock()
	d := p.docs[name]
	p.mu.Unlock()
	if d != nil {
		return d
	}
	d = make() // twice by two workers gives the same bytes, and one value wins
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.docs[name]; have != nil {
		return have
	}
	p.docs[name] = d
	return d
}
