package authority

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // deadlines must not depend on what the machine knows of time zones
)

// Calendar says which days are business days somewhere. After Through no holidays are known to the pack, and only weekends
// are free.
type Calendar struct {
	Name     string   `json:"calendar"`
	Zone     string   `json:"zone"`    // IANA name; where days begin and end
	Weekend  []string `json:"weekend"` // "saturday"
	Holidays []string `json:"holidays"`
	Through  string   `json:"through"` // last day that the list of holidays covers
	About    string   `json:"about"`

	place *time.Location
	free  [7]bool
}

// open makes the calendar ready and says what is wrong with it, or "".
func (c *Calendar) open() string {
	var err error
	if c.place, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		return fmt.Sprintf("no time zone %q", c.Zone)
	}
	for _, name := range c.Weekend {
		d := slices.IndexFunc([]time.Weekday{0, 1, 2, 3, 4, 5, 6}, func(d time.Weekday) bool { return strings.ToLower(d.String()) == name })
		if d < 0 {
			return fmt.Sprintf("no day %q", name)
		}
		c.free[d] = true
	}
	if !slices.Contains(c.free[:], false) {
		return "no day is a business day"
	}
	for _, day := range append(slices.Clone(c.Holidays), c.Through) {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Sprintf("no date %q", day)
		}
	}
	if !slices.IsSorted(c.Holidays) {
		return "holidays are not in their order"
	}
	return ""
}

// Business says whether the day that a moment falls on, in the calendar's zone, is a business day.
func (c *Calendar) Business(at time.Time) bool {
	at = at.In(c.place)
	_, holiday := slices.BinarySearch(c.Holidays, at.Format(time.DateOnly))
	return !c.free[at.Weekday()] && !holiday
}

// endOf is the end of the nth business day after the day of at: the last second of it, for a period of days ends with its last
// day and the day of the event does not count (as in Regulation (EEC, Euratom) 1182/71, article 3).
func (c *Calendar) endOf(at time.Time, n int) time.Time {
	y, m, d := at.In(c.place).Date()
	for n > 0 {
		d++
		// Noon exists on every day; midnight does not where clocks are turned at it.
		if c.Business(time.Date(y, m, d, 12, 0, 0, 0, c.place)) {
			n--
		}
	}
	return time.Date(y, m, d, 23, 59, 59, 0, c.place).UTC()
}

// Calendar is the pack's calendar of that name, "" for its first; ErrCalendar.
func (p *RulePack) Calendar(name string) (*Calendar, error) {
	for i := range p.Calendars {
		if c := &p.Calendars[i]; c.Name == name || name == "" {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%q in %s: %w", name, p.Version, ErrCalendar)
}

// Deadline is the last second at which something is in time: the trigger's limit counted from at. Hours are counted exactly;
// days, weeks and months by the clock of the calendar's zone (a month that has no such day ends on its last); business days end
// with their last. calendar "" is the pack's first. ErrTrigger, ErrCalendar. Whoever decides writes the result into the
// event: it is never computed again.
func (p *RulePack) Deadline(trigger string, at time.Time, calendar string) (time.Time, error) {
	rule, err := p.Rule(trigger)
	if err != nil {
		return time.Time{}, err
	}
	c, err := p.Calendar(calendar)
	if err != nil {
		return time.Time{}, err
	}
	at = at.UTC().Truncate(time.Second)
	local := at.In(c.place)
	switch rule.Unit {
	case "hours":
		return at.Add(time.Duration(rule.Amount) * time.Hour), nil
	case "days":
		return local.AddDate(0, 0, rule.Amount).UTC(), nil
	case "weeks":
		return local.AddDate(0, 0, 7*rule.Amount).UTC(), nil
	case "months":
		due := local.AddDate(0, rule.Amount, 0)
		if due.Day() != local.Day() {
			due = due.AddDate(0, 0, -due.Day()) // it ran over into the month after
		}
		return due.UTC(), nil
	}
	return c.endOf(at, rule.Amount), nil
}
