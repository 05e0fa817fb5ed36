package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/durable"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/edge/serve/front"
	"tasuki/internal/edge/serve/witness"
	"tasuki/spec/c2sp"
)

// WitnessServeCmd is `tasuki witness serve`.
type WitnessServeCmd struct {
	Key   string   `required:"" type:"existingfile" placeholder:"FILE" help:"The witness's key (tasuki witness keygen)."`
	State string   `required:"" type:"path" placeholder:"DIR" help:"Where the witness remembers what it cosigned. Losing it and going on with the same key would be to forget a promise."`
	List  []string `placeholder:"ID" help:"Id of a list, 64 hex digits. Its charters say which log keys count, also those of epochs to come."`
	From  []string `placeholder:"URL" help:"Servers to fetch charters from; what they say is proven."`
	Log   []string `placeholder:"VKEY" help:"Verifier key of a log that has no charter."`
	Network
}

// Run serves until it is asked to stop.
func (c *WitnessServeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	k, err := charter.ReadRoleKey(c.Key, charter.RoleWitness)
	if err != nil {
		return err
	}
	cosigner, err := k.Cosigner()
	if err != nil {
		return err
	}
	if len(c.List) > 0 && len(c.From) == 0 {
		return errors.New("--list needs --from, a server to fetch the list's charters from")
	}
	if len(c.List)+len(c.Log) == 0 {
		return errors.New("name at least one log: --list with --from, or --log")
	}
	log := p.logger(s.Config)
	memory, err := witness.OpenDir(filepath.Join(c.State, "cosigned"))
	if err != nil {
		return err
	}
	logs, err := openKnownLogs(c, p.Now, log)
	if err != nil {
		return err
	}
	ln, err := front.Listening{Address: s.Listen, CertFile: s.TLS.Cert, KeyFile: s.TLS.Key, BehindProxy: len(s.TrustedProxy) > 0, Insecure: s.Insecure}.Open(ctx, p.Now)
	if err != nil {
		return err
	}
	defer ln.Close() // the door closes it too
	names := append([]string(nil), s.Hosts...)
	door := front.New(front.Options{Log: log, Now: p.Now, Rand: p.Rand, Hosts: names, BodyLimit: witness.MaxRequest,
		ReadTimeout: time.Duration(s.Limits.Read), WriteTimeout: time.Duration(s.Limits.Write)})
	w := witness.New(witness.Options{Cosigner: cosigner, Logs: logs, State: memory, Now: p.Now, Log: log})
	// It says the same to everybody, and only about logs: by what name it is called does not matter.
	door.Handle(front.Space{Prefix: c2sp.AddCheckpointPath, Surface: "witness", Handler: w, AnyHost: true})
	address := s.BaseURL
	if address == "" {
		address = baseURL(ln.Addr(), s.TLS.Cert != "")
	}
	fmt.Fprintf(p.Stdout, "%s\nwitness %s\n", address, cosigner.VKey())
	return door.Serve(ctx, time.Duration(s.Limits.Grace), ln)
}

// knownLogs are the logs that the command line names, and those of the lists' charters. A charter that is not known yet is looked for when its log comes.
type knownLogs struct {
	dir    string
	lists  []string
	from   []string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	fixed  map[string]note.Verifier
	chains map[string]*charter.Chain // by list id
	looked time.Time
	asking int  // sources that have not answered
	news   news // a source has
}

// lookEvery bounds how often strangers' origins make this witness ask others, lookPatience how long one of them may take.
const (
	lookEvery    = 2 * time.Second
	lookPatience = 20 * time.Second
)

func openKnownLogs(c *WitnessServeCmd, now func() time.Time, log *slog.Logger) (*knownLogs, error) {
	k := &knownLogs{dir: filepath.Join(c.State, "charters"), from: c.From, client: &http.Client{Timeout: 10 * time.Second}, now: now, log: log,
		fixed: map[string]note.Verifier{}, chains: map[string]*charter.Chain{}}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return nil, err
	}
	for _, id := range c.List {
		id = strings.ToLower(id)
		if !isListID(id) {
			return nil, errors.New("--list: the id of a list has 64 hex digits")
		}
		k.lists = append(k.lists, id)
		if err := k.load(id); err != nil {
			return nil, err
		}
	}
	for _, vkey := range c.Log {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("--log: %w", err)
		}
		k.fixed[v.Name()] = v
	}
	return k, nil
}

func isListID(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// load reads the charters of a list that were fetched before: one document per line.
func (k *knownLogs) load(id string) error {
	raw, err := os.ReadFile(filepath.Join(k.dir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var docs [][]byte
	for line := range strings.Lines(string(raw)) {
		docs = append(docs, []byte(strings.TrimSuffix(line, "\n")))
	}
	chain, err := charter.ParseChain(docs...)
	if err == nil && chain.ListID() != id {
		err = charter.ErrOtherList
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(k.dir, id), err)
	}
	k.chains[id] = chain
	return nil
}

// Verifier finds the key of a log. While it is not known, charters are asked for, and whoever asks here waits for them as long as it likes.
func (k *knownLogs) Verifier(ctx context.Context, origin string) (note.Verifier, bool, error) {
	for first := true; ; first = false {
		changed := k.news.next()
		k.mu.Lock()
		v, ok := k.find(origin)
		if !ok && first {
			k.look()
		}
		asking := k.asking
		k.mu.Unlock()
		if ok || asking == 0 {
			return v, ok, nil
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-changed:
		}
	}
}

// look asks every source for every list's charters, all at once: one that does not answer keeps nobody waiting, and who asked for the log may be gone
// when the answer comes. k.mu is held.
func (k *knownLogs) look() {
	if now := k.now(); k.asking > 0 || now.Sub(k.looked) < lookEvery && !now.Before(k.looked) {
		return
	}
	k.looked = k.now()
	for _, id := range k.lists {
		for _, url := range k.sources(id) {
			k.asking++
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
				defer cancel()
				chain, err := mirror.NewPeer(url, k.client).Chain(ctx, id)
				k.mu.Lock()
				if err == nil {
					err = k.keep(id, chain)
				}
				k.asking--
				k.mu.Unlock()
				if err != nil {
					k.log.Warn("charters not fetched", "source", url, "err", err)
				}
				k.news.tell()
			}()
		}
	}
}

func (k *knownLogs) find(origin string) (note.Verifier, bool) {
	if v, ok := k.fixed[origin]; ok {
		return v, true
	}
	for _, chain := range k.chains {
		for _, d := range chain.Documents() {
			if d.Origin() == origin {
				return d.Verifier(), true
			}
		}
	}
	return nil, false
}

// sources are the servers to ask about a list: those of the command line, and whoever the newest known charter names, since the former may be gone.
func (k *knownLogs) sources(id string) []string {
	out := slices.Clone(k.from)
	if chain := k.chains[id]; chain != nil {
		head := chain.Head().Charter()
		out = append(out, head.Operator.URL)
		if head.Mirrors != nil {
			for _, m := range head.Mirrors.List {
				out = append(out, m.URL)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// keep brings a list's chain forward. It only ever grows: of two valid charters of one version a witness keeps the one that came first. k.mu is held.
func (k *knownLogs) keep(id string, chain *charter.Chain) error {
	docs := chain.Documents()
	if have := k.chains[id]; have != nil {
		old := have.Documents()
		if len(docs) <= len(old) {
			return nil
		}
		if docs[len(old)-1].Hash() != old[len(old)-1].Hash() {
			return fmt.Errorf("charter %d: %w", len(old), charter.ErrSibling)
		}
	}
	var text []byte
	for _, d := range docs {
		raw, err := d.Bytes()
		if err != nil {
			return err
		}
		text = append(append(text, raw...), '\n')
	}
	if err := durable.Replace(filepath.Join(k.dir, id), text); err != nil {
		return err
	}
	k.chains[id] = chain
	return nil
}
