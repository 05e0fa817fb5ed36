// Package queryhelp explains the query language to who searches: each way to write a query with an example that can be
// followed, and the fields.
package queryhelp
