package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// What the benchmarks ask about: the archive's own words, in the archive's own proportions; and more of the archive than there
// is, for the sizes to come.

// kept is a file or folder of -bench.keep, or of the benchmark's own when nothing is to be kept. make makes it under a name that
// means nothing yet.
func kept(tb testing.TB, name string, make func(path string) error) string {
	tb.Helper()
	dir := *benchKeep
	if dir == "" {
		dir = tb.TempDir()
	}
	whole := filepath.Join(dir, name)
	if _, err := os.Stat(whole); err == nil {
		return whole
	} else if !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	began := time.Now()
	half := whole + ".part"
	if err := os.RemoveAll(half); err != nil {
		tb.Fatal(err)
	}
	if err := make(half); err != nil {
		tb.Fatalf("make %s: %v", name, err)
	}
	if err := os.Rename(half, whole); err != nil {
		tb.Fatal(err)
	}
	fmt.Printf("made %s in %s\n", name, seconds(time.Since(began)))
	return whole
}

// eachRecord gives fn every record of an archive.
func eachRecord(archive string, fn func(name string, raw []byte) error) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasPrefix(path.Base(f.Name), "CVE-") || !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		if err := fn(f.Name, raw); err != nil {
			return err
		}
	}
	return nil
}

// synthetic is an archive of the real one's records, copies from first to last: each copy has identifiers of its own, and
// words of its own wherever a description's word has a digit, so that the vocabulary grows as it does in life.
func synthetic(tb testing.TB, first, last int) string {
	list := theList(tb)
	return kept(tb, fmt.Sprintf("copies-%d-%d.zip", first, last), func(name string) error {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		defer file.Close()
		z := zip.NewWriter(file)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
		for copies := first; copies <= last; copies++ {
			err := eachRecord(list, func(name string, raw []byte) error {
				id := strings.TrimSuffix(path.Base(name), ".json")
				parts := strings.Split(id, "-")
				other := fmt.Sprintf("%s-%s-%d%07s", parts[0], parts[1], copies, parts[2])
				w, err := z.Create(path.Dir(name) + "/" + other + ".json")
				if err != nil {
					return err
				}
				_, err = w.Write(otherWords(bytes.ReplaceAll(raw, []byte(id), []byte(other)), byte('a'+copies%26)))
				return err
			})
			if err != nil {
				return err
			}
		}
		return errors.Join(z.Close(), file.Close())
	})
}

// otherWords marks every word with a digit in the lines that hold descriptions' text.
func otherWords(raw []byte, mark byte) []byte {
	const text = `"value": "`
	out := make([]byte, 0, len(raw)+len(raw)/16)
	for line := range bytes.Lines(raw) {
		at := bytes.Index(line, []byte(text))
		if at < 0 || len(bytes.TrimLeft(line[:at], " ")) > 0 {
			out = append(out, line...)
			continue
		}
		at += len(text)
		out = append(out, line[:at]...)
		digit, rest := false, line[at:]
		for i := 0; i < len(rest); i++ {
			c := rest[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (c < '0' || c > '9') && digit {
				out, digit = append(out, mark), false
			}
			digit = digit && letter || c >= '0' && c <= '9'
			out = append(out, c)
			if c == '\\' { // an escape is not a word: \u00e9
				n := 1
				if rest[i+1] == 'u' {
					n = 5
				}
				out = append(out, rest[i+1:i+1+n]...)
				i += n
			}
		}
	}
	return out
}

// japaneseTexts are sentences of the JVN samples, which are test input only.
func japaneseTexts(tb testing.TB) []string {
	z, err := zip.OpenReader(sharedData(tb, "jvn/jvn-feed-samples.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	text := regexp.MustCompile(`(?s)<(?:title|description|Overview|[a-z]+:Overview)>([^<]+)<`)
	var out []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range text.FindAllStringSubmatch(string(raw), -1) {
			s := strings.TrimSpace(html.UnescapeString(m[1]))
			if strings.ContainsFunc(s, isHiragana) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func isHiragana(r rune) bool { return unicode.Is(unicode.Hiragana, r) }

// japaneseRecords are 2,000 records in Japanese, one line each, made from real sentences.
func japaneseRecords(tb testing.TB) []byte {
	texts := japaneseTexts(tb)
	rng := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for n := range 2000 {
		text := texts[rng.IntN(len(texts))] + texts[rng.IntN(len(texts))]
		value, err := json.Marshal(text)
		if err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&b, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2025-9%06d","assignerOrgId":"22222222-2222-4222-8222-222222222222",`+
			`"state":"PUBLISHED","assignerShortName":"kumo","datePublished":"2025-01-02T00:%02d:%02d.000Z","dateUpdated":"2025-01-02T01:00:00.000Z"},"containers":{"cna":{`+
			`"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"kumo"},"descriptions":[{"lang":"en","value":"A flaw, number %d."},`+
			`{"lang":"ja","value":%s}],"affected":[{"vendor":"kumo","product":"x%d","defaultStatus":"affected"}],"references":[{"url":"https://kumo.example/%d"}]}}}`+"\n",
			n, n/60%60, n%60, n, value, n%100, n)
	}
	return b.Bytes()
}

// corpus is what queries are drawn from.
type corpus struct {
	ids    []string
	said   []string // every word of the English descriptions, as often as it is said
	common []string // by how often, most first
	cwe    []string // every CWE as often as it is named
	pairs  []string // two neighbouring Japanese characters, as often as they are written
}

var readCorpus = sync.OnceValues(func() (*corpus, error) {
	c := &corpus{}
	count := map[string]int{}
	word := regexp.MustCompile(`[\pL\pN]{2,}`)
	err := eachRecord(corpusPath, func(name string, raw []byte) error {
		var r struct {
			Containers struct {
				CNA struct {
					Descriptions []struct {
						Lang  string `json:"lang"`
						Value string `json:"value"`
					} `json:"descriptions"`
					ProblemTypes []struct {
						Descriptions []struct {
							CWE string `json:"cweId"`
						} `json:"descriptions"`
					} `json:"problemTypes"`
				} `json:"cna"`
			} `json:"containers"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.ids = append(c.ids, strings.TrimSuffix(path.Base(name), ".json"))
		for _, d := range r.Containers.CNA.Descriptions {
			if strings.HasPrefix(d.Lang, "en") {
				for _, w := range word.FindAllString(strings.ToLower(d.Value), -1) {
					c.said = append(c.said, w)
					count[w]++
				}
			}
		}
		for _, p := range r.Containers.CNA.ProblemTypes {
			for _, d := range p.Descriptions {
				if strings.HasPrefix(d.CWE, "CWE-") {
					c.cwe = append(c.cwe, d.CWE)
				}
			}
		}
		return nil
	})
	for w := range count {
		c.common = append(c.common, w)
	}
	slices.SortFunc(c.common, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	return c, err
})

var corpusPath string

func theCorpus(tb testing.TB) *corpus {
	tb.Helper()
	corpusPath = theList(tb)
	c, err := readCorpus()
	if err != nil {
		tb.Fatal(err)
	}
	for _, text := range japaneseTexts(tb) {
		runes := []rune(text)
		for i := range len(runes) - 1 {
			if unicode.In(runes[i], unicode.Han, unicode.Hiragana, unicode.Katakana) && unicode.In(runes[i+1], unicode.Han, unicode.Hiragana, unicode.Katakana) {
				c.pairs = append(c.pairs, string(runes[i:i+2]))
			}
		}
	}
	return c
}

// mix draws n distinct addresses, share by share; what a share cannot give any more, the next draw tries.
type mix struct {
	rng  *rand.Rand
	seen map[string]bool
	out  []string
	c    *corpus
}

func newMix(c *corpus) *mix {
	return &mix{rng: rand.New(rand.NewPCG(1, 2)), seen: map[string]bool{}, c: c}
}

func (m *mix) draw(n int, path string, query func() url.Values) {
	for tries := 0; n > 0 && tries < 1000; tries++ {
		address := path + "?" + query().Encode()
		if !m.seen[address] {
			m.seen[address] = true
			m.out = append(m.out, address)
			n--
			tries = 0
		}
	}
}

func (m *mix) of(list []string) string { return list[m.rng.IntN(len(list))] }

// word is drawn as often as it is said.
func (m *mix) word() string { return m.of(m.c.said) }

// shuffled is the whole mix in a random order, which is the same in every run.
func (m *mix) shuffled() []string {
	m.rng.Shuffle(len(m.out), func(i, j int) { m.out[i], m.out[j] = m.out[j], m.out[i] })
	return m.out
}

func someDay(rng *rand.Rand, from int) time.Time {
	return time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(600))
}

// nvdQueries are 1,000 distinct pages of 20 of the NVD surface.
func nvdQueries(c *corpus) []string {
	const at = "/rest/json/cves/2.0"
	m := newMix(c)
	page := func(kv ...string) url.Values {
		v := url.Values{"resultsPerPage": {"20"}}
		for i := 0; i < len(kv); i += 2 {
			if kv[i+1] == "" {
				v[kv[i]] = []string{""} // a flag
			} else {
				v.Set(kv[i], kv[i+1])
			}
		}
		return v
	}
	severities := []string{"LOW", "MEDIUM", "HIGH", "CRITICAL"}
	window := func() (string, string) {
		t := someDay(m.rng, 2022)
		return t.Format("2006-01-02T15:04:05.000Z"), t.AddDate(0, 0, 10+m.rng.IntN(100)).Format("2006-01-02T15:04:05.000Z")
	}
	next := 0
	m.draw(50, at, func() url.Values { next++; return page("keywordSearch", c.common[next-1]) })
	m.draw(300, at, func() url.Values { return page("keywordSearch", m.word()) })
	m.draw(150, at, func() url.Values { return page("keywordSearch", m.word()+" "+m.word()) })
	m.draw(100, at, func() url.Values { w := m.word(); return page("keywordSearch", w[:min(len(w), 2+m.rng.IntN(2))]) })
	m.draw(100, at, func() url.Values { return page("keywordSearch", m.of(c.pairs)) })
	m.draw(100, at, func() url.Values {
		from, to := window()
		return page("cvssV3Severity", m.of(severities), "pubStartDate", from, "pubEndDate", to, "cweId", m.of(c.cwe))
	})
	m.draw(100, at, func() url.Values {
		return page("keywordSearch", m.word(), "cvssV3Severity", m.of(severities), "noRejected", "")
	})
	m.draw(50, at, func() url.Values { return page("startIndex", fmt.Sprint(m.rng.IntN(len(c.ids)))) })
	m.draw(50, at, func() url.Values {
		return page("keywordSearch", m.of(c.common[:20]), "startIndex", fmt.Sprint(1000+m.rng.IntN(5000)))
	})
	return m.shuffled()
}

// webQueries are 1,000 distinct pages of the search with its facets.
func webQueries(c *corpus) []string {
	const at = "/search"
	m := newMix(c)
	page := func(q, sort string) url.Values {
		v := url.Values{"q": {q}}
		if sort != "" {
			v.Set("sort", sort)
		}
		return v
	}
	levels := []string{"low", "medium", "high", "critical"}
	years := []string{"2022", "2023", "2024", "2025"}
	next := 0
	m.draw(50, at, func() url.Values { next++; return page(asWord(c.common[next-1]), "") })
	m.draw(300, at, func() url.Values { return page(asWord(m.word()), "") })
	m.draw(200, at, func() url.Values { return page(asWord(m.word())+" "+asWord(m.word()), "") })
	m.draw(100, at, func() url.Values { return page(asWord(m.word())+" "+asWord(m.word()), "relevance") })
	m.draw(50, at, func() url.Values { return page(asWord(m.of(c.common[:50])), m.of([]string{"relevance", "oldest"})) })
	m.draw(100, at, func() url.Values { return page(m.of(c.pairs), "") })
	m.draw(100, at, func() url.Values {
		return page(asWord(m.word())+" severity:("+m.of(levels)+", "+m.of(levels)+") year:"+m.of(years), "")
	})
	m.draw(100, at, func() url.Values {
		return page("severity>="+m.of(levels)+" year:"+m.of(years)+" cwe:"+m.of(c.cwe), "")
	})
	return m.shuffled()
}

// asWord writes a word of the corpus so that the query language reads it as one: some are operators there.
func asWord(w string) string {
	switch strings.ToLower(w) {
	case "and", "or", "not":
		return `"` + w + `"`
	}
	return w
}
