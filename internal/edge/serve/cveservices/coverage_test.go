package cveservices

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every line of testdata/coverage.txt has a transcript, every tag of a transcript has a line, and a transcript shows what its tags
// say as far as a machine can tell:
//
//   - role/ENDPOINT/COLUMN/VERDICT: somebody of that column asks, and is answered (yes, own, self, all, any, partial) or not (no,
//     other, anonymous where what they see is a stranger's view);
//   - code/ENDPOINT/CODE: the answer is that error. A line with "shadowed by OTHER" is shown by an answer with that code instead;
//   - star/NAME: the answer has the text of the line, in which {} stands for anything.
func TestCoverage(t *testing.T) {
	lines := map[string]string{}
	for line := range strings.SplitSeq(string(readFile(t, "testdata/coverage.txt")), "\n") {
		line, _, _ = strings.Cut(line, " #")
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if tag == "" || strings.HasPrefix(tag, "#") {
			continue
		}
		if _, twice := lines[tag]; twice {
			t.Errorf("%s stands twice in the list", tag)
		}
		lines[tag] = strings.TrimSpace(rest)
	}
	shown := map[string]bool{}
	for _, steps := range transcripts(t) {
		for _, s := range steps {
			for _, caller := range s.as {
				for _, tag := range s.tags {
					tag = strings.ReplaceAll(tag, "@", column(caller))
					rest, listed := lines[tag]
					if !listed {
						t.Errorf("%s: %s is not in the list", s, tag)
						continue
					}
					shown[tag] = true
					if why := s.doesNotShow(tag, rest, caller); why != "" {
						t.Errorf("%s, %s: does not show %s: %s", s, caller, tag, why)
					}
				}
			}
		}
	}
	missing := 0
	for _, tag := range slices.Sorted(maps.Keys(lines)) {
		if !shown[tag] {
			missing++
			t.Errorf("%s has no transcript", tag)
		}
	}
	t.Logf("%d of %d lines are shown by transcripts", len(lines)-missing, len(lines))
}

func (s *step) doesNotShow(tag, rest, caller string) string {
	parts := strings.Split(tag, "/")
	switch parts[0] {
	case "role":
		ok := s.status < 300
		switch {
		case len(parts) != 4:
			return "the tag has not four parts"
		case column(caller) != parts[2]:
			return "the caller is of another column"
		case ok != (parts[3] != "no" && parts[3] != "other"):
			return "the status says otherwise"
		case !strings.HasPrefix(parts[1], s.method+"-"):
			return "the method is another"
		}
	case "code":
		code := parts[2]
		if _, other, shadowed := strings.Cut(rest, "shadowed by "); shadowed {
			code = other
		}
		if !strings.Contains(s.want, `"error":"`+code+`"`) {
			return "the answer is not this error"
		}
		if parts[1] != "any" && !strings.HasPrefix(parts[1], s.method+"-") {
			return "the method is another"
		}
	case "star":
		pattern := strings.ReplaceAll(regexp.QuoteMeta(rest), `\{\}`, `.*`)
		if rest == "" || !regexp.MustCompile(pattern).MatchString(s.want) {
			return "the answer has not this text"
		}
	}
	return ""
}
