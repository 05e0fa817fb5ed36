// Package portal is the pages of those who are signed in: what an organisation does with its identifiers, its users and, for Roots and
// the Secretariat, with the other organisations. Every form works without a script, says on its button what it will do, and
// comes back with everything that was typed when something is wrong with it.
package portal
