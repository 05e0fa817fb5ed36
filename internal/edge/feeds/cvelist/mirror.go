package cvelist

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Errors of finding things at a source.
var (
	ErrFrom       = errors.New("cvelist: not a source that can be followed")
	ErrNoBaseline = errors.New("cvelist: the source offers no baseline")
	ErrIndex      = errors.New("cvelist: not a baseline index")
)

// Mirror is where a source keeps what: docs/protocols/cvelist.md describes the layout.
type Mirror struct {
	Base     string // below it lie cves/delta.json, cves/deltaLog.json, cves/<year>/<bucket>/<id>.json and baseline.json
	Baseline string // a baseline archive, when the operator names one; it then goes before every other way of finding one
	Releases string // below it lie <tag>/<asset> as GitHub serves releases; "" when the source has none
}

// Locate makes a Mirror of what an operator writes after --from: the address of a GitHub repository (optionally with
// /tree/<branch>), or the base URL of any mirror of the list's tree.
func Locate(from string) (Mirror, error) {
	u, err := url.Parse(strings.TrimRight(from, "/"))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return Mirror{}, fmt.Errorf("%w: %s, expected http(s)://host/path", ErrFrom, short(from))
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if strings.EqualFold(u.Host, "github.com") {
		branch := "main"
		if len(parts) == 4 && parts[2] == "tree" {
			branch = parts[3]
		} else if len(parts) != 2 {
			return Mirror{}, fmt.Errorf("%w: %s, expected https://github.com/<owner>/<repository>", ErrFrom, short(from))
		}
		repo := parts[0] + "/" + strings.TrimSuffix(parts[1], ".git")
		return Mirror{Base: "https://raw.githubusercontent.com/" + repo + "/" + branch,
			Releases: "https://github.com/" + repo + "/releases/download"}, nil
	}
	return Mirror{Base: u.String()}, nil
}

// baseline is an archive of the whole list at some moment.
type baseline struct {
	url    string
	time   time.Time // everything published before it is inside; zero when unknown
	sha256 *Digest   // as stated; nil when nobody states one
}

// index is baseline.json: where a mirror's newest baseline is.
type index struct {
	Format string `json:"format"` // "tasuki-baseline/1"
	URL    string `json:"url"`    // relative to the index; must stay on the same host
	SHA256 string `json:"sha256"` // hex
	Time   string `json:"fetchTime"`
}

const indexFormat = "tasuki-baseline/1"

// parseIndex reads baseline.json as found at base.
func parseIndex(raw []byte, base string) (baseline, error) {
	var x index
	if err := json.Unmarshal(raw, &x); err != nil {
		return baseline{}, fmt.Errorf("%w: %w", ErrIndex, err)
	}
	if x.Format != indexFormat {
		return baseline{}, fmt.Errorf("%w: format %s, expected %s", ErrIndex, short(x.Format), indexFormat)
	}
	from, err := url.Parse(base + "/")
	if err != nil {
		return baseline{}, fmt.Errorf("%w: %w", ErrIndex, err)
	}
	to, err := from.Parse(x.URL)
	if err != nil || to.Scheme != from.Scheme || to.Host != from.Host || x.URL == "" {
		return baseline{}, fmt.Errorf("%w: url %s leaves the mirror", ErrIndex, short(x.URL))
	}
	at, err := time.Parse(time.RFC3339, x.Time)
	if err != nil {
		return baseline{}, fmt.Errorf("%w: fetchTime: %w", ErrIndex, err)
	}
	b := baseline{url: to.String(), time: at.UTC(), sha256: new(Digest)}
	if n, err := hex.Decode(b.sha256[:], padded(x.SHA256)); err != nil || n != len(b.sha256) {
		return baseline{}, fmt.Errorf("%w: sha256 %s is no digest", ErrIndex, short(x.SHA256))
	}
	return b, nil
}

// padded makes text exactly as long as a digest in hex, so that hex.Decode cannot overrun.
func padded(text string) []byte {
	const n = 2 * len(Digest{})
	if len(text) != n {
		return bytes.Repeat([]byte("?"), n)
	}
	return []byte(text)
}

// releaseHours is how far back releases are looked for: tags are hourly, with holes.
const releaseHours = 48

// find looks for the newest baseline. now is the time by which release names are guessed.
func (m Mirror) find(ctx context.Context, f *Fetcher, now time.Time) (baseline, error) {
	if m.Baseline != "" {
		return baseline{url: m.Baseline, time: timeOfAsset(m.Baseline)}, nil
	}
	r, err := f.get(ctx, m.Base+"/baseline.json", Validators{}, 64<<10)
	if err == nil {
		return parseIndex(r.body, m.Base)
	}
	if !errors.Is(err, ErrAbsent) {
		return baseline{}, err
	}
	if m.Releases == "" {
		return baseline{}, fmt.Errorf("%w: there is no %s/baseline.json; name an archive", ErrNoBaseline, PublicName(m.Base))
	}
	return m.guess(ctx, f, now)
}

// guess finds the newest release by the names that the list's releases follow: tag cve_YYYY-MM-DD_HH00Z, asset
// YYYY-MM-DD_all_CVEs_at_midnight.zip, which appears with ".zip" doubled. A one-byte range asks whether it is there.
func (m Mirror) guess(ctx context.Context, f *Fetcher, now time.Time) (baseline, error) {
	now = now.UTC().Truncate(time.Hour)
	for h := range releaseHours {
		at := now.Add(-time.Duration(h) * time.Hour)
		day := at.Format("2006-01-02")
		for _, suffix := range []string{".zip.zip", ".zip"} {
			asset := m.Releases + "/cve_" + at.Format("2006-01-02_15") + "00Z/" + day + "_all_CVEs_at_midnight" + suffix
			there, err := f.exists(ctx, asset)
			if err != nil {
				return baseline{}, err
			}
			if there {
				return baseline{url: asset, time: timeOfAsset(asset)}, nil
			}
		}
	}
	return baseline{}, fmt.Errorf("%w: no release of the last %d hours has one", ErrNoBaseline, releaseHours)
}

var assetName = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})_all_CVEs_at_midnight\.zip(\.zip)?$`)

// timeOfAsset is the midnight that a baseline's name states, zero for any other name.
func timeOfAsset(asset string) time.Time {
	u, err := url.Parse(asset)
	if err != nil {
		return time.Time{}
	}
	m := assetName.FindStringSubmatch(path.Base(u.Path))
	if m == nil {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02", m[1])
	if err != nil {
		return time.Time{}
	}
	return at
}

// digestOf asks for the digest that may lie beside an archive: <archive>.sha256, else SHA256SUMS in its folder. nil
// means that none is stated; a page that a host shows instead of a 404 states none either.
func digestOf(ctx context.Context, f *Fetcher, archive string) (*Digest, error) {
	u, err := url.Parse(archive)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrom, err)
	}
	name := path.Base(u.Path)
	beside := *u
	beside.Path = u.Path + ".sha256"
	sums := *u
	sums.Path = path.Join(path.Dir(u.Path), "SHA256SUMS")
	for _, at := range []*url.URL{&beside, &sums} {
		at.RawPath = ""
		r, err := f.get(ctx, at.String(), Validators{}, 4<<20)
		switch {
		case errors.Is(err, ErrAbsent), errors.Is(err, ErrTooMuch):
			continue
		case err != nil:
			return nil, err
		}
		if d := parseSums(r.body, name, at == &beside); d != nil {
			return d, nil
		}
	}
	return nil, nil
}

// parseSums reads the lines of sha256sum(1): the digest of name, or — in a file that speaks of one archive only — a
// line that is nothing but a digest.
func parseSums(raw []byte, name string, bare bool) *Digest {
	for line := range bytes.Lines(raw) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || len(fields) > 2 || len(fields[0]) != 2*len(Digest{}) {
			continue
		}
		if len(fields) == 1 && !bare || len(fields) == 2 && path.Base(strings.TrimPrefix(fields[1], "*")) != name {
			continue
		}
		var d Digest
		if _, err := hex.Decode(d[:], []byte(fields[0])); err == nil {
			return &d
		}
	}
	return nil
}
