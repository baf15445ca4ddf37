// Patterns that must match a whole text.

package pattern

import "regexp"

// Whole compiles a pattern that must match the whole text, as Java's matches
// does. It compiles the pattern alone first, else one such as "a)|(b" could
// close the group round it.
func Whole(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}
