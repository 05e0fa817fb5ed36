// Package drafts keeps what people are writing before it is published: one draft for a person and an identifier, and the
// templates of an organisation. All of it is private and operational: none of it is in the log, and it goes with the person.
//
// A draft has a version, so that two tabs notice each other. What loses is not lost: it is kept beside the draft until
// somebody chooses.
package drafts

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/store"
)

// Limits of what is kept.
const (
	MaxBody      = 4 << 20 // bytes of a draft or template: a little more than the API takes
	MaxDrafts    = 500     // of a person
	MaxTemplates = 200     // of an organisation
	MaxName      = 80      // characters of a template's name
)

// Errors that callers branch on.
var (
	ErrNone  = errors.New("drafts: there is none")
	ErrStale = errors.New("drafts: another tab has saved since")
	ErrLarge = errors.New("drafts: too large to keep")
	ErrMany  = errors.New("drafts: too many to keep another")
	ErrName  = errors.New("drafts: a template needs a name of at most 80 characters on one line")
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var sqlFiles embed.FS

var queries = store.Load(sqlFiles, "sql")

var (
	getQuery   = queries.Get("get")
	putQuery   = queries.Get("put")
	dropQuery  = queries.Get("drop")
	listQuery  = queries.Get("list")
	countQuery = queries.Get("count")
	eraseQuery = queries.Get("erase")

	templateGet    = queries.Get("template_get")
	templatePut    = queries.Get("template_put")
	templateDrop   = queries.Get("template_drop")
	templateList   = queries.Get("template_list")
	templateForget = queries.Get("template_forget")
)

// Schema holds the migrations of this package's tables, for store.DB.Migrate.
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Service keeps drafts and templates. Who may do what is its callers' to ask: it is given the person and the organisation.
type Service struct {
	DB  *store.DB
	Now func() time.Time
}

// Draft is what a person is writing for an identifier.
type Draft struct {
	Subject string // the identifier
	Org     string // UUID of the organisation that they write for
	Version int64  // counts up from 1 with each save
	Body    []byte // nil in lists
	At      time.Time
}

const (
	current int64 = iota
	aside
)

// Get reads a draft; ErrNone.
func (s *Service) Get(ctx context.Context, user, subject string) (d Draft, err error) {
	return s.read(ctx, user, subject, current)
}

// Aside reads what lost against another tab's draft and was kept; ErrNone.
func (s *Service) Aside(ctx context.Context, user, subject string) (d Draft, err error) {
	return s.read(ctx, user, subject, aside)
}

func (s *Service) read(ctx context.Context, user, subject string, which int64) (d Draft, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		d, err = get(ctx, tx, user, subject, which)
		return err
	})
	return d, err
}

func get(ctx context.Context, tx *store.Tx, user, subject string, which int64) (Draft, error) {
	d := Draft{Subject: subject}
	var at int64
	err := tx.QueryRow(ctx, getQuery, user, subject, which).Scan(&d.Version, &d.Org, &d.Body, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNone
	}
	d.At = time.UnixMilli(at).UTC()
	return d, err
}

// Save keeps d.Body as the draft of a person. d.Version is the version that the writer began with, 0 where there was none.
// When the draft has another version by now, another tab saved it: d.Body is kept aside, the draft stays, and the error is
// ErrStale with the draft that is there. ErrLarge, ErrMany.
func (s *Service) Save(ctx context.Context, user string, d Draft) (Draft, error) {
	return s.save(ctx, user, d, false)
}

// Overrule is Save that does not mind another version; the draft that was there is kept aside instead.
func (s *Service) Overrule(ctx context.Context, user string, d Draft) (Draft, error) {
	return s.save(ctx, user, d, true)
}

func (s *Service) save(ctx context.Context, user string, d Draft, overrule bool) (out Draft, err error) {
	if len(d.Body) > MaxBody {
		return d, ErrLarge
	}
	stale := false
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		stale = false
		was, err := get(ctx, tx, user, d.Subject, current)
		switch {
		case errors.Is(err, ErrNone):
			var n int64
			if err := tx.QueryRow(ctx, countQuery, user).Scan(&n); err != nil {
				return err
			}
			if n >= MaxDrafts {
				return ErrMany
			}
		case err != nil:
			return err
		case string(was.Body) == string(d.Body) && was.Org == d.Org:
			out = was // nothing new: no version of its own
			return nil
		case was.Version != d.Version && !overrule:
			stale, out = true, was
			d.At = s.Now().UTC()
			return put(ctx, tx, user, d, aside)
		case was.Version != d.Version:
			if err := put(ctx, tx, user, was, aside); err != nil {
				return err
			}
		}
		out = d
		out.Version, out.At = was.Version+1, s.Now().UTC().Truncate(time.Millisecond)
		return put(ctx, tx, user, out, current)
	})
	if err == nil && stale {
		err = ErrStale
	}
	return out, err
}

func put(ctx context.Context, tx *store.Tx, user string, d Draft, which int64) error {
	_, err := tx.Exec(ctx, putQuery, user, d.Subject, which, d.Version, d.Org, d.Body, d.At.UnixMilli())
	return err
}

// Delete forgets a draft and what was kept beside it; there need not be one.
func (s *Service) Delete(ctx context.Context, user, subject string) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, dropQuery, user, subject, current); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, dropQuery, user, subject, aside)
		return err
	})
}

// DropAside forgets what was kept beside a draft.
func (s *Service) DropAside(ctx context.Context, user, subject string) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, dropQuery, user, subject, aside)
		return err
	})
}

// List is a person's drafts without their bodies, the one saved last first.
func (s *Service) List(ctx context.Context, user string) (out []Draft, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, listQuery, user)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d Draft
			var at int64
			if err := rows.Scan(&d.Subject, &d.Version, &d.Org, &at); err != nil {
				return err
			}
			d.At = time.UnixMilli(at).UTC()
			out = append(out, d)
		}
		return rows.Err()
	})
	return out, err
}

// Erase forgets a person: every draft of theirs, and that a template is of their hand. It runs in the caller's transaction,
// with whatever else forgets them.
func Erase(ctx context.Context, tx *store.Tx, user string) error {
	if _, err := tx.Exec(ctx, eraseQuery, user); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, templateForget, user)
	return err
}

// Template is a container to begin with.
type Template struct {
	Name string
	By   string // UUID of who saved it last; "" when they were erased
	Body []byte // nil in lists
	At   time.Time
}

// SaveTemplate keeps a template of an organisation under its name, over one that has it already. ErrName, ErrLarge, ErrMany.
func (s *Service) SaveTemplate(ctx context.Context, org string, t Template) error {
	name := strings.TrimSpace(t.Name)
	control := func(c rune) bool { return c < ' ' || c == 0x7f }
	if name == "" || utf8.RuneCountInString(name) > MaxName || !utf8.ValidString(name) || strings.ContainsFunc(name, control) {
		return ErrName
	}
	if len(t.Body) > MaxBody {
		return ErrLarge
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		list, err := templates(ctx, tx, org)
		if err != nil {
			return err
		}
		there := false
		for _, other := range list {
			there = there || other.Name == name
		}
		if !there && len(list) >= MaxTemplates {
			return ErrMany
		}
		_, err = tx.Exec(ctx, templatePut, org, name, t.By, t.Body, s.Now().UnixMilli())
		return err
	})
}

// Template reads a template of an organisation; ErrNone.
func (s *Service) Template(ctx context.Context, org, name string) (t Template, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		t = Template{Name: name}
		var at int64
		err := tx.QueryRow(ctx, templateGet, org, name).Scan(&t.By, &t.Body, &at)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNone
		}
		t.At = time.UnixMilli(at).UTC()
		return err
	})
	return t, err
}

// DeleteTemplate forgets a template; there need not be one.
func (s *Service) DeleteTemplate(ctx context.Context, org, name string) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, templateDrop, org, name)
		return err
	})
}

// Templates are an organisation's templates by name, without their bodies.
func (s *Service) Templates(ctx context.Context, org string) (out []Template, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out, err = templates(ctx, tx, org)
		return err
	})
	return out, err
}

func templates(ctx context.Context, tx *store.Tx, org string) ([]Template, error) {
	rows, err := tx.Query(ctx, templateList, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Template
	for rows.Next() {
		var t Template
		var at int64
		if err := rows.Scan(&t.Name, &t.By, &at); err != nil {
			return nil, err
		}
		t.At = time.UnixMilli(at).UTC()
		out = append(out, t)
	}
	return out, rows.Err()
}
