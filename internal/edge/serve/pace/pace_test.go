package pace

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// serve answers with what write does, on a server that gives a whole answer 300 ms.
func serve(t *testing.T, write func(w *Writer) error) (url string, result <-chan error) {
	done := make(chan error, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done <- write(within(w, 600*time.Millisecond))
	}))
	s.Config.WriteTimeout = 300 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, done
}

func TestAnAnswerThatMovesIsNotCut(t *testing.T) {
	url, done := serve(t, func(w *Writer) error {
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			if _, err := w.Write(make([]byte, 3*step/2)); err != nil {
				return err
			}
		}
		return nil
	})
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	n, err := io.Copy(io.Discard, r.Body)
	if want := int64(10 * 3 * step / 2); n != want || err != nil {
		t.Errorf("%d bytes of %d, %v", n, want, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAReaderWhoStandsStillIsCut(t *testing.T) {
	url, done := serve(t, func(w *Writer) error {
		_, err := w.Write(make([]byte, 256<<20)) // more than any socket buffers
		return err
	})
	c, err := net.Dial("tcp", url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err == nil {
			t.Error("everything was written to a reader who took nothing")
		}
	case <-time.After(20 * time.Second):
		t.Error("a reader who takes nothing is waited for without end")
	}
}

// Replies without deadlines, as tests and callers in this process have them, are just written.
func TestNoDeadlinesNoMatter(t *testing.T) {
	r := httptest.NewRecorder()
	if n, err := New(r).Write(make([]byte, step+1)); n != step+1 || err != nil || r.Body.Len() != step+1 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := New(r).Write(nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
