package v1alpha1

// SetDefaults_PlacementReviewStatus makes an unanswered review Pending.
func SetDefaults_PlacementReviewStatus(s *PlacementReviewStatus) {
	if s.Phase == "" {
		s.Phase = ReviewPending
	}
}
