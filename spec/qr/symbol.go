package qr

// symbol is a QR code while it is drawn.
type symbol struct {
	size  int
	dark  [][]bool
	fixed [][]bool // modules of patterns, which no mask touches
}

// draw places the codewords around the patterns and chooses the mask that cameras like best (§7.7, §7.8).
func draw(version int, words []byte) [][]bool {
	s := &symbol{size: 17 + 4*version}
	for range s.size {
		s.dark = append(s.dark, make([]bool, s.size))
		s.fixed = append(s.fixed, make([]bool, s.size))
	}
	s.patterns(version)
	s.format(0) // keeps its place free; what it says comes with the mask
	s.version(version)
	s.place(words)
	best, least := 0, -1
	for mask := range masks {
		s.mask(mask)
		s.format(mask)
		if p := s.penalty(); least < 0 || p < least {
			best, least = mask, p
		}
		s.mask(mask)
	}
	s.mask(best)
	s.format(best)
	return s.dark
}

func (s *symbol) set(x, y int, dark bool) {
	if x >= 0 && x < s.size && y >= 0 && y < s.size {
		s.dark[y][x], s.fixed[y][x] = dark, true
	}
}

// patterns are the finders with their separators, the timing and the alignment patterns (§6.3).
func (s *symbol) patterns(version int) {
	for i := range s.size {
		s.set(6, i, i%2 == 0)
		s.set(i, 6, i%2 == 0)
	}
	for _, corner := range [][2]int{{3, 3}, {s.size - 4, 3}, {3, s.size - 4}} {
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				ring := max(dx, -dx, dy, -dy)
				s.set(corner[0]+dx, corner[1]+dy, ring != 2 && ring != 4)
			}
		}
	}
	c := versions[version].centres
	for i, y := range c {
		for j, x := range c {
			if last := len(c) - 1; i == 0 && (j == 0 || j == last) || i == last && j == 0 {
				continue // a finder is there
			}
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					s.set(x+dx, y+dy, max(dx, -dx, dy, -dy) != 1)
				}
			}
		}
	}
}

// checked is value with the remainder of a BCH code behind it.
func checked(value, bits, poly int) int {
	rem := value
	for range bits {
		rem = rem<<1 ^ (rem>>(bits-1))*poly
	}
	return value<<bits | rem
}

// format says twice the level, M, which is 00, and the mask (§7.9).
func (s *symbol) format(mask int) {
	bits := checked(mask, 10, 0x537) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		s.set(8, i, bit(i))
	}
	s.set(8, 7, bit(6))
	s.set(8, 8, bit(7))
	s.set(7, 8, bit(8))
	for i := 9; i < 15; i++ {
		s.set(14-i, 8, bit(i))
	}
	for i := range 8 {
		s.set(s.size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		s.set(8, s.size-15+i, bit(i))
	}
	s.set(8, s.size-8, true)
}

// version says twice which it is, from 7 on (§7.10).
func (s *symbol) version(version int) {
	if version < 7 {
		return
	}
	bits := checked(version, 12, 0x1F25)
	for i := range 18 {
		a, b := s.size-11+i%3, i/3
		s.set(a, b, bits>>i&1 == 1)
		s.set(b, a, bits>>i&1 == 1)
	}
}

// place walks up and down in columns of two, from the right, passing over the vertical timing pattern (§7.7.3).
func (s *symbol) place(words []byte) {
	i := 0
	up := true
	for right := s.size - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for n := range s.size {
			y := n
			if up {
				y = s.size - 1 - n
			}
			for _, x := range []int{right, right - 1} {
				if s.fixed[y][x] || i >= 8*len(words) {
					continue
				}
				s.dark[y][x] = words[i>>3]>>(7-i&7)&1 == 1
				i++
			}
		}
		up = !up
	}
}

// masks are the conditions of table 10, x being the column and y the row.
var masks = []func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

// mask turns the modules that a mask names, or turns them back.
func (s *symbol) mask(n int) {
	for y := range s.size {
		for x := range s.size {
			if !s.fixed[y][x] && masks[n](x, y) {
				s.dark[y][x] = !s.dark[y][x]
			}
		}
	}
}

// penalty weighs what makes a symbol hard to read (§7.8.3.1): runs, squares, what looks like a finder, imbalance.
func (s *symbol) penalty() (sum int) {
	at := func(a, b int, turned bool) bool {
		if turned {
			return s.dark[b][a]
		}
		return s.dark[a][b]
	}
	dark := 0
	for _, turned := range []bool{false, true} {
		for a := range s.size {
			run, seen := 0, 0
			for b := range s.size {
				d := at(a, b, turned)
				if b > 0 && d == at(a, b-1, turned) {
					run++
				} else {
					run = 1
				}
				switch {
				case run == 5:
					sum += 3
				case run > 5:
					sum++
				}
				seen = seen << 1 & 0x7ff
				if d {
					seen |= 1
				}
				if b >= 10 && (seen == 0b10111010000 || seen == 0b00001011101) {
					sum += 40
				}
				if d && !turned {
					dark++
				}
			}
		}
	}
	for y := range s.size - 1 {
		for x := range s.size - 1 {
			if d := s.dark[y][x]; d == s.dark[y][x+1] && d == s.dark[y+1][x] && d == s.dark[y+1][x+1] {
				sum += 3
			}
		}
	}
	off := 20*dark - 10*s.size*s.size
	return sum + max(off, -off)/(s.size*s.size)*10
}
