// Package home is the first page: a search box, what is new and what is exploited, and which list this is.
package home
