package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClearTextBeyondLoopbackMustBeMeant(t *testing.T) {
	for _, tc := range []struct {
		name string
		l    Listening
		ok   bool
	}{
		{"loopback", Listening{Address: "127.0.0.1:0"}, true},
		{"localhost", Listening{Address: "localhost:0"}, true},
		{"everywhere", Listening{Address: ":0"}, false},
		{"everywhere, named proxy", Listening{Address: ":0", BehindProxy: true}, true},
		{"everywhere, insisting", Listening{Address: "0.0.0.0:0", Insecure: true}, true},
	} {
		ln, err := tc.l.Open(t.Context(), time.Now)
		if err == nil {
			ln.Close()
		}
		if tc.ok && err != nil || !tc.ok && !errors.Is(err, ErrExposed) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// open serves f on a loopback listener until the test ends or the returned function is called; that one returns what Serve did.
func open(t *testing.T, f *Front, grace time.Duration, l Listening) (addr string, stop func() error) {
	t.Helper()
	ln, err := l.Open(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- f.Serve(ctx, grace, ln) }()
	t.Cleanup(cancel)
	return ln.Addr().String(), func() error { cancel(); return <-served }
}

func TestShutdownLetsRequestsFinishAndCutsAfterGrace(t *testing.T) {
	for _, tc := range []struct {
		name  string
		grace time.Duration
		ends  bool
	}{{"in time", time.Minute, true}, {"too slow", 10 * time.Millisecond, false}} {
		t.Run(tc.name, func(t *testing.T) {
			f, _ := newFront(t, Options{})
			f.HandleHealth(Health{})
			entered, release := make(chan bool), make(chan bool)
			f.Handle(Space{Prefix: "/slow", Surface: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				entered <- true
				select {
				case <-release:
					io.WriteString(w, "done")
				case <-r.Context().Done():
				}
			})})
			addr, stop := open(t, f, tc.grace, Listening{Address: "127.0.0.1:0"})
			answer := make(chan string, 1)
			go func() {
				resp, err := http.Get("http://" + addr + "/slow")
				if err != nil {
					answer <- "cut"
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				answer <- string(b)
			}()
			<-entered
			ended := make(chan error, 1)
			go func() { ended <- stop() }()
			if tc.ends {
				for !f.Leaving() {
					time.Sleep(time.Millisecond)
				}
				if w := get(f, "/healthz"); w.Code != 503 {
					t.Errorf("readiness during shutdown: %d", w.Code)
				}
				release <- true
			}
			if err := <-ended; err != nil {
				t.Errorf("a requested end is no error: %v", err)
			}
			if got := <-answer; (got == "done") != tc.ends {
				t.Errorf("the request under way got %q", got)
			}
		})
	}
}

// A read deadline left on the connection would end this request's context after 50 ms.
func TestSlowAnswerOutlivesTheReadTimeout(t *testing.T) {
	f, _ := newFront(t, Options{})
	f.Handle(Space{Prefix: "/", Surface: "web", ReadTimeout: 50 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(200 * time.Millisecond):
			io.WriteString(w, "done")
		case <-r.Context().Done():
			io.WriteString(w, "cut")
		}
	})})
	addr, _ := open(t, f, 0, Listening{Address: "127.0.0.1:0"})
	resp, err := http.Post("http://"+addr+"/", "text/plain", strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "done" {
		t.Errorf("got %q", b)
	}
}

func TestSlowBodyIsCut(t *testing.T) {
	f, _ := newFront(t, Options{ReadTimeout: 50 * time.Millisecond})
	readErr := make(chan error, 1)
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		readErr <- err
	})})
	addr, _ := open(t, f, 0, Listening{Address: "127.0.0.1:0"})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this")
	if err := <-readErr; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading a body that does not come: %v", err)
	}
}

func TestUnixSocketIsLocal(t *testing.T) {
	f, _ := newFront(t, Options{})
	f.Handle(Space{Prefix: "/control/", Surface: "control", LocalOnly: true, Handler: text("control")})
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no unix sockets here: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- f.Serve(ctx, 0, ln) }()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	resp, err := client.Get("http://tasuki/control/status")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(b) != "control" {
		t.Errorf("got %d %s", resp.StatusCode, b)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// writePair writes a fresh self-signed pair whose serial number names it.
func writePair(t *testing.T, dir string, serial int64, mtime time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}, &x509.Certificate{}, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, mtime, mtime); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificateIsRenewedWithoutRestart(t *testing.T) {
	dir := t.TempDir()
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	certFile, keyFile := writePair(t, dir, 1, past)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	ln, err := secure(inner, certFile, keyFile, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	f, _ := newFront(t, Options{})
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: text("hello")})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go f.Serve(ctx, 0, ln)

	serial := func() int64 {
		t.Helper()
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: tr}).Get("https://" + inner.Addr().String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Header.Get("Strict-Transport-Security") == "" || resp.ProtoMajor != 2 {
			t.Errorf("HTTP/%d, %v", resp.ProtoMajor, resp.Header)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	writePair(t, dir, 2, past.Add(time.Minute))
	if got := serial(); got != 1 {
		t.Errorf("files were read again before it was time: serial %d", got)
	}
	clock = clock.Add(recheck)
	if got := serial(); got != 2 {
		t.Errorf("renewed pair is not served: serial %d", got)
	}
	if err := os.WriteFile(certFile, []byte("half a cert"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(recheck)
	if got := serial(); got != 2 {
		t.Errorf("a broken renewal took the good pair away: serial %d", got)
	}
}
