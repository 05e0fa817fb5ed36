package cosign_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/edge/publish/cosign"
	"tasuki/spec/c2sp"
)

// answer is what a witness says to the nth request, and what that request must have said.
type answer struct {
	old    int64
	status int
	body   func(text string) string
}

func TestAsk(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := c2sp.NewCosigner("witness.example/w1", private)
	if err != nil {
		t.Fatal(err)
	}
	skey, _, err := note.GenerateKey(rand.Reader, "log.example/1")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	cp := c2sp.Checkpoint{Origin: "log.example/1", Size: 300, Root: tlog.Hash{7}}
	signed, err := note.Sign(&note.Note{Text: cp.String()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	good := func(text string) string {
		l, err := c.Cosign(text, time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Error(err)
		}
		return l.String()
	}
	says := func(s string) func(string) string { return func(string) string { return s } }
	other := func(string) string { return good(c2sp.Checkpoint{Origin: cp.Origin, Size: 299}.String()) }
	for _, test := range []struct {
		what    string
		answers []answer
		want    error
	}{
		{"at once", []answer{{0, 200, good}}, nil},
		{"it stood elsewhere", []answer{{0, 409, says("200\n")}, {200, 200, good}}, nil},
		{"it has all of it", []answer{{0, 409, says("300\n")}, {300, 200, good}}, nil},
		{"it is ahead", []answer{{0, 409, says("301\n")}}, cosign.ErrAhead},
		{"another root", []answer{{0, 409, says("300\n")}, {300, 409, says("300\n")}}, cosign.ErrFork},
		{"the proof is wrong", []answer{{0, 409, says("200\n")}, {200, 422, says("")}}, cosign.ErrFork},
		{"it makes fun of us", []answer{{0, 409, says("1\n")}, {1, 409, says("2\n")}, {2, 409, says("3\n")}}, cosign.ErrAnswer},
		{"it signs something else", []answer{{0, 200, other}}, cosign.ErrAnswer},
		{"no line", []answer{{0, 200, says("thanks")}}, cosign.ErrAnswer},
		{"no size", []answer{{0, 409, says("many")}}, cosign.ErrAnswer},
		{"unknown log", []answer{{0, 404, says("")}}, cosign.ErrRefused},
		{"unknown key", []answer{{0, 403, says("")}}, cosign.ErrRefused},
		{"down", []answer{{0, 500, says("")}}, cosign.ErrAnswer},
	} {
		n := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			req, got, err := c2sp.ParseAddCheckpoint(raw)
			if err != nil || n >= len(test.answers) || req.Old != test.answers[n].old || got.Root != cp.Root || r.URL.Path != "/base"+c2sp.AddCheckpointPath {
				t.Errorf("%s: request %d: %+v %v at %s", test.what, n, req, err, r.URL.Path)
				http.Error(w, "", http.StatusTeapot)
				return
			}
			if (req.Old > 0 && req.Old < cp.Size) != (len(req.Proof) == 1) {
				t.Errorf("%s: %d hashes of proof from %d", test.what, len(req.Proof), req.Old)
			}
			a := test.answers[n]
			n++
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body(got.String()))
		}))
		w := c2sp.PolicyWitness{Name: "w1", Key: c.VKey(), URL: server.URL + "/base/"}
		prove := func(context.Context, int64, int64) (tlog.TreeProof, error) { return make(tlog.TreeProof, 1), nil }
		line, when, err := cosign.New(server.Client()).Ask(t.Context(), w, cp, signed, prove)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || n != len(test.answers) {
			t.Errorf("%s: %v after %d requests, want %v after %d", test.what, err, n, test.want, len(test.answers))
		}
		if err == nil && (line.Name != "witness.example/w1" || when.Unix() != 1_700_000_000) {
			t.Errorf("%s: %+v at %v", test.what, line, when)
		}
		server.Close()
	}
}
