// What a chart renders, taken together: what is named is there, labels and ports meet.

package deploycheck

import (
	"fmt"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
)

// A release is all that a chart renders.
type release struct {
	names    map[string]bool // "Kind/name" of all that is there
	set      *apps.StatefulSet
	services []*core.Service
	budgets  []*policy.PodDisruptionBudget
	findings []string
}

func together(all []manifest, given []string) []string {
	r := release{names: map[string]bool{}}
	for _, name := range given {
		r.names["Secret/"+name] = true
	}
	for _, m := range all {
		r.add(m)
	}
	if r.set == nil {
		r.find("there is no StatefulSet")
		return r.findings
	}
	r.checkSet()
	for _, s := range r.services {
		r.checkService(s)
	}
	for _, b := range r.budgets {
		if b.Spec.Selector == nil || !r.selects(b.Spec.Selector.MatchLabels) {
			r.find("PodDisruptionBudget %s: selects no pod of the set", b.Name)
		}
	}
	return r.findings
}

func (r *release) find(format string, args ...any) {
	r.findings = append(r.findings, fmt.Sprintf(format, args...))
}

func (r *release) add(m manifest) {
	object, err := meta.Accessor(m.object)
	if err != nil {
		r.find("%s: %v", m.where, err)
		return
	}
	kind := m.object.GetObjectKind().GroupVersionKind()
	if strings.Contains(kind.Version, "alpha") || strings.Contains(kind.Version, "beta") {
		r.find("%s: %s is of %s; want a version that stays", m.where, kind.Kind, kind.GroupVersion())
	}
	name := kind.Kind + "/" + object.GetName()
	if r.names[name] {
		r.find("%s: %s is there twice", m.where, name)
	}
	r.names[name] = true
	switch o := m.object.(type) {
	case *apps.StatefulSet:
		r.set = o
	case *core.Service:
		r.services = append(r.services, o)
	case *policy.PodDisruptionBudget:
		r.budgets = append(r.budgets, o)
	}
}

// selects tells whether a selector takes the set's pods.
func (r *release) selects(want map[string]string) bool {
	has := labels.Set{apps.StatefulSetPodNameLabel: want[apps.StatefulSetPodNameLabel]}
	for k, v := range r.set.Spec.Template.Labels {
		has[k] = v
	}
	return len(want) > 0 && labels.SelectorFromSet(want).Matches(has)
}

func (r *release) checkService(s *core.Service) {
	if !r.selects(s.Spec.Selector) {
		r.find("Service %s: selects no pod of the set", s.Name)
	}
	for _, p := range s.Spec.Ports {
		if !slices.ContainsFunc(r.ports(), func(c core.ContainerPort) bool {
			return c.Name == p.TargetPort.StrVal && c.Protocol == p.Protocol
		}) {
			r.find("Service %s: no container has the port %s", s.Name, p.TargetPort.String())
		}
	}
}

func (r *release) ports() (all []core.ContainerPort) {
	for _, c := range r.set.Spec.Template.Spec.Containers {
		all = append(all, c.Ports...)
	}
	return all
}

func (r *release) checkSet() {
	spec, pod := r.set.Spec, r.set.Spec.Template.Spec
	if spec.Selector == nil || !r.selects(spec.Selector.MatchLabels) {
		r.find("StatefulSet %s: its selector does not take its own pods", r.set.Name)
	}
	if !slices.ContainsFunc(r.services, func(s *core.Service) bool {
		return s.Name == spec.ServiceName && s.Spec.ClusterIP == core.ClusterIPNone && s.Spec.PublishNotReadyAddresses
	}) {
		r.find("StatefulSet %s: no headless Service %s that tells of pods that are not ready",
			r.set.Name, spec.ServiceName)
	}
	if name := pod.ServiceAccountName; name != "default" && !r.names["ServiceAccount/"+name] {
		r.find("StatefulSet %s: no ServiceAccount %s", r.set.Name, name)
	}
	volumes := map[string]bool{}
	for _, c := range spec.VolumeClaimTemplates {
		volumes[c.Name] = true
	}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if v.Secret != nil && !r.names["Secret/"+v.Secret.SecretName] {
			r.find("StatefulSet %s: no Secret %s", r.set.Name, v.Secret.SecretName)
		}
		if v.ConfigMap != nil && !r.names["ConfigMap/"+v.ConfigMap.Name] {
			r.find("StatefulSet %s: no ConfigMap %s", r.set.Name, v.ConfigMap.Name)
		}
	}
	r.checkPod(pod)
	for _, c := range pod.Containers {
		r.checkContainer(c, volumes)
	}
}
