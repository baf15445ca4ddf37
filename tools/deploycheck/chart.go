// Charts: Helm's linter and engine, and Kubernetes' types, strictly.

package deploycheck

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// Values are what somebody sets in a chart.
type Values = map[string]any

// A manifest is a document that a chart renders.
type manifest struct {
	where  string // its template
	object runtime.Object
}

// Chart says what is wrong with a chart in a directory, with these values.
// Given are the Secrets and ConfigMaps that the values name and the cluster has.
func Chart(dir string, values Values, given ...string) (findings []string, err error) {
	version := &chartutil.DefaultCapabilities.KubeVersion
	for _, m := range lint.AllWithKubeVersion(dir, values, "there", version).Messages {
		if m.Severity > support.InfoSev {
			findings = append(findings, fmt.Sprintf("%s: %v", m.Path, m.Err))
		}
	}
	rendered, err := render(dir, values)
	if err != nil {
		return append(findings, err.Error()), nil
	}
	var all []manifest
	for _, name := range slices.Sorted(keys(rendered)) {
		if path.Ext(name) == ".yaml" {
			manifests, wrong := decode(name, rendered[name])
			all = append(all, manifests...)
			findings = append(findings, wrong...)
		}
	}
	return append(findings, together(all, given)...), nil
}

func render(dir string, values Values) (map[string]string, error) {
	c, err := loader.Load(dir)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "here", Namespace: "there", IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, nil)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(c, all)
}

// decode reads documents strictly: no field that its type does not have, none
// twice, no value of another type.
func decode(name, text string) (all []manifest, findings []string) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for i, doc := range strings.Split("\n"+text, "\n---") {
		if blank(doc) {
			continue
		}
		object, _, err := strict.Decode([]byte(doc), nil, nil)
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s, document %d: %v", name, i+1, err))
			continue
		}
		all = append(all, manifest{name, object})
	}
	return all, findings
}

// blank holds for comments alone.
func blank(doc string) bool {
	for line := range strings.Lines(doc) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// keys are those of any map.
func keys[M ~map[K]V, K cmp.Ordered, V any](m M) iter.Seq[K] { return maps.Keys(m) }
