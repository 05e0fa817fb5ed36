// Package verify is the page that checks a proof in the reader's browser.
package verify
