package main

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/internal/program"
)

// A record that was put piece by piece, by several organisations, is put together in the browser; and a server that shows another
// one is found out.
func TestOwnProofInTheBrowser(t *testing.T) {
	p := openPublisher(t, kitOptions{})
	id := p.reserve(t)
	p.publish(t, "secretariat", id, "once", program.WantNone)
	p.enrich(t, id, "seen")
	p.publish(t, "acme", id, "twice", program.WantOne)
	node := &browsed{kitNode: p.kitNode}
	b := browsertest.Open(t, http.Handler(node))
	r := &reader{browsed: node, b: b, scripts: true, lang: "en"}
	open := func() string {
		b.Go(t, "/verify?id="+id)
		b.Until(t, `document.getElementById("verify").dataset.verdict`)
		return b.Eval(t, `document.getElementById("verify").dataset.verdict`).(string)
	}
	b.Go(t, "/verify?lang=en")
	b.Do(t, chromedp.SendKeys("#list", p.chain.ListID()+kb.Enter))
	holds := func(what string) {
		t.Helper()
		if got := open(); got != "proved" || r.steps(t) != "proof=ok charter=ok signature=ok leaf=ok path=ok body=ok record=ok" {
			t.Errorf("%s: %s, %s; %s", what, got, r.steps(t), b.Text(t, "#result"))
		}
	}
	holds("published")
	for _, lie := range [][2]string{{"twice", "thrice"}, {p.callers["acme"].Org, p.callers["adp"].Org}, {`"dateReserved":"2`, `"dateReserved":"1`}, {`,"adp":[`, `,"x_adp":[`}, {`"5.2"`, `"5.1"`}} {
		changed := false
		change := func(raw []byte) []byte {
			lied := bytes.Replace(raw, []byte(lie[0]), []byte(lie[1]), 1)
			changed = !bytes.Equal(lied, raw)
			return lied
		}
		node.lying("/cve/", change, func() {
			if got := open(); got != "refuted" || r.steps(t) != "proof=ok charter=ok signature=ok leaf=ok path=ok body=ok record=failed" || !changed {
				t.Errorf("%s for %s: %s, %s (changed %v)", lie[1], lie[0], got, r.steps(t), changed)
			}
		})
	}
	p.reject(t, id)
	holds("rejected")
	p.publish(t, "acme", id, "again", program.WantOne)
	p.enrich(t, id, "seen again")
	holds("brought back")
	if err := erase(p.node, leafOf(t, p, id)); err != nil {
		t.Fatal(err)
	}
	if got := open(); got != "proved" || r.steps(t) != "proof=ok charter=ok signature=ok leaf=ok path=ok body=skipped record=skipped" {
		t.Errorf("erased: %s, %s", got, r.steps(t))
	}
}

// leafOf is the leaf of a record's newest version.
func leafOf(t *testing.T, p *publisher, id string) int64 {
	t.Helper()
	v, err := p.catalogue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return v.Index
}
