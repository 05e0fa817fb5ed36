package cvelist

import (
	"sync/atomic"
	"time"
)

// A unit is a byte of content, plus unitsPerRecord for the fixed cost of a leaf and its rows.
const unitsPerRecord = 2048

func unitsOf(f *File) int64 { return unitsPerRecord + int64(len(f.Raw)) }

// pacer sizes batches so that one takes about its target inside the write transaction: other writers then wait no
// longer than that. It learns the cost of a unit from each batch.
type pacer struct {
	target time.Duration
	limit  int64   // units of the next batch
	cost   float64 // nanoseconds of a unit, smoothed; 0 until the first batch
}

const (
	firstBatch = 256 << 10 // units: some 30 records, small even on a slow disk
	leastBatch = 1         // one record, however large
	mostBatch  = 16 << 20  // bounds memory, and the loss when a batch rolls back
)

func (p *pacer) begin(target time.Duration) {
	if p.target = target; p.target <= 0 {
		p.target = 10 * time.Millisecond
	}
	if p.limit == 0 {
		p.limit = firstBatch
	}
}

// observe learns from a batch. One slow batch (another writer's turn, a checkpoint of the store) must not halve the
// rate for long, nor one quick batch overshoot: costs are smoothed and growth is at most twofold.
func (p *pacer) observe(units int64, took time.Duration) {
	cost := float64(max(took, time.Microsecond)) / float64(max(units, 1))
	if p.cost == 0 {
		p.cost = cost
	} else {
		p.cost += 0.3 * (cost - p.cost)
	}
	want := int64(float64(p.target) / p.cost)
	p.limit = min(max(want, leastBatch), 2*p.limit, mostBatch)
}

// Progress is how far the import of one source has come.
type Progress struct {
	Source     string
	Files      int64 // settled
	Total      int64 // known so far; 0 when the source does not say (a stream)
	Bytes      int64
	TotalBytes int64
	Summary    Summary // so far
	Rate       float64 // files per second, over the last seconds
	Elapsed    time.Duration
	Left       time.Duration // an estimate; 0 when unknown
	Done       bool          // the last one of this source
}

// meter measures progress.
type meter struct {
	total, totalBytes atomic.Int64
	start             time.Time
	told              time.Time
	mark              time.Time // the beginning of the window that Rate is taken over
	markFiles         int64
	rate              float64
}

const (
	tellEvery  = 250 * time.Millisecond
	rateWindow = 3 * time.Second
)

// expect is called by the walk's dispatcher as it meets archives.
func (m *meter) expect(files, bytes int64) {
	m.total.Add(files)
	m.totalBytes.Add(bytes)
}

// tell calls Progress when it is time.
func (im *Importer) tell(done bool) {
	r := im.run
	now := im.now()
	if im.Progress == nil || (!done && now.Sub(r.meter.told) < tellEvery) {
		return
	}
	m := &r.meter
	m.told = now
	if m.mark.IsZero() {
		m.mark = m.start
	}
	if window := now.Sub(m.mark); window > 0 && (window >= rateWindow || m.rate == 0) {
		m.rate = float64(r.sum.Files-m.markFiles) / window.Seconds()
		if window >= rateWindow {
			m.mark, m.markFiles = now, r.sum.Files
		}
	}
	p := Progress{Source: r.name, Files: r.sum.Files, Total: m.total.Load(), Bytes: r.sum.Bytes,
		TotalBytes: m.totalBytes.Load(), Summary: r.sum, Rate: m.rate, Elapsed: now.Sub(m.start), Done: done}
	if done && p.Elapsed > 0 {
		p.Rate = float64(p.Files) / p.Elapsed.Seconds()
	}
	if left := p.Total - p.Files; !done && left > 0 && p.Rate > 0 {
		p.Left = time.Duration(float64(left) / p.Rate * float64(time.Second))
	}
	im.Progress(p)
}
