// Which pages of a file have room reserved for them.

package vdisk

import "slices"

// spans are ranges of page numbers, in order, with gaps between them.
type spans []span

type span struct{ from, to int64 }

// missing counts the pages from a up to b that are not among s.
func (s spans) missing(a, b int64) int64 {
	n := b - a
	for _, r := range s[s.search(a):] {
		if r.from >= b {
			break
		}
		n -= min(r.to, b) - max(r.from, a)
	}
	return n
}

// search returns the index of the first span that ends behind a.
func (s spans) search(a int64) int {
	i, _ := slices.BinarySearchFunc(s, a, func(r span, a int64) int {
		if r.to > a {
			return 1
		}
		return -1
	})
	return i
}

// add returns s with the pages from a up to b.
func (s spans) add(a, b int64) spans {
	i := s.search(a - 1)
	j := i
	for j < len(s) && s[j].from <= b {
		a, b = min(a, s[j].from), max(b, s[j].to)
		j++
	}
	if j == i+1 {
		s[i] = span{a, b}
		return s
	}
	return slices.Replace(s, i, j, span{a, b})
}

// cut returns s without the pages from a on, and how many those were.
func (s spans) cut(a int64) (rest spans, n int64) {
	i := s.search(a)
	for _, r := range s[i:] {
		n += r.to - max(r.from, a)
	}
	if i < len(s) && s[i].from < a {
		s[i].to = a
		i++
	}
	return s[:i], n
}

func (s spans) pages() (n int64) {
	for _, r := range s {
		n += r.to - r.from
	}
	return n
}
