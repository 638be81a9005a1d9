"""The one error type for everything a person can put right."""


class TemposeError(ValueError):
    """Bad input or a missing part, with a message that can be shown to a person as it is.

    Attributes
    ----------
    code : str
        A short stable name such as ``"audio_silent"``; the server passes it on.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Canceled(Exception):
    """Raised inside a generation when its `should_cancel` callback answered true."""
