package front

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// recheck is how often, at most, the certificate's files are looked at: renewals happen weeks apart, handshakes do not.
const recheck = 10 * time.Second

// certificate serves a key pair from files and follows their renewal without a restart.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]time.Time // modification times of the pair in use
	checked time.Time
}

// secure puts TLS 1.2 or newer on a listener. The pair must load now; later a renewal that does not load is ignored until
// the files change again, and the old pair goes on.
func secure(ln net.Listener, certFile, keyFile string, now func() time.Time) (net.Listener, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now}
	stamp, err := c.stamps()
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if err := c.load(stamp); err != nil {
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: c.get,
	}), nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.now(); t.Sub(c.checked) >= recheck || t.Before(c.checked) {
		c.checked = t
		if stamp, err := c.stamps(); err == nil && stamp != c.stamp {
			// A pair caught half written does not load; it is tried again at the next look.
			_ = c.load(stamp)
		}
	}
	return c.pair, nil
}

func (c *certificate) load(stamp [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load the certificate: %w", err)
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

func (c *certificate) stamps() (s [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i] = info.ModTime()
	}
	return s, nil
}
