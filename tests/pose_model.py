"""Small ONNX models with the inputs and outputs of YOLOX and RTMPose that see coloured dots, and such pictures.

Each joint has a colour of its own; the finder says that there is a person where a picture has colours at all.
"""

import io

import numpy as np

SIZE = (96, 128)  # width and height that the second model looks at
FINDER = 64
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
DOT = 4  # radius as a share of 256 of the picture's height


def colours(joints):
    """(K, 3) uint8: far apart from each other, from grey and from the background."""
    levels = np.array([0, 50, 100, 150, 200, 255])
    grid = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 3)
    strong = grid[np.ptp(grid, axis=1) >= 100]
    order = np.random.default_rng(3).permutation(len(strong))
    return strong[order[:joints]].astype(np.uint8)


def write_models(folder, joints=17):
    """yolox_dots.onnx and rtmpose_dots.onnx in a folder."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name, values, kind=np.float32):
        return numpy_helper.from_array(np.asarray(values, kind), name)

    def saved(nodes, inputs, outputs, constants, name):
        graph = helper.make_graph(
            nodes,
            "dots",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, inputs)],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, str(folder / name))

    saved(
        [
            helper.make_node("ReduceMax", ["input"], ["high"], axes=[1], keepdims=1),
            helper.make_node("ReduceMin", ["input"], ["low"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["high", "low"], ["colour"]),
            helper.make_node("ReduceMax", ["colour"], ["most"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Div", ["most", "full"], ["sure"]),
            helper.make_node("Reshape", ["sure", "one"], ["score"]),
            helper.make_node("Concat", ["box", "score"], ["dets"], axis=2),
        ],
        [1, 3, FINDER, FINDER],
        [("dets", [1, 1, 5])],
        [tensor("full", 255), tensor("one", [1, 1, 1], np.int64), tensor("box", [[[0, 0, FINDER, FINDER]]])],
        "yolox_dots.onnx",
    )
    width, height = SIZE
    wanted = (
        colours(joints)[:, ::-1].astype(float) - MEAN
    ) / STD  # BGR against these means, as rtmlib has it
    nodes = [
        helper.make_node("Unsqueeze", ["input", "first"], ["picture"]),
        helper.make_node("Sub", ["picture", "colours"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["square"]),
        helper.make_node("ReduceSum", ["square", "second"], ["far"], keepdims=0),
        helper.make_node("Mul", ["far", "sharp"], ["less"]),
        helper.make_node("Exp", ["less"], ["heat"]),
    ]
    for name, axis in (("simcc_x", 2), ("simcc_y", 3)):
        nodes += [
            helper.make_node("ReduceMax", ["heat"], [f"{name}_one"], axes=[axis], keepdims=0),
            helper.make_node("Unsqueeze", [f"{name}_one", "last"], [f"{name}_wide"]),
            helper.make_node("Concat", [f"{name}_wide", f"{name}_wide"], [f"{name}_two"], axis=3),
            helper.make_node("Reshape", [f"{name}_two", f"{name}_shape"], [name]),
        ]
    saved(
        nodes,
        [1, 3, height, width],
        [("simcc_x", [1, joints, 2 * width]), ("simcc_y", [1, joints, 2 * height])],
        [
            tensor("first", [1], np.int64),
            tensor("second", [2], np.int64),
            tensor("last", [3], np.int64),
            tensor("colours", wanted.reshape(1, joints, 3, 1, 1)),
            tensor("sharp", -6.0),
            tensor("simcc_x_shape", [1, joints, 2 * width], np.int64),
            tensor("simcc_y_shape", [1, joints, 2 * height], np.int64),
        ],
        "rtmpose_dots.onnx",
    )


def dotted(points, size=(300, 400), joints=17):
    """(H, W, 3) uint8: a dot at each of the points (K, 2), in shares of the picture; NaN: no dot."""
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    for point, colour in zip(points, colours(joints), strict=True):
        if np.isfinite(point).all():
            picture[np.hypot(x - point[0] * width, y - point[1] * height) < DOT * height / 256] = colour
    return picture


def standing(joints=17):
    """(K, 2) shares of the picture: joints apart from each other."""
    across = 7 if joints < 30 else 12
    k = np.arange(joints)
    rows = -(-joints // across)
    return np.stack([0.12 + 0.76 * (k % across) / (across - 1), 0.12 + 0.76 * (k // across) / (rows - 1)], 1)


def encoded(picture, kind="PNG", **options):
    """The picture as a file's bytes."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()
