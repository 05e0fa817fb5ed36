// Package notice is the page for what is not there or did not work. It says what is known and offers a way on.
package notice
