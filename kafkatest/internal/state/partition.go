// A partition's shape: leader, epoch, replicas, and what its replicas hold.

package state

import (
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
)

// A Partition is one log with those who lead and follow it. All replicas share
// the log; what a replica that stopped following holds is a prefix of it, and
// known by its end.
type Partition struct {
	Topic    *Topic
	Number   int32
	Leader   int32 // -1 if none
	Epoch    int32 // of the leader
	Replicas []int32
	ISR      []int32
	Adding   []int32 // replicas that a reassignment adds
	Removing []int32 // and those it removes

	// behind tells the end of what a replica holds that does not follow at
	// present. Replicas that are not in it hold everything.
	behind map[int32]int64
	held   map[int32]bool   // replicas that are kept from following
	moving *call.Entry      // when the replicas that are added hold everything
	dirs   map[int32]string // directories that replicas were moved to
	gone   bool             // its topic was deleted

	log partitionLog
}

func newPartition(t *Topic, number int32, replicas []int32) *Partition {
	p := &Partition{Topic: t, Number: number, Leader: -1, Replicas: replicas, ISR: slices.Clone(replicas)}
	for _, id := range replicas {
		if t.cluster.Serves(id) {
			p.Leader = id
			p.log.StartEpoch(p.Epoch)
			break
		}
	}
	return p
}

// Lead makes a replica the leader and raises the epoch. A replica that holds
// less than the log has the rest cut off: that is an unclean election.
func (p *Partition) Lead(id int32) {
	p.Leader = id
	p.Epoch++
	if end, behind := p.behind[id]; behind {
		delete(p.behind, id)
		p.truncate(end)
	}
	if id >= 0 && !slices.Contains(p.ISR, id) {
		p.ISR = []int32{id}
	}
	for _, other := range p.Replicas {
		if id >= 0 && !p.held[other] && p.Topic.cluster.Serves(other) {
			p.follow(other)
		}
	}
	p.advance()
	p.changed()
}

// elect makes the first replica in sync that serves the leader; if there is
// none, any that serves, where unclean elections are allowed; else none leads.
func (p *Partition) elect() {
	for _, id := range p.Replicas {
		if slices.Contains(p.ISR, id) && p.Topic.cluster.Serves(id) {
			p.Lead(id)
			return
		}
	}
	if p.Topic.setting("unclean.leader.election.enable") == "true" {
		for _, id := range p.Replicas {
			if p.Topic.cluster.Serves(id) {
				p.Lead(id)
				return
			}
		}
	}
	if p.Leader >= 0 {
		p.Lead(-1)
	}
}

// fenced takes a broker out of the partition's doings. The last replica in
// sync stays in the set, since only it may lead again without loss.
func (p *Partition) fenced(id int32) {
	if slices.Contains(p.ISR, id) && len(p.ISR) > 1 {
		p.ISR = slices.DeleteFunc(slices.Clone(p.ISR), func(o int32) bool { return o == id })
	}
	if p.Leader == id {
		p.elect()
		return
	}
	p.advance()
	p.changed()
}

// unfenced has a broker that serves again catch up.
func (p *Partition) unfenced(id int32) {
	if !slices.Contains(p.Replicas, id) {
		return
	}
	if p.Leader < 0 {
		p.elect()
	}
	p.CatchUp(id)
}

// CatchUp has a replica that is behind hold everything again, and join the
// replicas in sync, if the partition has a leader for it to follow.
func (p *Partition) CatchUp(id int32) {
	if p.Leader < 0 || !p.Topic.cluster.Serves(id) {
		return
	}
	delete(p.held, id)
	p.follow(id)
	p.settle()
	p.advance()
	p.changed()
}

// follow has a replica hold everything and be in sync.
func (p *Partition) follow(id int32) {
	delete(p.behind, id)
	if !slices.Contains(p.ISR, id) {
		p.ISR = append(slices.Clone(p.ISR), id)
	}
}

// FallBehind has a follower stop following. It leaves the replicas in sync
// after replica.lag.time.max.ms; until then the high watermark waits for it.
func (p *Partition) FallBehind(id int32) {
	if id == p.Leader || !slices.Contains(p.Replicas, id) {
		return
	}
	p.freeze(id)
	if p.held == nil {
		p.held = map[int32]bool{}
	}
	p.held[id] = true
	c := p.Topic.cluster
	lag := time.Duration(c.SettingInt("replica.lag.time.max.ms")) * time.Millisecond
	name := p.Topic.Name + "-" + strconv.Itoa(int(p.Number)) + "-" + strconv.Itoa(int(id))
	c.Agenda.After(lag, "replica lag", name, func() {
		if p.held[id] && id != p.Leader {
			p.fenced(id)
		}
	})
}

// freeze notes what a replica holds that stops following.
func (p *Partition) freeze(id int32) {
	if _, behind := p.behind[id]; behind || !slices.Contains(p.Replicas, id) {
		return
	}
	if p.behind == nil {
		p.behind = map[int32]int64{}
	}
	p.behind[id] = p.log.End()
}

// freezeReplicas notes what the replicas on a broker hold that stops serving.
func (c *Cluster) freezeReplicas(id int32) {
	for p := range c.partitions() {
		p.freeze(id)
	}
}

// watermark returns up to which offset every replica in sync holds the log.
func (p *Partition) watermark() int64 {
	hw := p.log.End()
	for _, id := range p.ISR {
		if end, behind := p.behind[id]; behind {
			hw = min(hw, end)
		}
	}
	return hw
}
