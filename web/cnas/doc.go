// Package cnas shows who assigns what: the directory of organisations, the page of one of them, and the answer to "who is
// responsible for this product?".
package cnas
