package authority

import "testing"

// Fits fails where a pattern of a scope does not fit the product that it names. Escapes and case folding may change a name
// beyond recognition, so patterns that are not ASCII or hold escapes are passed over.
func Fits(t *testing.T, s Scope) {
	for _, m := range s.Include {
		plain := true
		for _, text := range []string{m.Vendor, m.Product, m.Namespace, m.PURL, m.CPE} {
			for _, r := range text {
				plain = plain && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '*' || r == ':' || r == '.' || r == '/')
			}
		}
		// A CPE or package URL that stands beside other members may contradict them: then nothing fits.
		alone := m.Vendor+m.Product == "" || m.CPE+m.PURL+m.Namespace == ""
		if !plain || !alone || m.Namespace != "" && m.PURL != "" || m.CPE != "" && m.Namespace+m.PURL != "" {
			continue
		}
		p, w := m.compile(), m.witness()
		if p.namespace+p.purl+p.vendor+p.product == "" && len(p.cpe) == 0 {
			continue // it says nothing that a question could
		}
		if ask := w.ask(); !p.fits(&ask) {
			t.Errorf("%+v does not fit %+v", m, w)
		}
	}
}
