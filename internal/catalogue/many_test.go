package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// crowd is a record with n different values wherever a record may hold many.
func crowd(t *testing.T, n int) *cve.Record {
	t.Helper()
	each := func(format string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(list, ",")
	}
	raw := fmt.Sprintf(`{"cveMetadata":{"cveId":"CVE-2026-10001","state":"PUBLISHED"},"containers":{"cna":{"tags":[%s],"affected":[%s],"cpeApplicability":[%s],
		"problemTypes":[%s],"references":[{"tags":[%s]}]},"adp":[%s]}}`, each(`"tag-%d"`), each(`{"vendor":"v%d","product":"p%[1]d"}`),
		each(`{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:v:p:%d:*:*:*:*:*:*:*"}]}]}`), each(`{"descriptions":[{"cweId":"CWE-1%d"}]}`),
		each(`"r%d"`), each(`{"providerMetadata":{"orgId":"o%d"}}`))
	rec, err := cve.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// Ten times the values take about ten times the time, not a hundred times, and none is lost or repeated.
func TestManyValuesTakeTheirNumberInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("compares times, which other work beside the race detector spoils")
	}
	took := func(n int) time.Duration {
		rec := crowd(t, n)
		best := time.Hour
		for range 3 {
			start := time.Now()
			e := makeEntry(rec)
			configurations := nvd.Configurations(rec, true).Configurations
			best = min(best, time.Since(start))
			for _, k := range []int{kVendor, kProduct, kTag, kCWE, kReference, kSource} {
				if len(e.Keys[k]) != n || len(slices.Compact(slices.Sorted(slices.Values(e.Keys[k])))) != n {
					t.Fatalf("keyword %d holds %d values of %d", k, len(e.Keys[k]), n)
				}
			}
			if e.Keys[kProduct][n-1] != fmt.Sprintf("p%d", n-1) || len(configurations) != n {
				t.Fatalf("the last product of %d is %s; %d configurations", n, e.Keys[kProduct][n-1], len(configurations))
			}
		}
		return best
	}
	if few, many := took(2000), took(20000); many > 40*few {
		t.Errorf("%v for 2,000 of everything, %v for 20,000", few, many)
	}
}

// What repeats is held once, before and after a list has become long.
func TestRepeatedValuesAreHeldOnce(t *testing.T) {
	rec := crowd(t, 40)
	c := &rec.Containers.CNA
	c.Tags, c.Affected, c.CPEApplicability = append(c.Tags, c.Tags...), append(c.Affected, c.Affected...), append(c.CPEApplicability, c.CPEApplicability...)
	e := makeEntry(rec)
	if len(e.Keys[kTag]) != 40 || len(e.Keys[kProduct]) != 40 || len(nvd.Configurations(rec, true).Configurations) != 40 {
		t.Errorf("%d tags, %d products", len(e.Keys[kTag]), len(e.Keys[kProduct]))
	}
}
