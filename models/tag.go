package models

import (
	"strconv"
	"strings"
)

// VersionTag is the strong ETag of a thing that counts its versions.
func VersionTag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// CheckTag holds a thing's strong ETag against an If-Match header: precondition_failed when none of the tags
// listed there is it. An absent header asks for nothing; a weak tag never matches (RFC 9110, 13.1.1).
func CheckTag(ifMatch, tag string) error {
	if ifMatch == "" {
		return nil
	}
	for candidate := range strings.SplitSeq(ifMatch, ",") {
		if c := strings.TrimSpace(candidate); c == "*" || c == tag {
			return nil
		}
	}
	return PreconditionFailed()
}

// Tag is the ETag of the policy.
func (p Policy) Tag() string { return VersionTag(p.Version) }
