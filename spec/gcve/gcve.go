// Package gcve speaks the conventions of GCVE, the numbering of vulnerabilities by independent authorities: identifiers
// (BCP-04), the directory of authorities and its signature (BCP-01, BCP-08), the record format (BCP-05), the requirements
// on authorities (BCP-06) and the parameters of publication (BCP-03 1.5). It reads wide and writes narrow.
package gcve
