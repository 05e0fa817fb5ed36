// Package native is Tasuki's own HTTP interface below /api/v1/: search, statistics and export as the command line asks
// them. The query language, records with their history, the change stream and an OpenAPI description join them here.
// Errors are problem details (RFC 9457); the rest of /api/ belongs to package cveservices and its error shape.
package native
