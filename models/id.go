package models

import "regexp"

var idPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// ValidID tells whether the text has the form of our ids: a lower-case UUID.
func ValidID(s string) bool { return idPattern.MatchString(s) }
