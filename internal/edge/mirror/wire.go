package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What copies of a list say to each other, from the asker's side (docs/protocols/relay.md).

// pending is the newest checkpoint that the log signed, if its size is above after; nil after waiting in vain.
func (p *Peer) pending(ctx context.Context, after int64, wait time.Duration) ([]byte, error) {
	path := "/pending"
	if after >= 0 {
		path += fmt.Sprintf("?after=%d&wait=%d", after, int((wait+time.Second-1)/time.Second))
	}
	return p.get(ctx, path, maxNote)
}

// checkpoint is the newest published checkpoint.
func (p *Peer) checkpoint(ctx context.Context) ([]byte, error) {
	return p.get(ctx, "/checkpoint", maxNote)
}

// cosign hands a mirror's line over.
func (p *Peer) cosign(ctx context.Context, note []byte) error {
	_, _, err := p.ask(ctx, http.MethodPost, "/cosign", note, maxComplain)
	return err
}

// charters are the paths of every charter that the peer has, in its order.
func (p *Peer) charters(ctx context.Context) ([]string, error) {
	raw, err := p.get(ctx, "/charter/", maxList)
	if err != nil {
		return nil, err
	}
	var list struct {
		Charters []string `json:"charters"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%w: list of charters: %w", ErrAnswer, err)
	}
	for _, path := range list.Charters {
		if name, ok := strings.CutPrefix(path, "/charter/"); !ok || strings.ContainsAny(name, "/?#%") {
			return nil, fmt.Errorf("%w: list of charters: a path of another kind", ErrAnswer)
		}
	}
	return list.Charters, nil
}

// charter is a document.
func (p *Peer) charter(ctx context.Context, path string) ([]byte, error) {
	return p.get(ctx, path, maxCharter)
}

// offer hands a charter over. That it is known there already, or that something before it is missing, is no error.
func (p *Peer) offer(ctx context.Context, document []byte) error {
	_, _, err := p.ask(ctx, http.MethodPost, "/charter/", document, maxComplain)
	var s *Status
	if errors.As(err, &s) && s.Code == http.StatusConflict {
		return nil
	}
	return err
}

// escrow asks for ciphertexts with a signed request.
func (p *Peer) escrow(ctx context.Context, request []byte) ([]byte, error) {
	raw, _, err := p.ask(ctx, http.MethodPost, "/escrow", request, maxPart)
	return raw, err
}

// version reads "<v>-<hash8>" out of a charter's path; 0 for another form.
func version(path string) int64 {
	name := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".json")
	v, hash, ok := strings.Cut(name, "-")
	n, err := strconv.ParseInt(v, 10, 64)
	if !ok || err != nil || n < 1 || len(hash) != 8 {
		return 0
	}
	return n
}

// sameServer says whether two base URLs are of one server as far as their text says.
func sameServer(a, b string) bool {
	x, err := url.Parse(strings.TrimRight(a, "/"))
	if err != nil {
		return false
	}
	y, err := url.Parse(strings.TrimRight(b, "/"))
	return err == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host) && x.Path == y.Path
}
