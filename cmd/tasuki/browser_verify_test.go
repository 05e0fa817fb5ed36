package main

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/spec/c2sp"
)

// TestLiesAreRefuted lets the server doctor each part of what a proof is made of. The page must name the step that fails, and
// never say that the proof holds.
func TestLiesAreRefuted(t *testing.T) {
	if testing.Short() {
		t.Skip("lies to a browser in twenty ways")
	}
	node := openBrowsed(t, "")
	b := browsertest.Open(t, node)
	r := &reader{browsed: node, b: b, scripts: true, lang: "en"}
	open := func(path string) string {
		b.Go(t, path)
		b.Until(t, `document.getElementById("verify").dataset.verdict`)
		return b.Eval(t, `document.getElementById("verify").dataset.verdict`).(string)
	}
	b.Go(t, "/verify?lang=en")
	b.Do(t, chromedp.SendKeys("#list", node.chain.ListID()+kb.Enter))

	for _, path := range []string{"/verify?id=" + browsedID, "/verify?leaf=0", "/verify?leaf=300"} {
		if got := open(path); got != "proved" {
			t.Errorf("%s without a lie: %s, %s", path, got, r.steps(t))
		}
	}
	if got := open("/verify?id=CVE-2024-99999"); got != "absent" {
		t.Errorf("a record that is not there: %s", got)
	}

	parts := func(change func(p *c2sp.Proof)) func([]byte) []byte {
		return func(file []byte) []byte {
			proofs, err := c2sp.ParseProofs(file, 9)
			if err != nil {
				t.Errorf("the proof to doctor: %v", err)
				return file
			}
			change(&proofs[0])
			var out []byte
			for _, p := range proofs {
				out = p.Append(out)
			}
			return out
		}
	}
	swap := func(old, new string) func(p *c2sp.Proof) {
		return func(p *c2sp.Proof) {
			if !bytes.Contains(p.Extra, []byte(old)) {
				t.Errorf("the proof does not hold %s", old)
			}
			p.Extra = bytes.Replace(p.Extra, []byte(old), []byte(new), 1)
		}
	}
	for _, lie := range []struct {
		name, prefix, fails string
		change              func([]byte) []byte
	}{
		{"no proof at all", "/proof/", "proof", func([]byte) []byte { return []byte("trust me") }},
		{"a cut file", "/proof/", "proof", func(f []byte) []byte { return f[:len(f)-100] }},
		{"not base64", "/proof/", "proof", func(f []byte) []byte { return bytes.Replace(f, []byte("\nextra "), []byte("\nextra !"), 1) }},
		{"extra members in another order", "/proof/", "proof", parts(swap(`"role":"base"`, `"aaaa":1,"role":"base"`))},
		{"a charter changed", "/proof/", "charter", parts(swap(`"list_name":"cve"`, `"list_name":"evc"`))},
		{"the board's signature gone", "/proof/", "charter", parts(swap(`"sigs":[{"id":"b1"`, `"sigs":[{"id":"b2"`))},
		{"no charters", "/proof/", "charter", parts(swap(`"charters":[`, `"charterz":[`))},
		{"the size", "/proof/", "signature", parts(func(p *c2sp.Proof) { p.Checkpoint = bytes.Replace(p.Checkpoint, []byte("\n5"), []byte("\n6"), 1) })},
		{"the signature", "/proof/", "signature", parts(func(p *c2sp.Proof) {
			at := bytes.LastIndexByte(bytes.TrimSpace(p.Checkpoint), ' ') + 1
			raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(p.Checkpoint[at:])))
			if err != nil {
				t.Error(err)
				return
			}
			raw[len(raw)-40] ^= 1
			p.Checkpoint = append(p.Checkpoint[:at:at], base64.StdEncoding.EncodeToString(raw)+"\n"...)
		})},
		{"another key's name", "/proof/", "signature", parts(func(p *c2sp.Proof) {
			p.Checkpoint = bytes.ReplaceAll(p.Checkpoint, []byte("/1-"), []byte("/2-"))
		})},
		{"another record", "/proof/", "leaf", parts(swap(`"id":"`+browsedID+`"`, `"id":"CVE-2024-4878"`))},
		{"another list", "/proof/", "leaf", parts(swap(`"list":"`+node.chain.ListID()[:8], `"list":"00000000`))},
		{"the entry's time", "/proof/", "path", parts(swap(`"t":"2026`, `"t":"2025`))},
		{"the state", "/proof/", "path", parts(swap(`"state":"PUBLISHED"`, `"state":"REJECTED"`))},
		{"the index", "/proof/", "path", parts(func(p *c2sp.Proof) { p.Index ^= 1 })},
		{"a hash of the path", "/proof/", "path", parts(func(p *c2sp.Proof) { p.Path[2][5] ^= 1 })},
		{"a path too short", "/proof/", "path", parts(func(p *c2sp.Proof) { p.Path = p.Path[:len(p.Path)-1] })},
		{"a path too long", "/proof/", "path", parts(func(p *c2sp.Proof) { p.Path = append(p.Path, p.Path[0]) })},
		{"the body", "/body/", "body", func(raw []byte) []byte { return bytes.Replace(raw, []byte("9.8"), []byte("2.1"), 1) }},
		{"a longer body", "/body/", "body", func(raw []byte) []byte { return append(raw, ' ') }},
		{"the record that is shown", "/cve/", "record", func(raw []byte) []byte { return bytes.Replace(raw, []byte("9.8"), []byte("2.1"), 1) }},
	} {
		t.Run(lie.name, func(t *testing.T) {
			node.lying(lie.prefix, lie.change, func() {
				if got := open("/verify?id=" + browsedID); got != "refuted" {
					t.Errorf("verdict %s", got)
				}
				if steps := r.steps(t); !strings.Contains(steps, lie.fails+"=failed") {
					t.Errorf("the step %s does not fail: %s", lie.fails, steps)
				}
				if says := b.Text(t, `[data-step="`+lie.fails+`"] .why`); says == "" {
					t.Error("the failing step does not say what that means")
				}
			})
		})
	}

	t.Run("another list pinned", func(t *testing.T) {
		b.Eval(t, `localStorage.setItem("tasuki-list", "`+strings.Repeat("ab", 32)+`")`)
		if got := open("/verify?id=" + browsedID); got != "refuted" || !strings.Contains(r.steps(t), "charter=failed") {
			t.Errorf("verdict %s, %s", got, r.steps(t))
		}
		b.Do(t, chromedp.Click("#forget"))
		b.Until(t, `document.getElementById("verify").dataset.verdict === "unpinned"`)
		b.Do(t, chromedp.Click("#keep"))
		b.Until(t, `document.getElementById("verify").dataset.verdict === "proved"`)
	})
	t.Run("what is no list id is not pinned", func(t *testing.T) {
		b.Eval(t, `document.getElementById("list").value = ""`)
		b.Do(t, chromedp.SendKeys("#list", "9c1f"+kb.Enter))
		b.Until(t, `!document.getElementById("pin-wrong").hidden`)
		if got := b.Eval(t, `localStorage.getItem("tasuki-list")`); got != node.chain.ListID() {
			t.Errorf("pinned is %v", got)
		}
	})
	t.Run("a browser without Ed25519 proves nothing", func(t *testing.T) {
		// The page's script is run again with an engine that refuses the algorithm, as older browsers do.
		b.Go(t, "/verify?id="+browsedID)
		b.Until(t, `document.getElementById("verify").dataset.verdict`)
		b.Eval(t, `(() => {
			const old = crypto.subtle.importKey.bind(crypto.subtle);
			crypto.subtle.importKey = (form, key, algorithm, ...rest) => algorithm === "Ed25519" ? Promise.reject(new DOMException("", "NotSupportedError")) : old(form, key, algorithm, ...rest);
			delete document.getElementById("verify").dataset.verdict;
			const again = document.createElement("script");
			again.src = document.querySelector('script[src*="/verify."]').src;
			document.head.append(again);
		})()`)
		b.Until(t, `document.getElementById("verify").dataset.verdict`)
		if got := b.Eval(t, `document.getElementById("verify").dataset.verdict`); got != "partial" {
			t.Errorf("verdict %v, %s", got, r.steps(t))
		}
		if says := b.Text(t, `[data-step="signature"] .unsaid`); !strings.Contains(says, "no Ed25519") {
			t.Errorf("the page says %q", says)
		}
	})
	b.CheckQuiet(t)
}
