// What the tests see of the inside.

package vnettest

// ReadSchedule reads a schedule's name and writes it again.
func ReadSchedule(name string) (again string, deviations int, err error) {
	s, err := parseSchedule(name)
	return s.String(), len(s), err
}
