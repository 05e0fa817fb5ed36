// Package digest writes hashes and other long identifiers: whole where a reader compares them, cut in the middle in tables.
package digest
