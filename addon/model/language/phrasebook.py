# SPDX-License-Identifier: GPL-3.0-or-later
"""Translation of composed sentences, by matching them to the templates of the catalogues.

The add-on, the shared package and the server make, log and send messages in English. Before one is shown, it is
looked up here: a template such as ``{1} beats are locked.`` stands for all sentences that match it.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from .catalogue import HOLE

Lookup = Callable[[str], str]
"""English words or a template → the same in the person's language, or as they are."""

LETTERS = 2  # with fewer letters outside its holes, a template would match anything
WEAK = 6  # with fewer, it counts only if its holes are short or known: "{1} to {2}" matches half of all sentences
SENTENCES = re.compile(r"(?<=[.?!…]) +(?=[A-Z0-9'¼-¾])")
PIECES = (", and ", "; ", ": ", ", ", " and ")
STOPS = ".。"


class _Template:
    """A text with holes, and the sentences that match it."""

    def __init__(self, text: str):
        words = HOLE.split(text)
        self.text, self.holes = text, HOLE.findall(text)
        self.head, self.tail, self.size = words[0], words[-1], sum(map(len, words))
        self.letters = len(re.findall(r"[^\W\d_]", "".join(words)))
        self.words = words
        self.named = {h for h in self.holes if f"'{h}'" in text}  # names given by people stay as they are

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("(.*?)".join(map(re.escape, self.words)), re.DOTALL)

    def fit(self, text: str) -> tuple[str, ...] | None:
        if not (text.startswith(self.head) and text.endswith(self.tail)):
            return None
        found = self.pattern.fullmatch(text)
        return found.groups() if found else None


class Phrasebook:
    """The templates of the catalogues.

    Parameters
    ----------
    templates : iterable of str
        English texts, with holes ``{1}`` to ``{9}``.
    """

    def __init__(self, templates: Iterable[str]):
        texts = set(templates)
        self.plain = {text for text in texts if not HOLE.search(text)}
        holed = [_Template(text) for text in texts - self.plain]
        wordy = [template for template in holed if template.letters >= LETTERS]
        longest = sorted(wordy, key=lambda t: (-t.size, t.text))
        self.any = [t for t in longest if not t.head]
        heads = {t.head[0] for t in longest if t.head}
        self.by_letter = {a: [t for t in longest if t.head[:1] in ("", a)] for a in heads}

    def translate(self, text: str, lookup: Lookup) -> str:
        """Translate a text as a whole, by sentences or by pieces; unknown text stays in English."""
        if (whole := self._whole(text, lookup)) is not None:
            return whole
        sentences = SENTENCES.split(text)
        if len(sentences) > 1:
            return self._sentences(sentences, lookup)
        for mark in PIECES:
            parts = text.split(mark)
            known = [self._whole(part, lookup) for part in parts] if len(parts) > 1 else []
            if any(part is not None for part in known):
                between = lookup(mark) if mark.strip(" ,") == "and" else mark
                return between.join(self.translate(part, lookup) for part in parts)
        return text

    def _sentences(self, sentences: list[str], lookup: Lookup) -> str:
        """Translate as many sentences at once as one template covers."""
        said = ""
        while sentences:
            for count in range(len(sentences), 0, -1):
                found = self._whole(" ".join(sentences[:count]), lookup)
                if found is not None or count == 1:
                    break
            new = found if found is not None else self.translate(sentences[0], lookup)
            said += new if not said or said.endswith(("。", "？", "！")) else f" {new}"
            sentences = sentences[count:]
        return said

    def _whole(self, text: str, lookup: Lookup) -> str | None:
        """Translate a text that is one phrase, whatever its first letter's case and full stop; None otherwise."""
        forms = list(self._forms(text, lookup))
        for form, back in forms:
            if form in self.plain:
                return back(lookup(form))
        for form, back in forms:
            for template in self.by_letter.get(form[:1], self.any):
                words = template.fit(form)
                if words is not None and (template.letters >= WEAK or self._sure(words, lookup)):
                    return back(self._filled(template, words, lookup))
        return None

    def _sure(self, words: tuple[str, ...], lookup: Lookup) -> bool:
        """Whether the holes of a short template are filled with short or known text."""
        return all(word.count(" ") < 2 or self._whole(word, lookup) is not None for word in words)

    @staticmethod
    def _forms(text: str, lookup: Lookup):
        yield text, str
        if text.endswith("."):
            stop = lookup("{1}.").removeprefix("{1}")
            yield text[:-1], lambda said: f"{said}{stop}"
            yield f"{text} ", str.rstrip  # `{1} beats are locked. {2}` with nothing in the second hole
        elif text[-1:].isalnum():
            yield f"{text}.", lambda said: said.rstrip(STOPS)
        if text[:1].isupper() and text[1:2].islower():
            yield text[0].lower() + text[1:], lambda said: said[:1].upper() + said[1:]
        elif text[:1].islower():
            yield text[0].upper() + text[1:], lambda said: said[:1].lower() + said[1:]
        if text[:1].isdigit():  # `, {1} section` after other text
            yield f", {text}", lambda said: said.lstrip(",，、 ")

    def _filled(self, template: _Template, words: tuple[str, ...], lookup: Lookup) -> str:
        """The template in the user's language, its holes filled with translations where there are any."""
        said = {
            hole: word if hole in template.named else self.translate(word, lookup)
            for hole, word in zip(template.holes, words, strict=True)
        }
        return HOLE.sub(lambda hole: said.get(hole[0], hole[0]), lookup(template.text))
