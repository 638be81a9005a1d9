"""Augmentation in torch, batched, on the training's own device: bodies, cameras, framing, curves, hiding, music.

In the order in which `examples.Augmentation` uses them. Letters in shape comments: B batch, T frames, K joints.
"""
