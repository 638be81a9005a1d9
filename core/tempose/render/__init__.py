"""Pictures of poses: OpenPose drawings, contact sheets with beat marks, videos with sound."""

from tempose.render.contact_sheet import contact_sheet
from tempose.render.draw import draw_pose, draw_trail
from tempose.render.ground import VideoGround
from tempose.render.video import render_dance

__all__ = ["VideoGround", "contact_sheet", "draw_pose", "draw_trail", "render_dance"]
