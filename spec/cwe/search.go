package cwe

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// aliases are words that people use for weaknesses whose names do not hold them, in English and Japanese.
var aliases = map[string][]int{
	"xss": {79}, "sqli": {89}, "xxe": {611}, "idor": {639}, "uaf": {416}, "oob": {787, 125}, "rce": {94, 78, 502}, "dos": {400}, "lfi": {98, 22},
	"rfi": {98}, "lpe": {269}, "mitm": {300, 295}, "redos": {1333}, "toctou": {367}, "bof": {120, 787}, "zip slip": {22}, "path traversal": {22}, "directory traversal": {22}, "hardcoded": {798}, "hard coded": {798},
	"クロスサイトスクリプティング": {79}, "クロスサイトリクエストフォージェリ": {352}, "sqlインジェクション": {89}, "osコマンドインジェクション": {78},
	"コマンドインジェクション": {77, 78}, "コードインジェクション": {94}, "ディレクトリトラバーサル": {22}, "パストラバーサル": {22}, "バッファオーバーフロー": {120, 121, 122, 787},
	"境界外書き込み": {787}, "境界外読み取り": {125}, "解放済みメモリ": {416}, "整数オーバーフロー": {190}, "ヌルポインタ": {476}, "nullポインタ": {476}, "オープンリダイレクト": {601},
	"サーバサイドリクエストフォージェリ": {918}, "信頼できないデータのデシリアライゼーション": {502}, "デシリアライゼーション": {502}, "認証の欠如": {306}, "不適切な認証": {287},
	"認可の欠如": {862}, "不適切な認可": {285, 863}, "アクセス制御": {284}, "権限管理": {269}, "情報漏えい": {200}, "情報漏洩": {200}, "ハードコード": {798}, "平文": {312, 319},
	"証明書検証": {295}, "入力確認": {20}, "入力検証": {20}, "ファイルアップロード": {434}, "アップロード": {434}, "競合状態": {362}, "リソースの枯渇": {400}, "無限ループ": {835},
	"書式文字列": {134}, "セッション固定": {384}, "クリックジャッキング": {1021}, "型の取り違え": {843}, "検索パス": {427, 426},
}

type searchable struct {
	Entry
	words string // the name in lower case, signs become spaces
}

// weaknesses are the entries that a record may name, ready to be searched.
var weaknesses = sync.OnceValue(func() []searchable {
	var out []searchable
	for _, e := range catalogue().entries {
		if e.Kind == Weakness && !e.Deprecated() {
			out = append(out, searchable{e, " " + plain(e.Name)})
		}
	}
	slices.SortFunc(out, func(a, b searchable) int { return a.ID - b.ID })
	return out
})

// plain is a text as it is compared: lower case, what is no letter or digit is a space.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(c rune) bool {
		return c < 0x80 && (c < 'a' || c > 'z') && (c < '0' || c > '9') || c == '　' || c == '・'
	}), " ")
}

// Search finds weaknesses by identifier ("79", "cwe-79", a number's beginning) or by words of the name, all of which must
// occur, each at a word's beginning; some words that people use instead of the name are known, in English and Japanese. At
// most n are given: the number asked for first, then those that CWE wants used for vulnerabilities, the more exact name
// first. Deprecated entries, categories and views are left out.
func Search(query string, n int) []Entry {
	q := plain(query)
	digits := strings.TrimLeft(strings.TrimSpace(strings.TrimPrefix(q, "cwe")), "0")
	number := digits != "" && strings.Trim(digits, "0123456789") == ""
	words := strings.Fields(q)
	if len(words) == 0 {
		return nil
	}
	known := alias(q)
	type hit struct {
		Entry
		rank int
	}
	var hits []hit
	for _, e := range weaknesses() {
		id := strconv.Itoa(e.ID)
		place := slices.Index(known, e.ID)
		switch {
		case number && id == digits:
			hits = append(hits, hit{e.Entry, 0})
		case place >= 0:
			hits = append(hits, hit{e.Entry, 1 + place})
		case number && strings.HasPrefix(id, digits):
			hits = append(hits, hit{e.Entry, 100 + len(id)})
		case !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.words, " "+w) }):
			rank := 1000 + len(e.words)
			if e.Usage != "Allowed" {
				rank += 10_000
			}
			if e.Abstraction == "Variant" { // the narrower name is seldom the one meant
				rank += 2000
			}
			hits = append(hits, hit{e.Entry, rank})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	var out []Entry
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, h.Entry)
	}
	return out
}

// alias looks a text up among the other words; the beginning of one is enough where it is at least three bytes long.
func alias(q string) []int {
	if ids, ok := aliases[q]; ok || len(q) < 3 {
		return ids
	}
	for _, word := range slices.Sorted(maps.Keys(aliases)) {
		if strings.HasPrefix(word, q) || len(word) > 9 && strings.Contains(q, word) {
			return aliases[word]
		}
	}
	return nil
}
