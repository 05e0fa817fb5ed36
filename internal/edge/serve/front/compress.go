package front

import (
	"net/http"
	"regexp"

	"github.com/klauspost/compress/gzhttp"
)

// compress wraps a surface with gzip and zstd, as the client asks. Small replies and media that are compressed already pass
// as they are.
//
// A compressed reply has an entity tag of its own (RFC 9110 §8.8.3.3), made by a suffix; the suffix is taken off again when
// the client asks "still this one?", so surfaces only ever see the tags they gave.
func compress(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(3), gzhttp.SuffixETag("-gzip"))
	if err != nil {
		panic(err) // the options are constants
	}
	zipped := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"If-None-Match", "If-Match"} {
			if tags := r.Header.Get(name); tags != "" {
				r.Header.Set(name, codingSuffix.ReplaceAllString(tags, `"`))
			}
		}
		zipped.ServeHTTP(w, r)
	})
}

var codingSuffix = regexp.MustCompile(`-(?:gzip|zstd)"`)
