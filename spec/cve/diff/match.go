package diff

// match finds for each element of the newer set the one of the older set that it was, -1 where it is new, and lists the older
// ones that are gone. Equal ones belong together whatever their order; then each key in turn pairs what is left, first with
// first. It looks at each element once per key.
func match(older, newer []*node, keys []key) (from, gone []int) {
	from = make([]int, len(newer))
	taken := make([]bool, len(older))
	for i := range from {
		from[i] = -1
	}
	pair := func(k key) {
		waiting := map[string][]int{}
		for i, n := range older {
			if mark := k.of(n); !taken[i] && mark != "" {
				waiting[mark] = append(waiting[mark], i)
			}
		}
		asking := map[string]int{}
		if k.only {
			for i, n := range newer {
				if from[i] < 0 {
					asking[k.of(n)]++
				}
			}
		}
		for i, n := range newer {
			if from[i] >= 0 {
				continue
			}
			mark := k.of(n)
			list := waiting[mark]
			if len(list) == 0 || k.only && (len(list) != 1 || asking[mark] != 1) {
				continue
			}
			from[i], taken[list[0]] = list[0], true
			waiting[mark] = list[1:]
		}
	}
	pair(key{of: func(n *node) string { return n.id }})
	for _, k := range keys {
		pair(k)
	}
	for i, t := range taken {
		if !t {
			gone = append(gone, i)
		}
	}
	return from, gone
}
