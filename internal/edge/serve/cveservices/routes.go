package cveservices

import (
	"net/http"
	"slices"
)

// routes are every endpoint of the surface. Each file of a subject has its own.
var routes = slices.Concat(otherRoutes, idRoutes, recordRoutes, recordPutRoutes, recordWholeRoutes, recordListRoutes, orgRoutes, userRoutes)

var otherRoutes = []route{
	ours(at(http.MethodGet, "health-check", anyone, (*call).empty)),
}
