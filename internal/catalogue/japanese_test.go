package catalogue_test

import (
	"archive/zip"
	"fmt"
	"html"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// ourTexts stand in for the real ones where those are absent.
var ourTexts = []string{
	"台帳管理ソフトウェアには、認証回避の脆弱性が存在します。遠隔の攻撃者によって、任意のコードを実行される可能性があります。",
	"雲のルーター用ファームウェアに、格納型クロスサイトスクリプティング（ＣＷＥ－７９）の脆弱性が存在します。",
	"最新版へアップデートしてください。回避策はありません。情報漏えいのおそれがあります。",
	"ﾒﾓﾘ破損により、サービス運用妨害 (DoS) 状態にされる問題。",
}

// realTexts are the descriptions in the JVN samples: test input only, never part of the product.
func realTexts(t *testing.T) []string {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "..", "shared", "data", "jvn", "jvn-feed-samples.zip"))
	if err != nil {
		t.Logf("the JVN samples are not beside this checkout (%v): only our own texts are searched", err)
		return nil
	}
	defer z.Close()
	text := regexp.MustCompile(`(?s)<(?:title|description|Overview|[a-z]+:Overview)>([^<]+)<`)
	var out []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range text.FindAllStringSubmatch(string(raw), -1) {
			s := strings.TrimSpace(html.UnescapeString(m[1]))
			if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Hiragana, r) }) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d texts found in the JVN samples", len(out))
	}
	return out
}

func japanese(n int, text string) []byte {
	value, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-%d","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"PUBLISHED","assignerShortName":"kumo","datePublished":"2026-01-02T00:00:00.000Z","dateUpdated":"2026-01-02T00:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"kumo"},"descriptions":[{"lang":"en","value":"A flaw."},{"lang":"ja","value":%s}],"affected":[{"vendor":"kumo","product":"x%d","defaultStatus":"affected"}],"references":[{"url":"https://kumo.example/"}]}}}`,
		10000+n, value, n)
}

func cjk(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー'
}

// Every two neighbouring characters of running Japanese text find exactly the records that hold them.
func TestTwoCharactersInsideRunningText(t *testing.T) {
	texts := append(realTexts(t), ourTexts...)
	folded := make([]string, len(texts))
	pairs := map[string]bool{}
	for i, text := range texts {
		folded[i] = strings.ToLower(norm.NFKC.String(text))
		runes := []rune(folded[i])
		for j := range len(runes) - 1 {
			if cjk(runes[j]) && cjk(runes[j+1]) {
				pairs[string(runes[j:j+2])] = true
			}
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		var raws [][]byte
		for i, text := range texts {
			raws = append(raws, japanese(i, text))
		}
		w.Import(t, raws...)
		for pair := range pairs {
			var want []string
			for i, text := range folded {
				if strings.Contains(text, pair) {
					want = append(want, fmt.Sprintf("CVE-2026-%d", 10000+i))
				}
			}
			page, err := w.Catalogue.Search(t.Context(), catalogue.Query{Text: pair, Sort: catalogue.Oldest, Limit: len(texts)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range page.Hits {
				got = append(got, h.ID)
			}
			if !slices.Equal(got, want) || page.Total != len(want) {
				t.Errorf("%s finds %v, want %v", pair, got, want)
			}
		}
		t.Logf("%d pairs over %d texts", len(pairs), len(texts))
		for _, word := range []string{"脆弱性", "攻撃者", "クロスサイトスクリプティング", "cross"} {
			page, err := w.Catalogue.Search(t.Context(), catalogue.Query{Text: word})
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, text := range folded {
				if strings.Contains(text, word) {
					want++
				}
			}
			if page.Total != want {
				t.Errorf("%s finds %d, want %d", word, page.Total, want)
			}
		}
	})
}
