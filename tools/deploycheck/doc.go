// What the package is for.

// Package deploycheck reads the files in deploy/ as those read them who run
// them, without running anything: a Dockerfile as BuildKit's own linter, a
// compose file as Compose's own loader, a chart as Helm's own linter and
// engine, and what the chart renders as Kubernetes' own types, strictly. Its
// tests are the check; it needs no network, no engine and no cluster.
//
// What they do not look at, it does itself: whether what is named is there,
// whether ports and labels meet, whether containers are confined, and whether
// variables are flags of the command.
package deploycheck
