package main

import "slices"

// link is a reference with what it is.
type link struct{ group, url string }

// groups of references, by tag. What has several belongs to the first.
var groups = []struct {
	name string
	tags []string
}{
	{"patch", []string{"patch", "release-notes"}},
	{"advisory", []string{"vendor-advisory", "third-party-advisory", "government-resource"}},
	{"mitigation", []string{"mitigation"}},
	{"exploit", []string{"exploit", "technical-description"}},
}

// grouped are the references of all containers, each address once: the program's own container repeats those of the CNA.
func grouped(all []party) []link {
	tags := map[string][]string{}
	var urls []string
	for _, c := range all {
		for _, r := range c.References {
			if _, ok := tags[r.URL]; !ok {
				urls = append(urls, r.URL)
				tags[r.URL] = nil
			}
			tags[r.URL] = append(tags[r.URL], r.Tags...)
		}
	}
	var out []link
	for _, u := range urls {
		group := "other"
		for _, g := range slices.Backward(groups) {
			if slices.ContainsFunc(tags[u], func(tag string) bool { return slices.Contains(g.tags, tag) }) {
				group = g.name
			}
		}
		out = append(out, link{group, u})
	}
	return out
}

func (s sheet) references(all []party) {
	links := grouped(all)
	if len(links) == 0 {
		return
	}
	s.head("References")
	for _, g := range []string{"patch", "advisory", "mitigation", "exploit", "other"} {
		for _, l := range links {
			if l.group == g {
				s.line(g, l.url)
			}
		}
	}
}
