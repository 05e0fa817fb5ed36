// Package layout is the frame around every page: the mark, the search box, the switches for language and theme, and the
// thin line that says which list this is, how large it is and how old its checkpoint.
package layout
