package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
)

// leafHashes are the RFC 6962 hashes of a bundle's entries.
func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(b.Entries))
	for i, e := range b.Entries {
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(e)
	}
	return hashes, nil
}

// damaged alters one bundle on the way.
type damaged struct{ fsck.Fetcher }

func (d damaged) ReadEntryBundle(ctx context.Context, i uint64, p uint8) ([]byte, error) {
	raw, err := d.Fetcher.ReadEntryBundle(ctx, i, p)
	if i == 0 && len(raw) > 100 {
		raw[100] ^= 1
	}
	return raw, err
}

// Tessera's checker reads our tiles and finds the tree of our checkpoint, and sees when an entry is not ours.
func TestTesseraFsck(t *testing.T) {
	address := start(t, "up", "--listen", "127.0.0.1:0")
	origin, verifier := logOf(t, address)
	root, err := url.Parse(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.NewHTTPFetcher(root, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	c := fsck.New(origin, verifier, f, leafHashes, fsck.Opts{N: 2})
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d resources, %d bytes", c.Status().ResourcesFetched, c.Status().BytesFetched)
	if err := fsck.New(origin, verifier, damaged{f}, leafHashes, fsck.Opts{N: 2}).Check(t.Context()); err == nil {
		t.Error("a damaged entry was accepted")
	}
}

// A proof of ours is read and verified by code that is not ours.
func TestProofElsewhere(t *testing.T) {
	address := start(t, "up", "--listen", "127.0.0.1:0")
	origin, verifier := logOf(t, address)
	var page struct {
		Vulnerabilities []struct{ CVE struct{ ID string } }
	}
	if err := json.Unmarshal(get(t, address+"/rest/json/cves/2.0?resultsPerPage=20"), &page); err != nil || len(page.Vulnerabilities) == 0 {
		t.Fatal("no records", err)
	}
	for _, v := range page.Vulnerabilities {
		var p tlogproof.TLogProof
		if err := p.Unmarshal(get(t, address+"/proof/"+v.CVE.ID)); err != nil {
			t.Fatalf("%s: %v", v.CVE.ID, err)
		}
		cp, _, _, err := log.ParseCheckpoint(p.Checkpoint, origin, verifier)
		if err != nil {
			t.Fatalf("%s: %v", v.CVE.ID, err)
		}
		var extra struct{ Leaf json.RawMessage }
		if err := json.Unmarshal(p.ExtraData, &extra); err != nil {
			t.Fatalf("%s: %v", v.CVE.ID, err)
		}
		path := make([][]byte, len(p.Hashes))
		for i, h := range p.Hashes {
			path[i] = h[:]
		}
		got, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, p.Index, cp.Size, rfc6962.DefaultHasher.HashLeaf(extra.Leaf), path)
		if err != nil || !bytes.Equal(got, cp.Hash) {
			t.Errorf("%s at leaf %d: root %x, want %x (%v)", v.CVE.ID, p.Index, got, cp.Hash, err)
		}
	}
}
