package gcve

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"tasuki/spec/gcve"
)

// Source is where the directory comes from.
type Source struct {
	URL string   // of gcve.json; its signature is beside it, with .sigsha512 behind the name
	Key gcve.Key // pinned
	TXT string   // DNS name of a TXT record that holds the same key; "" asks no second channel
}

// Checked is what was seen beside the directory.
type Checked struct {
	// NewKey says that the host publishes another key than the pinned one, though the directory is signed by the pinned one: a rollover begins, or
	// somebody prepares something. People have to look (BCP-01).
	NewKey bool
	TXT    bool // the second channel was asked and confirms the key
}

// Directory fetches the directory, checks its signature with the pinned key before a byte is read, asks the second channel, and hands it over. The
// errors are gcve.ErrSignature, ErrKey, those of fetching, and those of Intake.
func (p *Puller) Directory(ctx context.Context, s Source) (c Checked, err error) {
	if s.Key.IsZero() {
		return c, gcve.ErrKey
	}
	if s.TXT != "" {
		if err := p.confirm(ctx, s); err != nil {
			return c, err
		}
		c.TXT = true
	}
	raw, sig, err := p.signed(ctx, s)
	if err != nil {
		return c, err
	}
	if c.NewKey = p.otherKey(ctx, s); c.NewKey {
		p.Log.WarnContext(ctx, "the directory's host publishes another key than the pinned one", "url", s.URL)
	}
	return c, p.Intake.Directory(ctx, s.URL, raw, sig)
}

// signed fetches directory and signature until both fit: they are two files, and one may be replaced between the two requests.
func (p *Puller) signed(ctx context.Context, s Source) (raw, sig []byte, err error) {
	for range 3 {
		if sig, err = p.small(ctx, s.URL+".sigsha512", maxSmall); err != nil {
			return nil, nil, fmt.Errorf("signature of the directory: %w", err)
		}
		if raw, err = p.small(ctx, s.URL, gcve.MaxDirectory); err != nil {
			return nil, nil, fmt.Errorf("directory: %w", err)
		}
		if err = s.Key.Verify(raw, sig); err == nil {
			return raw, sig, nil
		}
	}
	return nil, nil, err
}

// confirm asks the second channel. One of the records has to be the pinned key.
func (p *Puller) confirm(ctx context.Context, s Source) error {
	if p.LookupTXT == nil {
		return fmt.Errorf("%w: there is no resolver", ErrKey)
	}
	records, err := p.LookupTXT(ctx, s.TXT)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	// A key is longer than one string of a record: resolvers give the strings of one record joined, but some zones hold several records.
	for _, text := range append(records, strings.Join(records, "")) {
		if k, err := gcve.ParseKeyText(text); err == nil && k.Equal(s.Key) {
			return nil
		}
	}
	return ErrKey
}

// otherKey says whether the key beside the directory is readable and another one. That it cannot be had says nothing.
func (p *Puller) otherKey(ctx context.Context, s Source) bool {
	u, err := url.Parse(s.URL)
	if err != nil {
		return false
	}
	u.Path = path.Join(path.Dir(u.Path), "key", "public.pem")
	raw, err := p.small(ctx, u.String(), maxSmall)
	if err != nil {
		return false
	}
	k, err := gcve.ParseKey(raw)
	return err == nil && !k.Equal(s.Key)
}
