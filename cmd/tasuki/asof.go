package main

import "errors"

// AsOfCmd is `tasuki as-of`: another way to say --at, with the moment first.
type AsOfCmd struct {
	Moment AsOfMoment `arg:"" name:"moment"`
}

// AsOfMoment is the moment and what can be asked about it.
type AsOfMoment struct {
	Moment string    `arg:"" help:"A day (2024-03-05, all of it, UTC), an instant (2024-03-05T10:00:00Z), or the number of leaves the log had."`
	Show   ShowCmd   `cmd:"" help:"Show one record as it was known then."`
	Search SearchCmd `cmd:"" help:"Find records as they were known then."`
	Stats  StatsCmd  `cmd:"" help:"Say what the list held then."`
	Export ExportCmd `cmd:"" help:"Write records out as they were known then."`
}

// Help is the long description.
func (c *AsOfCmd) Help() string {
	return `Asks the list as it was known at a moment. "tasuki as-of 2024-03-05 show CVE-2024-27198" and "tasuki show CVE-2024-27198 --at 2024-03-05" are the same.`
}

// AfterApply gives the moment to the command that follows it.
func (m *AsOfMoment) AfterApply() error {
	at := readMoment(m.Moment, "")
	for _, k := range []*Known{&m.Show.Known, &m.Search.Known, &m.Stats.Known, &m.Export.Known} {
		if k.At != "" || k.Size != 0 {
			return errors.New("the moment is given twice: behind as-of and by --at or --size")
		}
		k.At, k.Size = at.Moment, at.Size
	}
	return nil
}
