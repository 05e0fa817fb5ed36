package main

import (
	"context"
	"errors"
)

func (n *node) Backup(ctx context.Context, r BackupRequest, report Reporter) (BackupSummary, error) {
	return BackupSummary{}, errors.New("landing")
}
func restoreNode(ctx context.Context, s Setup, r RestoreRequest, report Reporter) (RestoreSummary, error) {
	return RestoreSummary{}, errors.New("landing")
}
