// What is known of the calls before clauses are made.

package cause

import "github.com/rehearse-go/rehearse/grpcreplay/internal/tape"

const (
	// few is how many calls of a method that runs in turn an event names. One
	// would do if one goroutine made them; two goroutines whose calls happened
	// not to meet look the same, and are told apart as long as they are few.
	few = 4
	// A quota is how many client events an event names at most. It is widest,
	// unless the whole recording would then hold more clauses than its events
	// times density, and more than roomy: then it is less, but not under
	// narrowest. A thousand streams that talk at once would otherwise name one
	// another a thousandfold. The latest are named.
	widest, narrowest = 1024, 32
	roomy, density    = 1 << 16, 4
)

// A plan is what the first pass over a recording finds out.
type plan struct {
	calls   []*tape.Call
	unary   []bool
	asks    []digest
	methods []int32 // by call: the number of its method
	inTurn  []bool  // by method: no two of its calls ran at once
	since   []int   // by call: causes of its first server event are later than this Order
	quota   int
}

func newPlan(calls []*tape.Call, moments []moment) *plan {
	p := &plan{
		calls: calls, unary: make([]bool, len(calls)), asks: make([]digest, len(calls)),
		methods: make([]int32, len(calls)), since: make([]int, len(calls)),
	}
	numbers, d := map[string]int32{}, newDigester()
	for i, c := range calls {
		n, known := numbers[c.Method]
		if !known {
			n = int32(len(numbers))
			numbers[c.Method] = n
			p.inTurn = append(p.inTurn, true)
		}
		p.methods[i], p.unary[i], p.asks[i] = n, unary(c), d.request(c)
	}
	p.findTurns(moments)
	p.quota = p.findQuota(moments, p.findWindows(moments))
	return p
}

// findTurns finds the methods whose calls never ran beside one another.
func (p *plan) findTurns(moments []moment) {
	open := make([]int, len(p.inTurn))
	for _, m := range moments {
		method := p.methods[m.call]
		switch m.kind {
		case started:
			open[method]++
			p.inTurn[method] = p.inTurn[method] && open[method] == 1
		case tape.End:
			open[method]--
		}
	}
}

// findWindows finds since when each call's first server event may have been
// waiting. That is the call's start; or, if the last call that asked the same
// was answered otherwise, the start of that one: something happened between,
// for which a read that sees something new has to wait. It returns how many
// client events lay before each window.
func (p *plan) findWindows(moments []moment) (before []int) {
	before = make([]int, len(p.calls))
	began := make([]int, len(p.calls)) // how many lay before the call itself
	latest := map[digest]int32{}       // by what they ask, the last call that is over
	happened := 0
	for _, m := range moments {
		switch {
		case m.tells:
			happened++
		case m.kind == tape.End:
			latest[p.asks[m.call]] = m.call
		case m.kind == started:
			began[m.call] = happened
			p.since[m.call], before[m.call] = m.order, happened
			if d, ok := latest[p.asks[m.call]]; ok && !sameAnswer(p.calls[d], p.calls[m.call]) {
				p.since[m.call], before[m.call] = p.calls[d].Order, began[d]
			}
		}
	}
	return before
}

// findQuota finds how many client events an event may name.
func (p *plan) findQuota(moments []moment, before []int) int {
	seen, happened, wanted := before, 0, []int{}
	for _, m := range moments {
		switch {
		case m.tells:
			happened++
		case fromServer(m.kind):
			wanted = append(wanted, happened-seen[m.call])
			seen[m.call] = happened
		}
	}
	quota := widest
	for quota > narrowest && total(wanted, quota) > max(roomy, density*len(moments)) {
		quota /= 2
	}
	return quota
}

func total(wanted []int, most int) (sum int) {
	for _, n := range wanted {
		sum += min(n, most)
	}
	return sum
}

func fromServer(k tape.Kind) bool { return k == tape.Header || k == tape.Recv || k == tape.End }
