package catalogue

import (
	"tasuki/internal/query"
	"tasuki/internal/store/facet"
)

// explain says how the tree of q was read and, node by node, which index answered and for how many records the node alone
// holds. ask answers from the same moment as q itself.
func (s *Service) explain(q Query, ask func(facet.Query) (facet.Result, error)) (*Explanation, error) {
	began := s.now()
	e := &Explanation{Read: q.Tree.Explicit()}
	var visit func(n query.Node, depth int) error
	visit = func(n query.Node, depth int) error {
		res, err := ask(facet.Query{Where: compile(n, q.Now)})
		if err != nil {
			return err
		}
		index, inner := served(n)
		e.Nodes = append(e.Nodes, ExplainedNode{Text: query.Text(n), Span: n.Span(), Depth: depth, Index: index, Hits: res.Total})
		for _, c := range inner {
			if err := visit(c, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if q.Tree != nil && q.Tree.Root != nil {
		if err := visit(q.Tree.Root, 0); err != nil {
			return nil, err
		}
	}
	e.Took = s.now().Sub(began)
	return e, nil
}

// served says what answers a node, and which nodes it is made of.
func served(n query.Node) (index string, inner []query.Node) {
	switch n := n.(type) {
	case *query.And:
		return "both", n.Nodes
	case *query.Or:
		return "either", n.Nodes
	case *query.Not:
		return "not", []query.Node{n.Node}
	case *query.Cond:
		return answers[n.Field.Name].index, nil
	default:
		return "words", nil
	}
}
