// Command scheduler-plugin is atolld with two scheduler plugins compiled in:
// MaintenanceWindow keeps new workloads off clusters that are being worked on,
// LowestCost prefers cheap clusters. See README.md.
package main

import (
	"os"

	"atoll.dev/atoll/pkg/atolld"
)

func main() {
	os.Exit(atolld.Main(
		atolld.WithSchedulerPlugin(maintenanceName, newMaintenance),
		atolld.WithSchedulerPlugin(costName, newCost),
	))
}
