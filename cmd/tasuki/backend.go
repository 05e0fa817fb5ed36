package main

import "context"

// backend names the functions that make a node out of the parts. It stands apart from main so that tests start the same node.
func backend() Backend {
	return Backend{
		Open: func(ctx context.Context, s Setup) (Node, error) {
			n, err := openNode(ctx, s)
			if err != nil {
				return nil, err // not a nil *node in an interface
			}
			return n, nil
		},
		Restore: restoreNode,
		Promote: promoteNode,
	}
}
