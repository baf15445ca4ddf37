// Whether a majority of the nodes is left: up, and reaching each other.

package faults

import "slices"

// A web is which nodes are well, and which pairs of them do not reach each
// other both ways.
type web struct {
	nodes []string
	ill   []bool
	apart [][]bool
}

// leavesMajority tells whether more than half of the nodes are well and reach
// each other when d comes too.
func (c *scene) leavesMajority(nodes []string, d Deed) bool {
	w := web{nodes: nodes, ill: make([]bool, len(nodes)), apart: make([][]bool, len(nodes))}
	for i := range nodes {
		w.apart[i] = make([]bool, len(nodes))
	}
	w.suffer(d)
	for _, s := range c.now {
		w.suffer(s.deed)
	}
	for _, scar := range c.scars {
		w.suffer(scar)
	}
	spare := (len(nodes) - 1) / 2
	for _, ill := range w.ill {
		if ill {
			spare--
		}
	}
	return w.whole(spare)
}

// suffer does to w what d does to the nodes.
func (w *web) suffer(d Deed) {
	switch d.Kind {
	case "crash", "kill", "poweroff", "stop", "pause", "restart", "disk", "full":
		w.sicken(d.Hosts)
	case "part", "cut":
		if len(d.Others) == 0 {
			w.sicken(d.Hosts)
		}
		for _, a := range d.Hosts {
			w.separate(a, d.Others)
		}
	case "ring":
		for i, a := range d.Hosts {
			w.separate(a, d.beyond(i))
		}
	}
}

func (w *web) sicken(hosts []string) {
	for _, host := range hosts {
		if i := slices.Index(w.nodes, host); i >= 0 {
			w.ill[i] = true
		}
	}
}

func (w *web) separate(host string, others []string) {
	i := slices.Index(w.nodes, host)
	for _, other := range others {
		if j := slices.Index(w.nodes, other); i >= 0 && j >= 0 {
			w.apart[i][j], w.apart[j][i] = true, true
		}
	}
}

// whole tells whether the nodes that are well reach each other once at most
// spare more are left out. Of a node and those it does not reach, either it is
// left out or all of them are; the node that reaches fewest is tried first,
// which settles a split at once.
func (w *web) whole(spare int) bool {
	worst, far := 0, []int(nil)
	for i := range w.nodes {
		if f := w.farFrom(i); len(f) > len(far) {
			worst, far = i, f
		}
	}
	if spare < 0 || len(far) == 0 {
		return spare >= 0
	}
	return w.wholeWithout([]int{worst}, spare) || w.wholeWithout(far, spare)
}

func (w *web) wholeWithout(out []int, spare int) bool {
	if len(out) > spare {
		return false
	}
	for _, i := range out {
		w.ill[i] = true
	}
	whole := w.whole(spare - len(out))
	for _, i := range out {
		w.ill[i] = false
	}
	return whole
}

// farFrom returns the nodes that are well and not reached from the i-th, if it
// is well.
func (w *web) farFrom(i int) (far []int) {
	if w.ill[i] {
		return nil
	}
	for j, apart := range w.apart[i] {
		if apart && !w.ill[j] {
			far = append(far, j)
		}
	}
	return far
}
