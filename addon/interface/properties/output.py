# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of export and import."""

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, IntVectorProperty, StringProperty


class TemposeOutput(bpy.types.PropertyGroup):
    source: EnumProperty(
        name="Of",
        description="Whose poses are written",
        items=[
            ("RIG", "Character", "The chosen character as it is animated now, constraints and all"),
            ("TAKE", "Take", "The chosen take, as the model danced it"),
        ],
        default="RIG",
        options=set(),
    )
    view: EnumProperty(
        name="View",
        description="Where joints lie in the picture",
        items=[
            ("CAMERA", "Camera", "As the scene's camera sees the character: fits a render of the scene"),
            ("PICTURE", "Dance", "In the picture that the dance was made in, with the whole figure in it"),
        ],
        default="PICTURE",
        options=set(),
    )
    size: IntVectorProperty(
        name="Size",
        description="Width and height of the drawn video. 0: as the picture is",
        size=2,
        default=(0, 0),
        min=0,
        max=8192,
        options=set(),
    )
    rate: FloatProperty(
        name="Frame Rate",
        description="Frames per second. 0: as the scene has it",
        default=0.0,
        min=0.0,
        max=240.0,
        options=set(),
    )
    kind: EnumProperty(
        name="File",
        description="The format that poses are written in",
        items=[
            ("OPENPOSE", "OpenPose", "One JSON file: a list of OpenPose frames"),
            ("FOLDER", "OpenPose Folder", "A JSON file per frame, as OpenPose itself writes them"),
            (
                "CONTROLNET",
                "ControlNet",
                "OpenPose JSON for pose editors, which leave out what is not wholly sure",
            ),
            ("COCO", "COCO", "One JSON file: COCO keypoint annotations"),
            ("NPZ", "NumPy", "One .npz file, as 'tempose generate' writes it"),
        ],
        default="OPENPOSE",
        options=set(),
    )
    manner: EnumProperty(
        name="For",
        description="The model that poses are drawn for: strokes, size and frame rate are as its own code has them",
        items=[
            ("plain", "OpenPose", "Lines grow with the picture; joints of small hands stay apart"),
            ("controlnet", "ControlNet", "As ControlNet's and DWPose's annotators draw it"),
            ("animate-anyone", "AnimateAnyone", "As its open version draws it, with DWPose"),
            (
                "mimic-motion",
                "MimicMotion",
                "Thin lines, weaker with confidence; red and blue exchanged, as there",
            ),
            (
                "wan-animate",
                "Wan-Animate",
                "With toes, 30 frames a second: as a video, a folder with its src_pose.mp4 and src_face.mp4",
            ),
        ],
        default="plain",
        options=set(),
    )
    face: StringProperty(
        name="Face",
        description="A video of who dances, or a picture, for the model's video of the face. Empty: that is black",
        subtype="FILE_PATH",
        options=set(),
    )
    video: EnumProperty(
        name="Video",
        description="What is drawn: pictures, or one file",
        items=[
            ("PNG", "PNG Pictures", "A folder with one picture per frame: nothing is lost"),
            (
                "MP4",
                "MP4",
                "One H.264 file. Without a server's encoder Blender makes it, and cannot be used meanwhile",
            ),
        ],
        default="PNG",
        options=set(),
    )
    sprites: EnumProperty(
        name="Sprites",
        description="What games get: the character alone, clear around it",
        items=[
            (
                "PNG",
                "Sprite Sheet",
                "One PNG with a cell for each frame, and a JSON file with sizes, rate and beats",
            ),
            ("GIF", "GIF", "One animated GIF that goes on for ever; up to 50 frames a second"),
        ],
        default="PNG",
        options=set(),
    )
    sprite_height: IntProperty(
        name="Height",
        description="Pixels from top to bottom of a sprite; its width is what the movement needs",
        default=256,
        min=8,
        max=4096,
        subtype="PIXEL",
        options=set(),
    )
