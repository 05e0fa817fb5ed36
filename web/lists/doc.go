// Package lists shows whom and what the records are about: the lists of vendors, products, weaknesses and assigners, and a page
// for each entry of them.
package lists
