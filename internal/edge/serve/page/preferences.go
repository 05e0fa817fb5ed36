package page

import (
	"net/http"

	"tasuki/web/i18n"
)

const (
	langCookie  = "tasuki-lang"
	themeCookie = "tasuki-theme"
	cookieAge   = 365 * 24 * 60 * 60 // seconds
)

// Preferences are the reader's language and theme: from the address, else from a cookie, else (language) from what the
// browser asks for. What the address chooses is kept in a cookie, which holds nothing but the choice.
func (k *Kit) Preferences(w http.ResponseWriter, r *http.Request) (i18n.Lang, string) {
	q := r.URL.Query()
	asked := q.Get("lang")
	lang := i18n.Choose(asked, cookie(r, langCookie), r.Header.Get("Accept-Language"))
	if i18n.Lang(asked).Known() {
		k.keep(w, langCookie, asked)
	}
	theme := cookie(r, themeCookie)
	if t := q.Get("theme"); t != "" {
		theme = t
		if known(t) {
			k.keep(w, themeCookie, t)
		}
	}
	if !known(theme) || theme == "auto" {
		theme = ""
	}
	return lang, theme
}

func known(theme string) bool { return theme == "auto" || theme == "light" || theme == "dark" }

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func (k *Kit) keep(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: cookieAge, HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteLaxMode})
}
