package nvd

import "strings"

// operatingSystems are the platform words that stand for an operating system, with the name NVD uses for
// it in AND nodes.
var operatingSystems = map[string]cpeName{
	"windows":           osName("microsoft", "windows"),
	"linux":             osName("linux", "linux_kernel"),
	"macos":             osName("apple", "macos"),
	"mac os":            osName("apple", "macos"),
	"mac os x":          osName("apple", "mac_os_x"),
	"ios":               osName("apple", "iphone_os"),
	"android":           osName("google", "android"),
	"freertos":          osName("amazon", "freertos"),
	"chrome os":         osName("google", "chrome_os"),
	"chromeos":          osName("google", "chrome_os"),
	"freebsd":           osName("freebsd", "freebsd"),
	"microsoft windows": osName("microsoft", "windows"),
}

// hosts are the platform words that stand for software inside which a product runs: target_sw.
var hosts = map[string]string{
	"wordpress":        "wordpress",
	"drupal":           "drupal",
	"joomla":           `joomla\!`,
	"joomla!":          `joomla\!`,
	"jenkins":          "jenkins",
	"node.js":          "node.js",
	"python":           "python",
	"chrome extension": "chrome",
	"docker":           "docker",
	"kubernetes":       "kubernetes",
	"typo3":            "typo3",
	"moodle":           "moodle",
	"jira":             "jira",
	"confluence":       "confluence",
}

func osName(vendor, product string) cpeName {
	return cpeName{"o", vendor, product, "-", "*", "*", "*", "*", "*", "*", "*"}
}

// fit applies the platforms of an entry. Operating systems become an AND, a single host becomes
// target_sw, both only where the names say nothing themselves and name applications. One platform that
// is not known lifts the restriction, as we could not say it fully: better too many matches than too few.
func (it *item) fit(platforms []string) {
	if len(platforms) == 0 {
		return
	}
	for _, n := range it.names {
		if n[attrPart] != "a" || n[attrTargetSW] != "*" {
			return
		}
	}
	var systems []cpeName
	var inside []string
	for _, p := range platforms {
		word := strings.ToLower(strings.TrimSpace(p))
		if system, ok := operatingSystems[word]; ok {
			systems = append(systems, system)
		} else if host, ok := hosts[word]; ok {
			inside = append(inside, host)
		} else {
			return
		}
	}
	switch {
	case len(inside) == 0:
		it.platforms = systems
	case len(inside) == 1 && len(systems) == 0:
		for i := range it.names {
			it.names[i][attrTargetSW] = inside[0]
		}
	}
}
