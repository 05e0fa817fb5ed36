package main

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"tasuki/internal/drafts"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/portal"
	"tasuki/internal/edge/serve/web"
)

// portal is the pages of those who are signed in.
func (n *node) portal(kit page.Kit) http.Handler {
	o := portal.Options{Kit: kit, Acts: n.acts, Rand: n.rand, RequireTOTP: n.cfg.Portal.TOTP == "required"}
	o.Editing = &portal.Editing{Drafts: &drafts.Service{DB: n.db, Now: n.now}, Records: n.catalogue, Schema: n.acts.Schema, Sketch: web.Sketch, Compare: web.Compared}
	if c := n.cfg.OIDC; c.Issuer != "" {
		name := c.Issuer
		if u, err := url.Parse(c.Issuer); err == nil {
			name = u.Host
		}
		o.Provider = &portal.Provider{Issuer: c.Issuer, ClientID: c.ClientID, Secret: c.secret, Name: cmp.Or(c.Name, name), Client: &http.Client{Timeout: 10 * time.Second}}
	}
	return portal.Handler(o)
}
