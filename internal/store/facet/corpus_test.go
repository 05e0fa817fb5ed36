package facet

import (
	"archive/zip"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// The corpus of the benchmarks: the records of a real archive, put into fields much as the catalogue
// does it. Benchmarks skip without the archive.

var corpusSchema = Schema{
	Keywords: []string{"state", "severity", "year", "vendor", "product", "cwe", "assigner"},
	Numbers:  []string{"published", "changed", "score"},
	Zones:    []Zone{{"id", 4}, {"title", 3}, {"description", 1}, {"affected", 2}, {"other", 0.5}},
}

type corpusRecord struct {
	Meta struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Assigner  string `json:"assignerShortName"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA corpusContainer   `json:"cna"`
		ADP []corpusContainer `json:"adp"`
	} `json:"containers"`
}

type corpusContainer struct {
	Title        string                                            `json:"title"`
	Descriptions []struct{ Lang, Value string }                    `json:"descriptions"`
	Affected     []struct{ Vendor, Product, PackageName string }   `json:"affected"`
	References   []struct{ URL string }                            `json:"references"`
	ProblemTypes []struct{ Descriptions []struct{ CWEID string } } `json:"problemTypes"`
	Metrics      []struct {
		V31 struct {
			Score    float64 `json:"baseScore"`
			Severity string  `json:"baseSeverity"`
		} `json:"cvssV3_1"`
	} `json:"metrics"`
}

func (r *corpusRecord) doc() Doc {
	d := Doc{Key: r.Meta.ID, Keywords: make([][]string, len(corpusSchema.Keywords))}
	if parts := strings.Split(d.Key, "-"); len(parts) == 3 {
		year, _ := strconv.ParseUint(parts[1], 10, 64)
		n, _ := strconv.ParseUint(parts[2], 10, 64)
		d.Order = year<<40 | n
		d.Keywords[2] = []string{parts[1]}
	}
	text := func(zone int, text string) {
		if text != "" {
			d.Text = append(d.Text, ZoneText{zone, text})
		}
	}
	d.Keywords[0] = []string{strings.ToLower(r.Meta.State)}
	d.Keywords[6] = []string{r.Meta.Assigner}
	text(0, d.Key)
	score := int64(Absent)
	for i, c := range append([]corpusContainer{r.Containers.CNA}, r.Containers.ADP...) {
		text(1, c.Title)
		for _, t := range c.Descriptions {
			zone := 4
			if i == 0 && strings.HasPrefix(t.Lang, "en") {
				zone = 2
			}
			text(zone, t.Value)
		}
		for _, a := range c.Affected {
			text(3, a.Vendor+" "+a.Product+" "+a.PackageName)
			d.Keywords[3] = append(d.Keywords[3], strings.ToLower(a.Vendor))
			d.Keywords[4] = append(d.Keywords[4], strings.ToLower(a.Product))
		}
		for _, p := range c.ProblemTypes {
			for _, t := range p.Descriptions {
				if t.CWEID != "" {
					d.Keywords[5] = append(d.Keywords[5], t.CWEID)
				}
			}
		}
		for _, ref := range c.References {
			if u, err := url.Parse(ref.URL); err == nil {
				text(4, u.Host)
			}
		}
		for _, m := range c.Metrics {
			if s := int64(m.V31.Score * 10); s > score {
				score = s
				d.Keywords[1] = []string{strings.ToLower(m.V31.Severity)}
			}
		}
	}
	at := func(s string) int64 {
		if t, err := time.Parse("2006-01-02T15:04:05", s[:min(19, len(s))]); err == nil {
			return t.UnixMilli()
		}
		return Absent
	}
	d.Numbers = []int64{at(r.Meta.Published), at(r.Meta.Updated), score}
	return d
}

// archive finds a file of the shared data beside the module, or skips.
func archive(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("the archive %s is not here", name)
	}
	return path
}

var readCorpus = sync.OnceValues(func() ([]Doc, error) {
	z, err := zip.OpenReader(corpusPath)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var docs []Doc
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || !strings.Contains(f.Name, "CVE-") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, err
		}
		var rec corpusRecord
		if err := json.Unmarshal(raw, &rec, json.MatchCaseInsensitiveNames(true)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		docs = append(docs, rec.doc())
	}
	return docs, nil
})

var corpusPath string

// corpus returns the real documents, times over: copies have keys of their own, and words of their
// own wherever a word has a digit, so that the vocabulary grows too.
func corpus(tb testing.TB, times int) []Doc {
	tb.Helper()
	corpusPath = archive(tb, "cvelist/vulnrichment-cve5.zip")
	docs, err := readCorpus()
	if err != nil {
		tb.Fatal(err)
	}
	out := docs[:len(docs):len(docs)]
	for c := 1; c < times; c++ {
		for _, d := range docs {
			d.Key += "+" + strconv.Itoa(c)
			d.Order = d.Order<<4 | uint64(c)
			text := make([]ZoneText, len(d.Text))
			for i, t := range d.Text {
				words := strings.Fields(t.Text)
				for j, w := range words {
					if strings.ContainsAny(w, "0123456789") {
						words[j] = w + string(rune('a'+c))
					}
				}
				text[i] = ZoneText{t.Zone, strings.Join(words, " ")}
			}
			d.Text = text
			out = append(out, d)
		}
	}
	return out
}
