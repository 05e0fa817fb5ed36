package query_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tasuki/internal/query"
)

var executions = flag.Int("executions", 50_000, "random queries that TestLawsOfRandomQueries makes")

// parts are what random queries are put together from: all that the grammar gives a meaning, and what looks like it.
var parts = []string{
	" ", " ", " ", "\u3000", "\t", "AND", "or", "NOT", "|", "-", "!", "(", ")", "（", "）", "\"", "“", "”", "「", "」", "『", "』", "＂", "\\", "*", ",", "、", "，", "..", ".", "...",
	":", "：", "::", "://", ">", "<", "=", ">=", "<=", "!=", "≥", "≤", "≠", "＞", "word", "overflow", "脆弱性", "é", "ß", "7", "9.8", "10", "11", "2024", "2024-01", "2024-01-15",
	"2024-01-15T10:00:00Z", "today", "7d", "1y", "0h", "yes", "no", "high", "unscored", "low", "CVE-2024-1234", "CWE-79", "AV:N/PR:N", "CVSS:3.1/AV:N", "microsoft", "patch",
	"fix", "x", "a b", "\x00", "\xff", "ａ", "５", "kev:", "vendor:", "severity>=", "published:", "title:", "-(", "or (", "id:", "has:", "vendr:", "http://x",
}

// random is a query of a few parts, or a query of the seeds with a few of its bytes changed.
func random(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		b := []byte(seeds[r.IntN(len(seeds))])
		for range r.IntN(4) {
			if len(b) == 0 {
				break
			}
			i := r.IntN(len(b))
			switch r.IntN(3) {
			case 0:
				b[i] = byte(r.IntN(256))
			case 1:
				b = append(b[:i], b[i+1:]...)
			default:
				b = append(b[:i], append([]byte(parts[r.IntN(len(parts))]), b[i:]...)...)
			}
		}
		return string(b)
	}
	fields := query.Fields()
	var b strings.Builder
	for range 1 + r.IntN(12) {
		if r.IntN(8) == 0 {
			b.WriteString(fields[r.IntN(len(fields))].Name)
		}
		b.WriteString(parts[r.IntN(len(parts))])
		if r.IntN(3) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// The laws of FuzzParse, over queries that are put together from what the grammar knows; -executions 10000000 for a long run.
func TestLawsOfRandomQueries(t *testing.T) {
	seed := uint64(1)
	if *executions > 1_000_000 {
		seed = uint64(time.Now().UnixNano())
	}
	r := rand.New(rand.NewPCG(seed, 0))
	parsed := 0
	for range *executions {
		text := random(r)
		laws(t, text)
		if _, err := query.Parse(text); err == nil {
			parsed++
		}
	}
	t.Logf("%d queries from seed %d, %d of them parse", *executions, seed, parsed)
	if parsed < *executions/10 {
		t.Errorf("only %d of %d parse", parsed, *executions)
	}
}
