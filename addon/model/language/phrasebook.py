# SPDX-License-Identifier: GPL-3.0-or-later
"""Translation of composed sentences, by matching them to the templates of a catalogue.

The add-on, the shared package and the server make, log and send messages in English. Before one is shown, it is
looked up here: a template such as ``{1} beats are locked.`` stands for all sentences that match it.

A panel waits for the answer, so templates are indexed by their rarest word, and only those whose word is in the text
are tried.
"""

import re
from collections import Counter
from collections.abc import Mapping

from .catalogue import HOLE

LETTERS = 2  # with fewer letters outside its holes, a template would match anything
WEAK = 6  # with fewer, it counts only if its holes are short or known: "{1} to {2}" matches half of all sentences
SENTENCES = re.compile(r"(?<=[.?!…]) +(?=[A-Z0-9'¼-¾])")
WORD = re.compile(r"[^\W_]+")
TOUCHED = "Ω"  # a letter, in place of a hole, that no English word has
PIECES = (", and ", "; ", ": ", ", ", " and ")
STOPS = ".。"


class _Template:
    """A text with holes, and the sentences that match it."""

    def __init__(self, text: str):
        pieces = HOLE.split(text)
        self.text, self.holes = text, HOLE.findall(text)
        self.head, self.between, self.tail = pieces[0], pieces[1:-1], pieces[-1]
        self.size = sum(map(len, pieces))
        self.letters = len(re.findall(r"[^\W\d_]", "".join(pieces)))
        self.named = {h for h in self.holes if f"'{h}'" in text}  # names given by people stay as they are
        # Words of every text that matches. One that touches a hole may go on with what the hole is filled with.
        self.sure = {word for word in WORD.findall(HOLE.sub(TOUCHED, text)) if TOUCHED not in word}

    def fit(self, text: str) -> list[str] | None:
        """What fills the holes, each as short as possible; None if the text does not match."""
        at, end = len(self.head), len(text) - len(self.tail)
        if not (at <= end and text.startswith(self.head) and text.endswith(self.tail)):
            return None
        filled = []
        for piece in self.between:
            found = text.find(piece, at, end)
            if found < 0:
                return None
            filled.append(text[at:found])
            at = found + len(piece)
        return [*filled, text[at:end]]


class Phrasebook:
    """A catalogue, asked for sentences.

    Parameters
    ----------
    words : mapping of str to str
        English texts, with holes ``{1}`` to ``{9}``, and what they are in the language.
    """

    def __init__(self, words: Mapping[str, str]):
        self.words = words
        self.plain = {text for text in words if not HOLE.search(text)}
        holed = [_Template(text) for text in words if text not in self.plain]
        wordy = [template for template in holed if template.letters >= LETTERS]
        common = Counter(word for template in wordy for word in template.sure)
        self.by_word: dict[str, list[tuple[int, _Template]]] = {}  # with their rank: the longest counts first
        for rank, template in enumerate(sorted(wordy, key=lambda t: (-t.size, t.text))):
            rarest = min(sorted(template.sure), key=common.__getitem__, default="")
            self.by_word.setdefault(rarest, []).append((rank, template))

    def translate(self, text: str) -> str:
        """Translate a text as a whole, by sentences or by pieces; unknown text stays in English."""
        if (whole := self._whole(text)) is not None:
            return whole
        sentences = SENTENCES.split(text)
        if len(sentences) > 1:
            return self._sentences(sentences)
        for mark in PIECES:
            parts = text.split(mark)
            known = [self._whole(part) for part in parts] if len(parts) > 1 else []
            if any(part is not None for part in known):
                between = self.say(mark) if mark.strip(" ,") == "and" else mark
                return between.join(self.translate(part) for part in parts)
        return text

    def _sentences(self, sentences: list[str]) -> str:
        """Translate as many sentences at once as one template covers."""
        said = ""
        while sentences:
            for count in range(len(sentences), 0, -1):
                found = self._whole(" ".join(sentences[:count]))
                if found is not None or count == 1:
                    break
            new = found if found is not None else self.translate(sentences[0])
            said += new if not said or said.endswith(("。", "？", "！")) else f" {new}"
            sentences = sentences[count:]
        return said

    def say(self, text: str) -> str:
        """Look words up in the catalogue; unknown ones stay as they are."""
        return self.words.get(text, text)

    def _whole(self, text: str) -> str | None:
        """Translate a text that is one phrase, whatever its first letter's case and full stop; None otherwise."""
        forms = list(self._forms(text))
        for form, back in forms:
            if form in self.plain:
                return back(self.words[form])
        for form, back in forms:
            for template in self._likely(form):
                words = template.fit(form)
                if words is not None and (template.letters >= WEAK or self._sure(words)):
                    return back(self._filled(template, words))
        return None

    def _likely(self, text: str) -> list[_Template]:
        """The templates that may match a text, the longest first."""
        found = [one for word in {"", *WORD.findall(text)} for one in self.by_word.get(word, ())]
        return [template for _, template in sorted(found, key=lambda one: one[0])]

    def _sure(self, words: list[str]) -> bool:
        """Whether the holes of a short template are filled with short or known text."""
        return all(word.count(" ") < 2 or self._whole(word) is not None for word in words)

    def _forms(self, text: str):
        yield text, str
        if text.endswith("."):
            stop = self.say("{1}.").removeprefix("{1}")
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

    def _filled(self, template: _Template, words: list[str]) -> str:
        """The template in the user's language, its holes filled with translations where there are any."""
        said = {
            hole: word if hole in template.named else self.translate(word)
            for hole, word in zip(template.holes, words, strict=True)
        }
        return HOLE.sub(lambda hole: said.get(hole[0], hole[0]), self.words[template.text])
