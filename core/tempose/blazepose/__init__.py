"""Google's BlazePose and its hands, run by torch: people in pictures and videos. Licence: LICENSES/BlazePose.md."""
