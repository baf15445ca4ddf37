// What the package is for.

// Package metrics counts and measures, and tells it in Prometheus' text format
// 0.0.4. It has no labels that come of themselves, no registry for the whole
// program and no dependencies.
//
//	var set metrics.Set
//	calls := set.Counter(metrics.Family{Name: "calls_total", Help: "Calls.", Labels: []string{"method"}})
//	produce := calls.With("Produce")
//	produce.Add(1)
//	http.Handle("/metrics", &set)
//
// What it writes has one order: families by name, their series by their
// labels' values. The same counts make the same text.
package metrics
