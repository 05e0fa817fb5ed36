package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tasuki/internal/edge/serve/page"
	"tasuki/web/i18n"
	"tasuki/web/sources"
)

// Intake is how records come in, as the page of the sources shows it.
type Intake interface {
	// Imports are finished imports, newest first, at most n.
	Imports(ctx context.Context, n int) ([]Import, error)
	// Refused are the files that feeds could not take in, by source and path.
	Refused(ctx context.Context) ([]Refusal, error)
	// Jobs are the feeds that the node follows by itself.
	Jobs(ctx context.Context) ([]Job, error)
}

// Import is one finished import.
type Import struct {
	Leaf   int64
	Source string
	Digest string // hex, of the snapshot
	Sample bool
	Counts map[string]int64 // by verdict
	Time   time.Time
}

// Refusal is a file that was not taken in.
type Refusal struct {
	Source, Path string
	Subject      string // the identifier that it claims to be about; "" for none
	Code, Reason string
	SHA256       string // hex; "" when it was never read
	At           time.Time
}

// Job is work that the node repeats.
type Job struct {
	Name       string
	Last, Next time.Time // Last: end of the last run, zero when none ended
	Note       string    // what the last run did
	Failed     string    // why it failed; "" after a good one
	Failures   int64     // in a row
	Running    bool
}

// How many rows the tables of the page have, and how far back it goes.
const (
	onImports   = 20
	onRefused   = 50
	mostImports = 100_000
)

// sources is the page of where data comes from: /sources?imports=<how many to skip>&refused=<how many to skip>.
func (s *server) sources(w http.ResponseWriter, r *http.Request) {
	skip, ok := skips(r.URL.Query(), "imports", "refused")
	if !ok {
		s.Refuse(w, r, page.NotFound)
		return
	}
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("sources.title")
	v := sources.View{Page: p}
	jobs, err := s.Intake.Jobs(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	for _, j := range jobs {
		v.Jobs = append(v.Jobs, sources.Job{Name: page.JobWords(p.Lang, j.Name), Last: j.Last, Next: j.Next, Sentence: cmp.Or(j.Failed, j.Note), Failed: j.Failed != "",
			Running: j.Running})
	}
	imports, err := s.Intake.Imports(r.Context(), skip["imports"]+onImports+1)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	imports = imports[min(skip["imports"], len(imports)):]
	if len(imports) > onImports {
		imports = imports[:onImports]
		v.Older = skipAddress("imports", skip["imports"]+onImports, "h-imports")
	}
	for _, i := range imports {
		v.Imports = append(v.Imports, sources.Import{Leaf: i.Leaf, Source: i.Source, Digest: i.Digest, Sample: i.Sample, Outcome: outcomeWords(p.Lang, i.Counts),
			Finished: i.Time})
	}
	refused, err := s.Intake.Refused(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	v.Refused = refusedView(p.Lang, refused, skip["refused"])
	s.Send(w, r, http.StatusOK, sources.Body(v))
}

// skips reads how many rows of each table to leave out.
func skips(q url.Values, names ...string) (map[string]int, bool) {
	skip := make(map[string]int)
	for _, name := range names {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > mostImports {
				return nil, false
			}
			skip[name] = n
		}
	}
	return skip, true
}

func skipAddress(table string, n int, anchor string) string {
	if n <= 0 {
		return "/sources#" + anchor
	}
	return "/sources?" + table + "=" + strconv.Itoa(n) + "#" + anchor
}

func refusedView(l i18n.Lang, all []Refusal, skip int) sources.Refused {
	v := sources.Refused{Total: int64(len(all))}
	count := make(map[string]int64)
	for _, f := range all {
		count[f.Code]++
	}
	for code, n := range count {
		v.Reasons = append(v.Reasons, sources.Reason{Words: refusalWords(l, code), Code: code, N: n})
	}
	slices.SortFunc(v.Reasons, func(a, b sources.Reason) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Code, b.Code)) })
	rows := all[min(skip, len(all)):]
	if len(rows) > onRefused {
		rows = rows[:onRefused]
		v.After = skipAddress("refused", skip+onRefused, "h-refused")
	}
	if skip > 0 {
		v.Before = skipAddress("refused", skip-onRefused, "h-refused")
	}
	for _, f := range rows {
		v.Rows = append(v.Rows, sources.Row{Source: f.Source, Path: f.Path, Subject: f.Subject, Code: f.Code, Reason: f.Reason, Digest: f.SHA256, At: f.At})
	}
	return v
}

// refusalWords is a feed's reason in words; a new one stands as the feed calls it.
func refusalWords(l i18n.Lang, code string) string {
	if i18n.Has("refused." + code) {
		return l.T("refused." + code)
	}
	return code
}
