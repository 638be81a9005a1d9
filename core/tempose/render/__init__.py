"""Pictures of poses: OpenPose drawings, contact sheets with beat marks, videos with sound."""
