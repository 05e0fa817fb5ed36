package event

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// check holds an event to its kind: which members it must and must not have.
func (e *Event) check() error {
	r, ok := rules[e.Kind]
	if !ok {
		return fmt.Errorf("%w: kind %q", ErrUnknown, e.Kind)
	}
	var need, have []string
	if e.At.IsZero() {
		need = append(need, "at")
	}
	if e.By == "" {
		need = append(need, "by")
	}
	if e.List == "" && e.Kind != EpochOpened {
		need = append(need, "list")
	}
	for _, m := range members {
		present := m.has(e)
		switch {
		case m.common:
		case slices.Contains(r.must, m.key):
			if !present {
				need = append(need, m.key)
			}
		case present && !slices.Contains(r.may, m.key):
			have = append(have, m.key)
		}
	}
	switch {
	case len(need) > 0:
		return fmt.Errorf("%w: %s lacks %s", ErrMalformed, e.Kind, strings.Join(need, ", "))
	case len(have) > 0:
		return fmt.Errorf("%w: %s has no member %s", ErrMalformed, e.Kind, strings.Join(have, ", "))
	case e.Body != nil && (e.Body.N >= 0) != (e.Kind != PrivateFact):
		return fmt.Errorf("%w: body.n stands with public bodies only", ErrMalformed)
	case e.Cont != "" && e.Cont != "cna" && e.Cont != "adp":
		return fmt.Errorf("%w: no container is called %q", ErrMalformed, e.Cont)
	case e.First < 0 || e.Last < e.First:
		return fmt.Errorf("%w: first %d, last %d", ErrMalformed, e.First, e.Last)
	}
	return e.checkKeys()
}
