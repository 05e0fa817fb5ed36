package facet

import (
	"math"
	"slices"
)

// skip adds to first the hits that the page may need and returns how many leading hits it left out.
// Deep pages would gather nearly everything: a sample tells between which values the page lies, so
// that the rest need only be counted.
func (s *search) skip(hits set, total, offset int, first *leading[hit], value func(uint32) int64, desc bool) int {
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	const deep, sample = 4096, 1024
	if first.k > deep && total > deep {
		lo, hi = s.bracket(hits, total, offset, first.k, sample, value, desc)
	}
	skipped, kept := 0, 0
	gather := leading[hit]{k: first.k, compare: first.compare}
	hits.each(func(ord uint32) {
		v := value(ord)
		switch {
		case v < lo || v > hi:
			if v < lo != desc {
				skipped++
			}
			return
		case gather.cut && v != gather.worst.value && v > gather.worst.value != desc:
			// Most hits end here, without a call.
		default:
			gather.add(hit{v, ord})
		}
		kept++
	})
	if skipped <= offset && skipped+kept >= first.k {
		gather.k = first.k - skipped
		*first = gather
		return skipped
	}
	// The sample was unlucky: without it.
	hits.each(func(ord uint32) { first.add(hit{value(ord), ord}) })
	return 0
}

// bracket returns values between which the hits offset … end most likely lie.
func (s *search) bracket(hits set, total, offset, end, sample int, value func(uint32) int64, desc bool) (lo, hi int64) {
	values := make([]int64, 0, sample+1)
	step, i := total/sample+1, 0
	hits.each(func(ord uint32) {
		if i%step == 0 {
			values = append(values, value(ord))
		}
		i++
	})
	slices.Sort(values)
	if desc {
		offset, end = total-end, total-offset
	}
	// Four standard deviations of a sampled rank, at their largest.
	margin := 2 * math.Sqrt(float64(len(values)))
	at := func(rank int, by float64) int { return int(float64(rank)/float64(total)*float64(len(values)) + by) }
	lo, hi = math.MinInt64, math.MaxInt64
	if i := at(offset, -margin); i >= 0 {
		lo = values[i]
	}
	if i := at(end, margin); i < len(values) {
		hi = values[i]
	}
	return lo, hi
}

// leading keeps the first k of many values in an order. It gathers twice as many before it throws the
// worse half out, so a value costs the same whatever k is and however the values come.
type leading[T any] struct {
	k       int
	compare func(a, b T) int
	buf     []T
	cut     bool // worst is set: what comes behind it is not among the first k
	worst   T
}

func (l *leading[T]) add(v T) {
	if l.cut && l.compare(v, l.worst) > 0 {
		return
	}
	l.buf = append(l.buf, v)
	if len(l.buf) >= max(2*l.k, 256) {
		l.settle()
	}
}

// settle drops all but the first k.
func (l *leading[T]) settle() {
	if len(l.buf) <= l.k || l.k == 0 {
		return
	}
	partition(l.buf, l.k-1, l.compare)
	l.buf = l.buf[:l.k]
	l.cut, l.worst = true, l.buf[l.k-1]
}

// from returns the first k without the first skip of them, sorted.
func (l *leading[T]) from(skip int) []T {
	l.settle()
	if skip >= len(l.buf) {
		return nil
	}
	if skip > 0 {
		partition(l.buf, skip, l.compare)
	}
	rest := l.buf[skip:]
	slices.SortFunc(rest, l.compare)
	return rest
}

// partition moves the elements so that b[k] is where sorting would put it, with all before it before
// and all behind it behind.
func partition[T any](b []T, k int, compare func(a, b T) int) {
	for lo, hi := 0, len(b)-1; lo < hi; {
		// The middle of three is a fair pivot for sorted input too, which is what hits mostly are.
		mid := lo + (hi-lo)/2
		if compare(b[mid], b[lo]) < 0 {
			b[mid], b[lo] = b[lo], b[mid]
		}
		if compare(b[hi], b[lo]) < 0 {
			b[hi], b[lo] = b[lo], b[hi]
		}
		if compare(b[hi], b[mid]) < 0 {
			b[hi], b[mid] = b[mid], b[hi]
		}
		pivot := b[mid]
		i, j := lo, hi
		for i <= j {
			for compare(b[i], pivot) < 0 {
				i++
			}
			for compare(pivot, b[j]) < 0 {
				j--
			}
			if i <= j {
				b[i], b[j] = b[j], b[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
}
