// Package native is the room for Tasuki's own HTTP interface below /api/v1/: search in the query language, records with
// their history, the change stream, and an OpenAPI description beside the handlers. Errors there are problem details
// (RFC 9457); the rest of /api/ belongs to package cveservices and its error shape.
//
// The room is laid so that the prefix has one owner from the start; the interface itself is not part of this release.
package native
