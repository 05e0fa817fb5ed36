// Package c2sp holds the pure text and byte formats of the C2SP transparency-log specifications that Tasuki speaks:
// tile paths and entry bundles (c2sp.org/tlog-tiles), checkpoints (c2sp.org/tlog-checkpoint), offline proofs
// (c2sp.org/tlog-proof@v1), verifier keys and signature lines (c2sp.org/signed-note), timestamped cosignatures
// (c2sp.org/tlog-cosignature), trust policies (c2sp.org/tlog-policy) and the requests to witnesses (c2sp.org/tlog-witness).
// Hashing and proofs themselves are golang.org/x/mod/sumdb/tlog's, a log's own signatures note's.
//
// Every value has one encoding: a parser refuses what its formatter would not have written.
package c2sp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Width is the number of hashes in a full tile and of entries in a full bundle (tlog-tiles, "Merkle Tree").
const Width = 256

// MaxLevel is the highest tile level that tlog-tiles can name.
const MaxLevel = 63

// Entries as a level names an entry bundle, tile/entries/<N>.
const Entries = -1

var (
	// ErrPath means that a string is not the path of a tile or an entry bundle.
	ErrPath = errors.New("c2sp: not a tile path")
	// ErrBundle means that bytes are not an entry bundle.
	ErrBundle = errors.New("c2sp: malformed entry bundle")
)

// TilePath is the path of a tile below a log's prefix: tile/<level>/<N>[.p/<width>]. level is 0–63 or Entries, n is
// not negative, width is 1–256; 256 is a full tile and has no suffix. Other arguments give ErrPath from ParseTilePath.
func TilePath(level int, n int64, width int) string {
	name := "entries"
	if level != Entries {
		name = strconv.Itoa(level)
	}
	p := "tile/" + name + "/" + IndexPath(n)
	if width != Width {
		p += ".p/" + strconv.Itoa(width)
	}
	return p
}

// IndexPath writes n in groups of three digits, all but the last prefixed by x: 1234067 is x001/x234/067.
func IndexPath(n int64) string {
	p := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		p = fmt.Sprintf("x%03d/", n%1000) + p
	}
	return p
}

// ParseTilePath is the inverse of TilePath. Errors wrap ErrPath.
func ParseTilePath(path string) (level int, n int64, width int, err error) {
	bad := func(why string) (int, int64, int, error) {
		return 0, 0, 0, fmt.Errorf("%w: %s", ErrPath, why)
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	name, rest, cut := strings.Cut(rest, "/")
	if !ok || !cut {
		return bad("expected tile/<level>/<index>")
	}
	level = Entries
	if name != "entries" {
		l, ok := decimal(name, MaxLevel)
		if !ok {
			return bad("level is not 0 to 63 or entries")
		}
		level = int(l)
	}
	width = Width
	index, partial, cut := strings.Cut(rest, ".p/")
	if cut {
		w, ok := decimal(partial, Width-1)
		if !ok || w == 0 {
			return bad("width is not 1 to 255")
		}
		width = int(w)
	}
	if n, err = ParseIndexPath(index); err != nil {
		return 0, 0, 0, err
	}
	return level, n, width, nil
}

// ParseIndexPath is the inverse of IndexPath. Errors wrap ErrPath.
func ParseIndexPath(path string) (int64, error) {
	groups := strings.Split(path, "/")
	var n int64
	for i, g := range groups {
		if i < len(groups)-1 {
			var ok bool
			if g, ok = strings.CutPrefix(g, "x"); !ok {
				return 0, fmt.Errorf("%w: index group without x", ErrPath)
			}
		}
		d, err := strconv.ParseUint(g, 10, 16)
		if err != nil || len(g) != 3 || n > (1<<63-1-int64(d))/1000 {
			return 0, fmt.Errorf("%w: index group is not three digits", ErrPath)
		}
		n = n*1000 + int64(d)
	}
	// Leading groups of zeroes are a second spelling of the same index.
	if IndexPath(n) != path {
		return 0, fmt.Errorf("%w: index has leading zero groups", ErrPath)
	}
	return n, nil
}

// decimal reads an ASCII decimal without sign or leading zeroes, at most max.
func decimal(s string, max uint64) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return n, err == nil && n <= max && strconv.FormatUint(n, 10) == s
}

// MaxEntry is the longest entry that a bundle can hold, in bytes.
const MaxEntry = 1<<16 - 1

// AppendEntry appends one entry of a bundle: its length as a big-endian uint16, then its bytes.
func AppendEntry(bundle, entry []byte) ([]byte, error) {
	if len(entry) > MaxEntry {
		return nil, fmt.Errorf("%w: entry of %d bytes, at most %d", ErrBundle, len(entry), MaxEntry)
	}
	bundle = append(bundle, byte(len(entry)>>8), byte(len(entry)))
	return append(bundle, entry...), nil
}

// ParseBundle splits a bundle into its entries, which share its memory: at least one, at most Width.
func ParseBundle(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for at := 0; at < len(bundle); {
		if len(entries) == Width {
			return nil, fmt.Errorf("%w: more than %d entries", ErrBundle, Width)
		}
		if len(bundle)-at < 2 {
			return nil, fmt.Errorf("%w: byte %d: half a length", ErrBundle, at)
		}
		n := int(bundle[at])<<8 | int(bundle[at+1])
		at += 2
		if len(bundle)-at < n {
			return nil, fmt.Errorf("%w: byte %d: entry of %d bytes is cut short", ErrBundle, at, n)
		}
		entries = append(entries, bundle[at:at+n:at+n])
		at += n
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrBundle)
	}
	return entries, nil
}
