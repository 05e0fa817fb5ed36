package charter

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// tinyChain is a second verifier, written from the protocol's text and sharing no code with the package: it says how
// many charters from the front form a valid chain. It takes the form of a document for granted beyond what F.1 and the
// definition of the board say, so it is compared on documents that are well formed or wrong in those respects.
func tinyChain(raws [][]byte) int {
	type doc = map[string]any
	var chain []doc
	var hashes []string
	list := ""
	for i, raw := range raws {
		if len(raw) > 65536 {
			return i
		}
		var env struct {
			Signed json.RawMessage
			Sigs   []struct{ ID, Sig string }
		}
		var d doc
		if json.Unmarshal(raw, &env) != nil || json.Unmarshal(env.Signed, &d) != nil {
			return i
		}
		sum := sha256.Sum256(env.Signed)
		hash := hex.EncodeToString(sum[:])
		if i == 0 {
			list = hash
		}
		num := func(v any) int { f, _ := v.(float64); return int(f) }
		obj := func(v any) doc { m, _ := v.(doc); return m }
		arr := func(v any) []any { a, _ := v.([]any); return a }
		verify := func(key any, sig string) bool {
			k, _ := base64.StdEncoding.DecodeString(fmt.Sprint(key))
			s, _ := base64.StdEncoding.DecodeString(sig)
			const typ = "application/vnd.tasuki.charter+json"
			msg := fmt.Sprintf("DSSEv1 %d %s %d %s", len(typ), typ, len(env.Signed), env.Signed)
			return len(k) == 32 && ed25519.Verify(k, []byte(msg), s)
		}
		count := func(board doc) int {
			got := map[any]bool{}
			for _, seat := range arr(board["keys"]) {
				for _, s := range env.Sigs {
					if s.ID == obj(seat)["id"] && verify(obj(seat)["ed25519"], s.Sig) {
						got[obj(seat)["ed25519"]] = true
					}
				}
			}
			return len(got)
		}
		origin := func(d doc) string {
			o := obj(d["operator"])
			return fmt.Sprintf("tasuki/%s/%d-%s", list[:16], num(o["epoch"]), o["slug"])
		}

		// The document by itself.
		board := obj(d["board"])
		n, k, ke := len(arr(board["keys"])), num(board["k"]), num(board["k_e"])
		if 2*k <= n || k > n || k < 1 || ke < 1 || ke > k || num(d["v"]) != i+1 {
			return i
		}
		ids, keys := map[any]bool{}, map[any]bool{}
		for _, seat := range arr(board["keys"]) {
			ids[obj(seat)["id"]], keys[obj(seat)["ed25519"]] = true, true
		}
		if len(ids) != n || len(keys) != n || ids["log"] || keys[obj(d["operator"])["ed25519"]] {
			return i
		}
		keys[obj(d["operator"])["ed25519"]] = true
		names := map[string]bool{}
		cosigner := func(vkey any) bool { // a key of type 4 that nobody else has
			name, rest, _ := strings.Cut(fmt.Sprint(vkey), "+")
			hash, b64, _ := strings.Cut(rest, "+")
			typed, _ := base64.StdEncoding.DecodeString(b64)
			sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
			if len(typed) != 33 || typed[0] != 4 || hash != hex.EncodeToString(sum[:4]) || keys[base64.StdEncoding.EncodeToString(typed[1:])] {
				return false
			}
			keys[base64.StdEncoding.EncodeToString(typed[1:])] = true
			return true
		}
		if m := obj(d["mirrors"]); m != nil {
			if c, q, f := len(arr(m["list"])), num(m["q"]), num(m["f"]); c == 0 || 2*q <= c+f || q > c || f < 0 || f >= c {
				return i
			}
			for _, one := range arr(m["list"]) {
				vkey := fmt.Sprint(obj(one)["vkey"])
				name, _, _ := strings.Cut(vkey, "+")
				if names[name] || !cosigner(vkey) {
					return i
				}
				names[name] = true
			}
		}
		if policy, has := d["policy"].(string); has && !tinyPolicy(policy, cosigner) {
			return i
		}
		if i == 0 {
			if d["prev"] != "" || d["genesis"] != "" || num(obj(d["operator"])["epoch"]) != 1 || d["continue_at"] != nil || count(board) < k {
				return 0
			}
			chain, hashes = append(chain, d), append(hashes, hash)
			continue
		}

		// Against the one before.
		old := chain[i-1]
		if d["prev"] != hashes[i-1] || d["genesis"] != list || d["test"] != old["test"] {
			return i
		}
		quiet := reflect.DeepEqual(d["operator"], old["operator"]) && reflect.DeepEqual(d["mirrors"], old["mirrors"]) && d["policy"] == old["policy"]
		if quiet {
			if d["continue_at"] != nil {
				return i
			}
		} else {
			if num(obj(d["operator"])["epoch"]) != num(obj(old["operator"])["epoch"])+1 || old["mirrors"] == nil && d["continue_at"] == nil {
				return i
			}
			for _, b := range chain {
				if origin(b) == origin(d) || obj(b["operator"])["ed25519"] == obj(d["operator"])["ed25519"] {
					return i
				}
			}
		}
		byBoard := count(obj(old["board"])) >= num(obj(old["board"])["k"]) && count(board) >= k
		byLog := false
		if old["mirrors"] == nil {
			only := func(d doc) doc {
				c := doc{}
				for key, v := range d {
					switch key {
					case "v", "prev", "genesis", "issued", "reason", "features", "continue_at":
					default:
						c[key] = v
					}
				}
				return c
			}
			kept := map[any]bool{}
			for _, f := range arr(d["features"]) {
				kept[f] = true
			}
			superset := len(kept) > len(arr(old["features"]))
			for _, f := range arr(old["features"]) {
				superset = superset && kept[f]
			}
			for _, s := range env.Sigs {
				byLog = byLog || s.ID == "log" && superset && reflect.DeepEqual(only(d), only(old)) && verify(obj(old["operator"])["ed25519"], s.Sig)
			}
		}
		if !byBoard && !byLog {
			return i
		}
		chain, hashes = append(chain, d), append(hashes, hash)
	}
	return len(raws)
}

// tinyPolicy says whether text is a policy without logs. cosigner judges a witness's key and takes it.
func tinyPolicy(text string, cosigner func(any) bool) bool {
	if !strings.HasSuffix(text, "\n") {
		return false
	}
	known, used, quorums := map[string]bool{"none": true}, map[string]bool{"none": true}, 0
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		w := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		switch {
		case len(w) == 0 || w[0][0] == '#':
		case w[0] == "witness" && (len(w) == 3 || len(w) == 4 && strings.HasPrefix(w[3], "http")):
			if known[w[1]] || !cosigner(w[2]) {
				return false
			}
			known[w[1]] = true
		case w[0] == "group" && len(w) > 3:
			k, err := strconv.Atoi(w[2])
			if w[2] == "any" || w[2] == "all" {
				k, err = 1, nil
			}
			if err != nil || k < 1 || k > len(w)-3 || w[2][0] == '0' || w[2][0] == '+' || known[w[1]] {
				return false
			}
			for _, m := range w[3:] {
				if !known[m] || used[m] {
					return false
				}
				used[m] = true
			}
			known[w[1]] = true
		case w[0] == "quorum" && len(w) == 2 && known[w[1]]:
			quorums++
		default:
			return false
		}
	}
	return quorums == 1
}
