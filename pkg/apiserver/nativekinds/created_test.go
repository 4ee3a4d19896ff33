package nativekinds

import "time"

// created is the time on the test's clock.
var created = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
