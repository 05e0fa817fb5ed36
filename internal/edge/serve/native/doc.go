// Package native is Tasuki's own HTTP interface below /api/v1/: search in the query language, records with their history and
// differences, the state of the list at any moment, the change stream, bulk downloads and feeds. The shapes of its answers are
// those of package client; its OpenAPI 3.1 description is made from the same Go types that decode and encode (ADR 0010).
//
// Errors are problem details (RFC 9457). Every answer but streams has an entity tag, so that who asks again for what did not
// change is told so. docs/protocols/api.md is the manual.
package native
