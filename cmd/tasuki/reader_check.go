package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/tiles"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// ClientCheckCmd is `tasuki client check`, the thin mode.
type ClientCheckCmd struct {
	ID    []string `arg:"" optional:"" name:"id" help:"Identifiers of records."`
	List  string   `required:"" placeholder:"ID" help:"Id of the list, 64 hex digits: the one thing that is believed."`
	From  string   `placeholder:"URL" help:"Server to fetch proofs and records from. Nothing that it says is believed."`
	Proof []string `type:"existingfile" placeholder:"FILE" help:"A proof file that is here already, as GET /proof/{id} gives it; then nobody is asked."`
	JSON  bool     `name:"json" help:"Print one line of JSON for each record."`
	AllowTest
}

// Run proves each record by itself. It says where in the log a record stands, never that nothing newer does: only a full copy knows that.
func (c *ClientCheckCmd) Run(ctx context.Context, p *Program) error {
	list := strings.ToLower(c.List)
	switch {
	case !isListID(list):
		return errors.New("--list: the id of a list has 64 hex digits")
	case len(c.ID) == 0 && len(c.Proof) == 0:
		return errors.New("name records, or give --proof")
	case len(c.ID) > 0 && c.From == "":
		return errors.New("say with --from which server has the proofs")
	}
	var failed []error
	for _, name := range c.Proof {
		file, err := readBounded(name, maxProofFile)
		if err == nil {
			err = c.check(p, list, "", file, nil, nil)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(c.ID) > 0 {
		x, err := elsewhere(c.From)
		if err != nil {
			return err
		}
		for _, id := range c.ID {
			id = strings.ToUpper(id)
			if err := c.ask(ctx, p, x, list, id); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", id, err))
			}
		}
	}
	if len(failed) == 0 && !c.JSON {
		fmt.Fprintln(p.Stderr, "verified: logged at these indexes; whether anything newer is known, a single proof cannot say (tasuki client follow can)")
	}
	return errors.Join(failed...)
}

// ask fetches a record with its proof. The proof is of the record as it was a moment ago or later, so a difference is tried once more.
func (c *ClientCheckCmd) ask(ctx context.Context, p *Program, x *session, list, id string) (err error) {
	body := func(path string) ([]byte, error) { return x.fetch(ctx, path, maxProofFile) }
	for range 2 {
		var file, record []byte
		var header http.Header
		if file, header, err = x.fetchHeader(ctx, "/proof/"+url.PathEscape(id), maxProofFile); err != nil {
			return err
		}
		version := versionProved(id, header)
		if record, err = x.fetch(ctx, version, maxProofFile); err != nil {
			return err
		}
		err = c.check(p, list, id, file, record, body)
		if err == nil && header.Get(tiles.Older) != "" {
			fmt.Fprintf(p.Stderr, "%s: the server shows a newer version, which no published checkpoint covers yet; what is proved is %s\n", id, version)
		}
		if !errors.Is(err, errOther) && !errors.Is(err, ledger.ErrBody) {
			return err
		}
	}
	return err
}

// versionProved is where the version is that a proof with this header is of: the current one, or the one of an earlier size of the log.
func versionProved(id string, proof http.Header) string {
	path := "/cve/" + url.PathEscape(id) + ".json"
	if size := proof.Get(tiles.Older); size != "" {
		path += "?size=" + url.QueryEscape(size)
	}
	return path
}

// fetch reads an answer of at most limit bytes.
func (x *session) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	raw, _, err := x.fetchHeader(ctx, path, limit)
	return raw, err
}

func (x *session) fetchHeader(ctx context.Context, path string, limit int64) ([]byte, http.Header, error) {
	resp, err := x.get(ctx, path, nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s: the answer is longer than %s", path, bytesText(limit))
	}
	return raw, resp.Header, err
}

// check verifies one proof and says what it proves. record and body may be nil; body fetches what stands beside a leaf and is not in the record.
func (c *ClientCheckCmd) check(p *Program, list, id string, file, record []byte, body func(path string) ([]byte, error)) error {
	v, err := c.verifyProof(file, list)
	if err != nil {
		return err
	}
	proved, err := readParts(v.Parts)
	if err != nil {
		return err
	}
	if id != "" && (len(proved.puts) == 0 && proved.base == nil || proved.id() != id) {
		return fmt.Errorf("%w: the proof is of something else", errParts)
	}
	if record != nil && body != nil {
		if err := proved.complete(record, body); err != nil {
			return err
		}
	}
	made, err := proved.made(record)
	if err != nil {
		return err
	}
	leaves := make([]provedLeaf, len(v.Parts))
	for i, part := range v.Parts {
		if leaves[i], err = describePart(part); err != nil {
			return err
		}
	}
	if c.JSON {
		return p.json(struct {
			List    string       `json:"list"`
			ID      string       `json:"id,omitzero"`
			Charter int64        `json:"charter"` // newest in the proof
			Leaves  []provedLeaf `json:"leaves"`
			Record  *madeRecord  `json:"record,omitzero"`
		}{v.ListID, id, v.chain.Head().Charter().V, leaves, made})
	}
	for i, l := range leaves {
		fmt.Fprintf(p.Stdout, "%s %s: logged at index %d on %s, by %s\n", l.ID, l.Role, l.Index, l.Logged, supporters(v.verdicts[i]))
	}
	if made != nil {
		fmt.Fprintln(p.Stdout, made)
	}
	return nil
}

// complete takes the record's parts, and fetches the bodies that it does not show.
func (r *provedRecord) complete(record []byte, body func(path string) ([]byte, error)) error {
	if err := r.takeFrom(record); err != nil {
		return err
	}
	if r.base != nil && len(r.puts) == 0 {
		return nil // the record is the body
	}
	missing, erased := r.missing()
	if erased {
		return nil
	}
	for _, path := range missing {
		raw, err := body(path)
		if err == nil {
			err = r.take(raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// supporters says who vouches for a checkpoint.
func supporters(v continuity.Verdict) string {
	witnesses := 0
	for _, w := range v.Witnesses {
		if !w.At.IsZero() {
			witnesses++
		}
	}
	text := fmt.Sprintf("the checkpoint of %s leaves", thousands(v.Checkpoint.Size))
	if len(v.Mirrors)+len(v.Witnesses) == 0 {
		return text + " of a log that nobody else cosigns"
	}
	return fmt.Sprintf("%s with %d of %d mirrors and %d of %d witnesses", text, v.Counted, len(v.Mirrors), witnesses, len(v.Witnesses))
}

// verifiedProof is a proof whose checkpoints count under the charters that it brings.
type verifiedProof struct {
	*ledger.Verified
	chain    *charter.Chain
	verdicts []continuity.Verdict // of the parts' checkpoints
}

// verifyProof checks a proof file: leaves, paths, log signatures, and that each checkpoint has the quorum of its epoch's charter. A checkpoint that only
// the log has signed proves nothing to anybody: mirrors may have refused it.
func (a AllowTest) verifyProof(file []byte, list string) (*verifiedProof, error) {
	out := &verifiedProof{}
	verified, err := ledger.VerifyProof(file, ledger.ProofOptions{ListID: list, Trust: func(charters [][]byte) (string, note.Verifiers, error) {
		id, keys, err := a.trustChain(charters)
		if err == nil {
			out.chain, err = charter.ParseChain(charters...)
		}
		return id, keys, err
	}})
	if err != nil {
		return nil, err
	}
	out.Verified = verified
	proofs, err := c2sp.ParseProofs(file, len(verified.Parts))
	if err != nil {
		return nil, err
	}
	for i, proof := range proofs {
		v, err := countedBy(out.chain, verified.Parts[i].Checkpoint.Origin, proof.Checkpoint)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		out.verdicts = append(out.verdicts, v)
	}
	return out, nil
}

// countedBy counts a published note under the newest charter of its origin.
func countedBy(chain *charter.Chain, origin string, signed []byte) (continuity.Verdict, error) {
	docs := chain.Documents()
	for i := len(docs) - 1; i >= 0; i-- {
		if docs[i].Origin() != origin {
			continue
		}
		q, err := continuity.QuorumOf(docs[i])
		if err != nil {
			return continuity.Verdict{}, err
		}
		v := q.Check(signed)
		return v, v.Reason()
	}
	return continuity.Verdict{}, continuity.ErrOrigin
}
