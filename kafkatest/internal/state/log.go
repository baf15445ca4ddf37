// What a partition's shape needs of the log beneath it.

package state

// end returns the offset that the next record gets.
func (p *Partition) end() int64 { return 0 }

// truncate cuts the log off at an offset, and what replicas hold beyond it.
func (p *Partition) truncate(offset int64) {
	for id, end := range p.behind {
		p.behind[id] = min(end, offset)
	}
}

// advance moves the high watermark to where the replicas in sync allow it.
func (p *Partition) advance() {}

// changed tells whoever waits for the partition that its shape is another.
func (p *Partition) changed() {}
