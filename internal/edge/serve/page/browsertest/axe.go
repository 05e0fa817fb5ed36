package browsertest

import (
	"context"
	_ "embed"
	"testing"

	"github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js
var axe string

// judge runs axe-core over the page by the rules of WCAG 2.2, levels A and AA, and its best practices, and puts each violation
// into a line.
const judge = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }).then((r) =>
	r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + ": " + n.target.join(" ") + ": " + n.html.slice(0, 160) + " " + (n.any[0] ? n.any[0].message : ""))))`

// Axe is what axe-core finds wrong with the page as it stands, a line for each element. The pages' policy forbids foreign
// scripts, so it is handed in past the page, as a debugger would.
func (b *Browser) Axe(t testing.TB) []string {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, Patience)
	defer stop()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](axe)); err != nil {
		t.Fatal(err)
	}
	out, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](judge, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
