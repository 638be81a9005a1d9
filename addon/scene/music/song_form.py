# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the current song, read from and written to the scene's settings."""

from collections.abc import Sequence
from dataclasses import asdict

from ...model.dance.form import FormSection
from ..settings import FormSettings

FIELDS = tuple(FormSection.__dataclass_fields__)


def read(form: FormSettings, mark: str) -> list[FormSection]:
    """The sections of a sound in order; empty if those stored belong to another."""
    if form.sound != mark:
        return []
    listed = [FormSection(**{name: getattr(item, name) for name in FIELDS}) for item in form.sections]
    return sorted((s for s in listed if s.stop > s.start), key=lambda section: section.start)


def write(form: FormSettings, mark: str, sections: Sequence[FormSection], active: int) -> None:
    """Store the sections of a sound."""
    form.sound = mark
    form.sections.clear()
    for section in sections:
        item = form.sections.add()
        for name, value in asdict(section).items():
            setattr(item, name, value)
    form.active = max(0, min(active, len(sections) - 1))
