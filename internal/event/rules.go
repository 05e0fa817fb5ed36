package event

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// check holds an event to its kind: which members it must and must not have.
func (e *Event) check() error {
	var need, have []string
	want := func(name string, present, required, allowed bool) {
		if required && !present {
			need = append(need, name)
		}
		if present && !allowed {
			have = append(have, name)
		}
	}
	k := e.Kind
	imported, noted := k == RecordImported, k == ImportNoted
	epoch := k == EpochOpened
	switch k {
	case EpochOpened, CharterNoted, Heartbeat, ImportNoted, RecordImported, BodyErased, PrivateFact:
	default:
		return fmt.Errorf("%w: kind %q", ErrUnknown, k)
	}
	want("at", !e.At.IsZero(), true, true)
	want("by", e.By != "", true, true)
	want("list", e.List != "" || epoch, true, true)
	want("body", e.Body != nil, imported || k == PrivateFact, imported || k == PrivateFact)
	want("id", e.ID != "", imported, imported)
	want("state", e.State != "", imported, imported)
	want("dates", e.Dates != Dates{}, false, imported)
	want("source_time", !e.SourceTime.IsZero(), false, imported)
	want("base", e.Base, false, imported)
	want("source", e.Source != "", noted, noted || imported)
	want("digest", e.Digest != "", noted, noted)
	want("counts", len(e.Counts) > 0, false, noted)
	want("sample", e.Sample, false, noted)
	want("charter", e.Charter != "", epoch || k == CharterNoted, epoch || k == CharterNoted)
	want("epoch", e.Epoch != 0, epoch, epoch)
	want("root", e.Root != "", epoch, epoch)
	want("size", e.Size != 0, false, epoch)
	want("skips", len(e.Skips) > 0, false, epoch)
	want("leaf", e.Leaf != nil, k == BodyErased, k == BodyErased)
	want("reason", e.Reason != "", k == BodyErased, k == BodyErased)
	switch {
	case len(need) > 0:
		return fmt.Errorf("%w: %s lacks %s", ErrMalformed, k, strings.Join(need, ", "))
	case len(have) > 0:
		return fmt.Errorf("%w: %s has no member %s", ErrMalformed, k, strings.Join(have, ", "))
	case e.Body != nil && (e.Body.N >= 0) != (k != PrivateFact):
		return fmt.Errorf("%w: body.n stands with public bodies only", ErrMalformed)
	}
	return nil
}
