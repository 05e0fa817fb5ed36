// Package sources is the page about where data comes from.
package sources
