// Package spreadconstraint refuses clusters that belong to no group of a spread
// constraint: one that says nothing of its region cannot count for spreading by
// region, nor one without a label for spreading by that label. Which groups are taken is decided later, among the clusters that pass.
package spreadconstraint
