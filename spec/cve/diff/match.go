package diff

// match finds for each element of the newer set the one of the older set that it was, -1 where it is new, and lists the older
// ones that are gone. Equal ones belong together whatever their order; then each key in turn pairs what is left, first with
// first. It looks at each element once per key.
func match(older, newer []*node, keys []key) (from, gone []int) {
	from = make([]int, len(newer))
	left := make([]int, len(newer)) // of the newer set, without a partner yet
	for i := range newer {
		from[i], left[i] = -1, i
	}
	gone = make([]int, len(older)) // likewise of the older set
	for i := range older {
		gone[i] = i
	}
	same := key{of: func(n *node) string { return n.id }}
	for _, k := range append([]key{same}, keys...) {
		if len(left) == 0 || len(gone) == 0 {
			break
		}
		left, gone = pairUp(older, newer, from, left, gone, k)
	}
	return from, gone
}

// group is the elements that share a key: those of the older set in their order, and how many of the newer set ask for them.
type group struct{ first, last, older, newer int }

// pairUp fills from by one key and returns who is left on both sides.
func pairUp(older, newer []*node, from, left, gone []int, k key) (stillLeft, stillGone []int) {
	groups := make(map[string]*group, len(gone))
	next := make([]int, len(older))
	for _, i := range gone {
		mark := k.of(older[i])
		if mark == "" {
			continue
		}
		g := groups[mark]
		if g == nil {
			g = &group{first: i}
			groups[mark] = g
		} else {
			next[g.last] = i
		}
		g.last = i
		g.older++
	}
	asked := make([]*group, len(left)) // nil where nobody waits
	for n, i := range left {
		if g := groups[k.of(newer[i])]; g != nil {
			asked[n] = g
			g.newer++
		}
	}
	taken := make([]bool, len(older))
	for n, i := range left {
		g := asked[n]
		if g == nil || g.older == 0 || k.only && (g.older != 1 || g.newer != 1) {
			stillLeft = append(stillLeft, i)
			continue
		}
		from[i], taken[g.first] = g.first, true
		g.first = next[g.first]
		g.older--
	}
	for _, i := range gone {
		if !taken[i] {
			stillGone = append(stillGone, i)
		}
	}
	return stillLeft, stillGone
}
