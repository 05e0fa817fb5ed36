package store

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Query is one SQL statement with its text for either engine. Its identity keys the prepared statements, so queries
// are loaded once, at start.
type Query struct {
	name             string
	sqlite, postgres string
}

// Queries is a folder of query files.
type Queries struct {
	dir    string
	byName map[string]*Query
}

// Load reads every NAME.sql in dir; NAME.postgres.sql, where present, is PostgreSQL's own text. Files are written with
// ? placeholders. It panics when the folder cannot be read or an override has no base: both are mistakes in the program.
func Load(fsys fs.FS, dir string) *Queries {
	qs := &Queries{dir: dir, byName: map[string]*Query{}}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		panic(fmt.Sprintf("store: queries in %s: %v", dir, err))
	}
	overrides := map[string]string{}
	for _, e := range entries {
		raw, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			panic(fmt.Sprintf("store: query %s: %v", e.Name(), err))
		}
		if base, ok := strings.CutSuffix(e.Name(), ".postgres.sql"); ok {
			overrides[base] = string(raw)
		} else if base, ok := strings.CutSuffix(e.Name(), ".sql"); ok {
			qs.byName[base] = &Query{name: base, sqlite: string(raw), postgres: numbered(string(raw))}
		}
	}
	for base, text := range overrides {
		q, ok := qs.byName[base]
		if !ok {
			panic(fmt.Sprintf("store: %s.postgres.sql in %s overrides nothing", base, dir))
		}
		q.postgres = numbered(text)
	}
	return qs
}

// Get returns the query of that name. It panics when there is none: the name is a constant of the program.
func (qs *Queries) Get(name string) *Query {
	q, ok := qs.byName[name]
	if !ok {
		panic(fmt.Sprintf("store: no query %s in %s", name, qs.dir))
	}
	return q
}

// Inline makes a query from text in Go, for statements too small for a file (tests, pragmas).
func Inline(name, text string) *Query {
	return &Query{name: name, sqlite: text, postgres: numbered(text)}
}

// numbered rewrites ? placeholders to PostgreSQL's $1, $2, …; text in quotes and comments is left alone.
func numbered(text string) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '\'' || ch == '"':
			end := strings.IndexByte(text[i+1:], ch)
			if end < 0 {
				b.WriteString(text[i:])
				return b.String()
			}
			b.WriteString(text[i : i+end+2])
			i += end + 1
		case ch == '-' && strings.HasPrefix(text[i:], "--"):
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return b.String()
			}
			b.WriteString(text[i : i+end+1])
			i += end
		case ch == '?':
			n++
			b.WriteString("$" + strconv.Itoa(n))
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}
