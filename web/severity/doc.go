// Package severity shows how bad something is in three ways at once: a word, a shape and a tone. None of them is the only
// carrier of meaning.
package severity
