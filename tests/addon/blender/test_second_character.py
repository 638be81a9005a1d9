"""The selected armature is the one that dances; another one keeps what it has."""

import pytest


@pytest.fixture
def two(blender, connected, ready):
    """A has danced and is the character in the panel; B is mapped by nobody yet."""
    ops, first = blender.ops.tempose, ready.tempose.rig
    assert ops.generate() == {"FINISHED"} and ops.accept_take() == {"FINISHED"}
    second = first.copy()
    second.data = first.data.copy()
    second.animation_data_clear()
    ready.collection.objects.link(second)
    return first, second


def select(bpy, ob):
    for other in bpy.context.view_layer.objects:
        other.select_set(other is ob)
    bpy.context.view_layer.objects.active = ob


def keys(ob, compat):
    return [[tuple(k.co) for k in curve.keyframe_points] for curve in compat.fcurves_of(ob)]


def test_the_second_character_dances_and_the_first_keeps_its_dance(blender, two, tempose):
    (first, second), compat, ops = two, tempose("compat"), blender.ops.tempose
    before, action = keys(first, compat), first.animation_data.action
    select(blender, second)
    for step in (ops.map_bones, ops.generate, ops.accept_take):
        assert step() == {"FINISHED"}
    assert keys(second, compat) and second.animation_data.action is not action
    assert first.animation_data.action is action and keys(first, compat) == before


def test_a_selected_armature_without_bones_found_is_not_passed_over(blender, two, tempose):
    first, _ = two
    bare = blender.data.objects.new("Bare", blender.data.armatures.new("Bare"))
    blender.context.scene.collection.objects.link(bare)
    select(blender, bare)
    assert tempose("character.selection").pick_rig(blender.context) is None
    with pytest.raises(RuntimeError):
        blender.ops.tempose.generate()
    select(blender, first)
    assert tempose("character.selection").pick_rig(blender.context) is first


def test_the_character_chosen_in_the_panel_is_selected(blender, two, tempose):
    first, second = two
    select(blender, first)
    blender.context.scene.tempose.rig = second
    assert blender.context.view_layer.objects.active is second and not first.select_get()
    assert tempose("character.selection").pick_rig(blender.context) is second
