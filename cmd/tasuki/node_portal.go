package main

import (
	"net/http"

	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/portal"
)

// portal is the pages of those who are signed in.
func (n *node) portal(kit page.Kit) http.Handler {
	return portal.Handler(portal.Options{Kit: kit, Acts: n.acts, Rand: n.rand})
}
