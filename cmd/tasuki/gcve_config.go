package main

import (
	"net/url"

	"tasuki/spec/gcve"
)

// wrong says what is wrong with the settings, by their keys.
func (c GCVE) wrong() map[string]string {
	bad := map[string]string{}
	if c.GNA != "" {
		if _, err := gcve.ParseGNA(c.GNA); err != nil {
			bad["gna"] = "a number from 0 to 65535 is needed, in digits"
		}
	}
	if c.VisibilityModel != "public" && c.VisibilityModel != "private" {
		bad["visibility_model"] = "it is neither public nor private"
	}
	if c.OperationalModel == "" {
		bad["operational_model"] = "one word is needed"
	}
	for key, value := range map[string]string{"directory": c.Directory, "policy": c.Policy, "disclosure": c.Disclosure} {
		if u, err := url.Parse(value); value != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			bad[key] = "an http or https URL is needed"
		}
	}
	if c.Directory != "" && c.KeyFile == "" {
		bad["key_file"] = "the directory is checked with a key that you hold"
	}
	for _, g := range c.Pull {
		if _, err := gcve.ParseGNA(g); g != allAuthorities && err != nil {
			bad["pull"] = "numbers of authorities are needed, or all"
		}
	}
	return bad
}
