// A planted bug: the term of a committed entry is not compared.

//go:build plant_skip_term_check

package commitlog

const planted = "skip_term_check"
