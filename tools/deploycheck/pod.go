// Pods and their containers: confined, bounded, and asked after.

package deploycheck

import (
	"slices"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func isTrue(b *bool) bool { return b != nil && *b }

func (r *release) checkPod(pod core.PodSpec) {
	c := pod.SecurityContext
	switch {
	case c == nil || !isTrue(c.RunAsNonRoot) || c.FSGroup == nil || c.SeccompProfile == nil:
		r.find("the pod: want runAsNonRoot, fsGroup and seccompProfile in its securityContext")
	case pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		r.find("the pod: gets a token of the cluster's that it has no use for")
	}
}

func (r *release) checkContainer(c core.Container, volumes map[string]bool) {
	where := "container " + c.Name
	r.findings = append(r.findings, image(where, c.Image)...)
	s := c.SecurityContext
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
		!isTrue(s.ReadOnlyRootFilesystem) || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
		r.find("%s: not confined; want readOnlyRootFilesystem, no allowPrivilegeEscalation, drop ALL", where)
	}
	want, most := c.Resources.Requests, c.Resources.Limits
	if want.Cpu().IsZero() || want.Memory().IsZero() || most.Memory().IsZero() {
		r.find("%s: want requests of CPU and memory, and a limit of memory", where)
	}
	for _, p := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		r.checkProbe(where, p, c.Ports)
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			r.find("%s: mounts %s, which is no volume", where, m.Name)
		}
	}
	seen := map[string]bool{}
	for _, e := range c.Env {
		if seen[e.Name] {
			r.find("%s: %s is set twice", where, e.Name)
		}
		seen[e.Name] = true
		r.findings = append(r.findings, variable(where, e.Name)...)
	}
}

func (r *release) checkProbe(where string, p *core.Probe, ports []core.ContainerPort) {
	switch {
	case p == nil:
		r.find("%s: want a startup, a liveness and a readiness probe", where)
	case p.HTTPGet != nil && !has(ports, p.HTTPGet.Port):
		r.find("%s: a probe asks at the port %s, which it does not have", where, p.HTTPGet.Port.String())
	}
}

func has(ports []core.ContainerPort, want intstr.IntOrString) bool {
	return slices.ContainsFunc(ports, func(p core.ContainerPort) bool {
		return want.StrVal == p.Name && p.Name != "" || want.IntVal == p.ContainerPort
	})
}
