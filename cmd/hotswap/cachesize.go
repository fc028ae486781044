package main

import (
	"errors"
	"strconv"
	"strings"
)

// Bounds of HOTSWAP_CACHE_SIZE, in bytes.
const (
	smallestCache = 16 << 20
	largestCache  = 1 << 40
)

// readCacheSize reads whole mebibytes or gibibytes, as GOMEMLIMIT does: 256MiB, 4GiB. It does not repeat what it cannot
// read.
func readCacheSize(name, value string) (int64, error) {
	for unit, bytes := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		digits, ok := strings.CutSuffix(value, unit)
		if !ok {
			continue
		}
		count, err := strconv.ParseUint(digits, 10, 20)
		if size := int64(count) * bytes; err == nil && size >= smallestCache && size <= largestCache {
			return size, nil
		}
	}
	return 0, errors.New(name + " is not a size from 16MiB to 1024GiB, such as 256MiB")
}
