// The picture of a violation, no larger than it may be.

package linear

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/rehearse-go/rehearse/history"
)

// errTooLarge ends the drawing of a picture.
var errTooLarge = errors.New("too large")

// draw writes porcupine's page of the operations. Of the orders that get far
// it shows the longest, as many as there is room for.
func (s *search[S, In, Out]) draw(w io.Writer, ops []history.Op[In, Out]) error {
	b := newBudget(s.limits)
	_, info := porcupine.CheckOperationsVerbose(s.counted(len(ops), b), operations(ops), 0)
	const perStep = 128 // bytes of a page: an index and a state
	for part, orders := range info.PartialLinearizations() {
		// The slice is porcupine's own: what is cut here is not drawn.
		info.PartialLinearizations()[part] = longest(orders, s.limits.Picture/2/perStep)
	}
	page := capped{left: s.limits.Picture}
	err := porcupine.Visualize(s.free(), info, &page)
	if errors.Is(err, errTooLarge) {
		return fmt.Errorf("linear: the picture of %d operations is larger than %d bytes: raise Limits.Picture",
			len(ops), s.limits.Picture)
	}
	if err != nil {
		return fmt.Errorf("linear: %w", err)
	}
	_, err = w.Write(page.Bytes())
	return err
}

// longest returns the longest of the orders that have no more steps together
// than there is room for, and at least one.
func longest(orders [][]int, room int) [][]int {
	slices.SortFunc(orders, func(a, b []int) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), slices.Compare(a, b))
	})
	for i, order := range orders {
		if room -= len(order); room < 0 {
			return orders[:max(i, 1)]
		}
	}
	return orders
}

// capped keeps what is written, up to a size.
type capped struct {
	bytes.Buffer
	left int
}

// Write keeps p, or nothing of it if there is no room for all.
func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errTooLarge
	}
	return c.Buffer.Write(p)
}
