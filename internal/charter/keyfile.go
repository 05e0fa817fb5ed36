package charter

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/dsse"
)

// ErrKeyFile means a file that is not the key file it should be.
var ErrKeyFile = errors.New("charter: not a usable key file")

// NewKey draws an Ed25519 key: 32 bytes of rand are its seed (RFC 8032 §5.1.5).
func NewKey(rand io.Reader) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// BoardKey is one board member's private key, with the list and seat that it is for.
type BoardKey struct {
	List    string // list id; "" in a key that was made before the list was founded, and is bound to none
	ID      string // seat
	Private ed25519.PrivateKey
}

// Public is the key as it stands in the charter's board.
func (k *BoardKey) Public() ed25519.PublicKey { return k.Private.Public().(ed25519.PublicKey) }

const boardKeyTag = "TASUKI-BOARD-KEY-1"

// noList stands for the list in the file of a key that is bound to none.
const noList = "genesis"

// Marshal writes the key file: a header for the person who finds it, then one line
// "TASUKI-BOARD-KEY-1 <list id, or genesis> <seat> <seed in base64>". Lines that begin with # are for people.
func (k *BoardKey) Marshal() []byte {
	list := k.List
	if list == "" {
		list = noList
	}
	return fmt.Appendf(nil, `# BOARD KEY - take this file away from the machine that runs the list.
#
# Whoever holds it decides who runs the list: it signs the charter that names a new operator or a new
# log key, and it is needed to write again after a restore from backup. Without it a restored store can
# only be read. The running node never needs it.
# Move it to a medium that is kept offline, make a second copy, and delete it here.
#
# 理事会の鍵です。このファイルは、リストを運用する機械から必ず持ち出してください。
# これを持つ人が、リストの運用者を決めます。バックアップから復元したあとに書き込みを再開するにも必要です。
# 失うと、復元したデータは読み取り専用になります。動いているノードがこの鍵を使うことはありません。
# オフラインの媒体に移し、複製をもう一つ作り、ここからは消してください。
#
# list:       %s
# seat:       %s
# public key: %s
%s %s %s %s
`, list, k.ID, dsse.EncodeKey(k.Public()), boardKeyTag, list, k.ID, base64.StdEncoding.EncodeToString(k.Private.Seed()))
}

// ParseBoardKey reads what Marshal writes.
func ParseBoardKey(raw []byte) (*BoardKey, error) {
	line, err := onlyLine(raw)
	if err != nil {
		return nil, err
	}
	f := strings.Split(line, " ")
	if len(f) != 4 || f[0] != boardKeyTag {
		return nil, fmt.Errorf("%w: no line %q", ErrKeyFile, boardKeyTag+" <list> <seat> <key>")
	}
	if f[1] == noList {
		f[1] = ""
	}
	if f[1] != "" && !isHash(f[1]) || !slug(f[2]) || f[2] == LogSigner {
		return nil, fmt.Errorf("%w: list or seat is malformed", ErrKeyFile)
	}
	seed, err := dsse.ParseKey(f[3]) // a seed is 32 bytes in the same base64
	if err != nil {
		return nil, fmt.Errorf("%w: the key is malformed", ErrKeyFile) // and is not repeated in a message
	}
	return &BoardKey{List: f[1], ID: f[2], Private: ed25519.NewKeyFromSeed(seed)}, nil
}

// WriteFile writes a new key file that only its owner may read. It never overwrites: a lost board key cannot be had
// again. When it returns, the file is on disk.
func (k *BoardKey) WriteFile(path string) error { return writeSecret(path, k.Marshal()) }

// ReadBoardKey reads a key file.
func ReadBoardKey(path string) (*BoardKey, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	k, err := ParseBoardKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// LogKey is the operator's key of one epoch, with the origin it signs for. On disk it is the note package's signer key
// (PRIVATE+KEY+<origin>+<hash>+<base64>) under a header for people.
type LogKey struct {
	Origin  string
	Private ed25519.PrivateKey
}

// Public is the key as it stands in the charter's operator section.
func (k *LogKey) Public() ed25519.PublicKey { return k.Private.Public().(ed25519.PublicKey) }

// skey is the note package's text form.
func (k *LogKey) skey() (string, error) {
	vkey, err := note.NewEd25519VerifierKey(k.Origin, k.Public())
	if err != nil {
		return "", err
	}
	hash := strings.SplitN(vkey, "+", 3)[1]
	const algEd25519 = 1
	return "PRIVATE+KEY+" + k.Origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, k.Private.Seed()...)), nil
}

// Signer signs checkpoints.
func (k *LogKey) Signer() (note.Signer, error) {
	s, err := k.skey()
	if err != nil {
		return nil, fmt.Errorf("log key of %s: %w", k.Origin, err)
	}
	return note.NewSigner(s)
}

// Marshal writes the key file.
func (k *LogKey) Marshal() ([]byte, error) {
	s, err := k.skey()
	if err != nil {
		return nil, fmt.Errorf("log key of %s: %w", k.Origin, err)
	}
	return fmt.Appendf(nil, `# LOG KEY - signs this node's checkpoints. Keep it here and nowhere else; it is not part of a backup.
# If it is lost, the board key opens a new epoch with a new one: tasuki restore --board-key FILE
# ログの鍵です。チェックポイントに署名します。ここだけに置き、バックアップには含めないでください。
%s
`, s), nil
}

// ParseLogKey reads what Marshal writes.
func ParseLogKey(raw []byte) (*LogKey, error) {
	line, err := onlyLine(raw)
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(line, "PRIVATE+KEY+")
	f := strings.SplitN(rest, "+", 3)
	if !ok || len(f) != 3 {
		return nil, fmt.Errorf("%w: no PRIVATE+KEY line", ErrKeyFile)
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(f[2])
	if err != nil || len(secret) != 1+ed25519.SeedSize {
		return nil, fmt.Errorf("%w: the key is malformed", ErrKeyFile)
	}
	k := &LogKey{Origin: f[0], Private: ed25519.NewKeyFromSeed(secret[1:])}
	// The algorithm and the hash are checked by writing it again.
	if again, err := k.skey(); err != nil || again != line {
		return nil, fmt.Errorf("%w: the key does not fit its own hash", ErrKeyFile)
	}
	return k, nil
}

// WriteFile writes a new key file that only its owner may read; it never overwrites.
func (k *LogKey) WriteFile(path string) error {
	raw, err := k.Marshal()
	if err != nil {
		return err
	}
	return writeSecret(path, raw)
}

// ReadLogKey reads a key file.
func ReadLogKey(path string) (*LogKey, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	k, err := ParseLogKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// onlyLine is the one line of a key file that is neither empty nor for people.
func onlyLine(raw []byte) (string, error) {
	found := ""
	s := bufio.NewScanner(bytes.NewReader(raw))
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r ")
		if line == "" || line[0] == '#' {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%w: more than one key", ErrKeyFile)
		}
		found = line
	}
	if s.Err() != nil || found == "" {
		return "", fmt.Errorf("%w: no key in it", ErrKeyFile)
	}
	return found, nil
}

// readSmall reads a key file; anything beyond 16 KiB is not one.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	const most = 16 << 10
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(raw) > most {
		err = fmt.Errorf("%s: %w: longer than 16 KiB", path, ErrKeyFile)
	}
	return raw, err
}

// writeSecret creates path with mode 0600 and makes it durable: a key that is in use but not on disk is a lost list.
func writeSecret(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(path) // half a key is worse than none
		return fmt.Errorf("write %s: %w", path, err)
	}
	// The name must survive too. Folders cannot be synced everywhere (Windows), so this is best effort.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
