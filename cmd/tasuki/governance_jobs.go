package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/governance"
	"tasuki/internal/jobs"
	"tasuki/internal/program"
)

// governanceJobs are what a running node does by itself in the workflows. None of it needs anybody's power: the rules say that silence is
// a refusal, and who acts again is active again.
func (n *node) governanceJobs() []jobs.Job {
	if n.sealed != "" {
		return nil
	}
	list := []jobs.Job{{Name: "governance", Every: time.Minute, Run: n.tendCases}}
	if n.cfg.Governance.InactiveNotices {
		list = append(list, jobs.Job{Name: "inactive notices", Every: 6 * time.Hour, Jitter: time.Hour, Run: n.noticeInactive})
	}
	if n.cfg.Mail.SMTP != "" {
		list = append(list, jobs.Job{Name: "reminders", Every: 5 * time.Minute, Jitter: time.Minute, Run: n.remind})
	}
	return list
}

// tendCases writes down what time alone decided.
func (n *node) tendCases(ctx context.Context) (string, error) {
	silent, err := n.acts.NoteSilence(ctx, operator("governance"))
	active, aerr := n.acts.NoteActive(ctx, operator("governance"))
	return fmt.Sprintf("%d refusals by silence, %d active again", silent, active), errors.Join(err, aerr)
}

// noticeInactive sends the notices whose time has come. Revoking is never done without somebody.
func (n *node) noticeInactive(ctx context.Context) (string, error) {
	list, err := n.acts.Inactive(ctx, operator("inactive notices"))
	if err != nil {
		return "", err
	}
	sent := 0
	var failed error
	for _, q := range list {
		if q.Step != "notice" || n.now().Before(q.Next) {
			continue
		}
		if _, err := n.acts.SendNotice(ctx, operator("inactive notices"), q.Short, governance.Statement{Text: noticeText}); err != nil && !errors.Is(err,
			program.ErrTooEarly) {
			failed = errors.Join(failed, err)
			continue
		}
		sent++
	}
	return fmt.Sprintf("%d notices", sent), failed
}

const noticeText = "This CNA has neither assigned nor published anything for as long as the inactive-CNA policy allows. " +
	"Whoever answers for it is asked to tell its Root. " +
	"After three notices, two weeks apart, its role is revoked."

// remind mails those who have to act, an organisation at a time. What could not be sent is tried again with the next run.
func (n *node) remind(ctx context.Context) (string, error) {
	list, err := n.acts.Reminders(ctx, operator("reminders"), time.Duration(n.cfg.Governance.Remind))
	if err != nil {
		return "", err
	}
	byOrg := map[string][]program.Reminder{}
	var orgs []string
	for _, r := range list {
		if byOrg[r.Org] == nil {
			orgs = append(orgs, r.Org)
		}
		if len(byOrg[r.Org]) < maxReminders {
			byOrg[r.Org] = append(byOrg[r.Org], r)
		}
	}
	sent := 0
	var failed error
	for _, org := range orgs {
		due := byOrg[org]
		l := reminderLetter(due, n.cfg.BaseURL)
		if err := n.cfg.Mail.post(ctx, l, n.now()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("reminders of %s: %w", org, err))
			continue
		}
		if err := n.acts.Reminded(ctx, due); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		sent++
	}
	return fmt.Sprintf("%d of %d organisations were reminded", sent, len(orgs)), failed
}

// maxReminders is how many clocks one mail lists; the rest comes with the next.
const maxReminders = 100

// reminderLetter is in English and Japanese: what language a contact reads nobody knows.
func reminderLetter(list []program.Reminder, base string) letter {
	overdue := 0
	for _, r := range list {
		if r.Overdue {
			overdue++
		}
	}
	subject := fmt.Sprintf("CVE Program: %d deadlines / 期限 %d 件", len(list), len(list))
	if overdue > 0 {
		subject = fmt.Sprintf("CVE Program: %d deadlines, %d overdue / 期限 %d 件(超過 %d 件)", len(list), overdue, len(list), overdue)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s has to act on the following. Times are UTC.\n%s が対応すべき期限は次のとおりです。時刻は UTC です。\n", list[0].Org,
		list[0].Org)
	for _, r := range list {
		state := "due / 期限"
		if r.Overdue {
			state = "OVERDUE since / 超過"
		}
		fmt.Fprintf(&b, "\n* %s %s\n", state, r.Due.Format("2006-01-02 15:04:05"))
		if r.CVE != "" {
			fmt.Fprintf(&b, "  %s\n", r.CVE)
		}
		if r.Case != "" {
			fmt.Fprintf(&b, "  case / 事案 %s\n", r.Case)
		}
		fmt.Fprintf(&b, "  %s (%s", r.What, strings.ToUpper(r.Strength))
		if r.Rule != "" {
			fmt.Fprintf(&b, ", %s", r.Rule)
		}
		b.WriteString(")\n")
		if r.About != "" {
			fmt.Fprintf(&b, "  %s\n", r.About)
		}
	}
	if base != "" {
		fmt.Fprintf(&b, "\n%s/portal/\n", strings.TrimSuffix(base, "/"))
	}
	return letter{to: list[0].To, subject: subject, text: b.String()}
}
