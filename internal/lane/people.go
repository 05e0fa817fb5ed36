package lane

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// Errors of the people who may ask a node.
var (
	// ErrPerson means a username that cannot be one: 3 to 128 letters, digits and -_@., beginning with a letter or digit.
	ErrPerson = errors.New("lane: a username has 3 to 128 letters, digits and -_@., and begins with a letter or digit")
	// ErrNobody means a username that nobody has here.
	ErrNobody = errors.New("lane: nobody has that username here")
)

var usernames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9\-_@.]{2,127}$`)

// People are those who may ask a node over HTTP, a file for each below the node's folder. A file is read when somebody asks, so that
// a key is good, and bad, at once; adding and removing need no lock of the folder.
type People struct{ Dir string } // the node's folder

// Person is one of them.
type Person struct {
	Username string    `json:"username"`
	ID       string    `json:"id"`   // UUID, version 4
	Hash     string    `json:"hash"` // SHA-256 of the key, hex. The key is drawn here and long: nothing slower protects it better.
	Made     time.Time `json:"made"`
	Changed  time.Time `json:"changed"`
}

// keyBytes are drawn for a key: 36 hex digits, the length that clients of CVE Services know.
const keyBytes = 18

// Add gives somebody a key, which is told this once. A new key for a username that is there takes the place of the old one.
func (p People) Add(random io.Reader, now time.Time, username string) (key string, err error) {
	if !usernames.MatchString(username) {
		return "", ErrPerson
	}
	now = now.UTC().Truncate(time.Millisecond)
	who, err := p.Find(username)
	switch {
	case errors.Is(err, ErrNobody):
		var id [16]byte
		if _, err := io.ReadFull(random, id[:]); err != nil {
			return "", fmt.Errorf("draw an id: %w", err)
		}
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		who = Person{Username: username, ID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), Made: now}
	case err != nil:
		return "", err
	}
	var raw [keyBytes]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("draw a key: %w", err)
	}
	key = hex.EncodeToString(raw[:])
	who.Hash, who.Changed = hashOf(key), now
	file, err := json.Marshal(who)
	if err != nil {
		return "", err
	}
	return key, replace(p.file(username), append(file, '\n'))
}

// Remove takes a key back: ErrNobody.
func (p People) Remove(username string) error {
	if _, err := p.Find(username); err != nil {
		return err
	}
	return errors.Join(os.Remove(p.file(username)), syncFolder(filepath.Dir(p.file(username))))
}

// Find is one of them: ErrNobody.
func (p People) Find(username string) (who Person, err error) {
	if !usernames.MatchString(username) {
		return who, ErrNobody
	}
	raw, err := os.ReadFile(p.file(username))
	if errors.Is(err, fs.ErrNotExist) {
		return who, ErrNobody
	}
	if err == nil {
		err = json.Unmarshal(raw, &who)
	}
	if err != nil {
		return Person{}, fmt.Errorf("a person's file: %w", err)
	}
	if who.Username != username { // a file system that does not tell letters' cases apart
		return Person{}, ErrNobody
	}
	return who, nil
}

// Enter is who has this key: ErrNobody for a wrong key as for nobody, after the same time.
func (p People) Enter(username, key string) (Person, error) {
	who, err := p.Find(username)
	if err != nil && !errors.Is(err, ErrNobody) {
		return who, err
	}
	want := who.Hash
	if err != nil {
		want = hashOf(rand.Text())
	}
	if subtle.ConstantTimeCompare([]byte(hashOf(key)), []byte(want)) != 1 || err != nil {
		return Person{}, ErrNobody
	}
	return who, nil
}

// List is all of them, by username.
func (p People) List() (all []Person, err error) {
	entries, err := os.ReadDir(filepath.Dir(p.file("x")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		username, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		who, err := p.Find(username)
		if errors.Is(err, ErrNobody) {
			continue // removed meanwhile, or a file of somebody else's
		}
		if err != nil {
			return nil, err
		}
		all = append(all, who)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Username < all[j].Username })
	return all, nil
}

func (p People) file(username string) string { return filepath.Join(p.Dir, "people", username+".json") }

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
