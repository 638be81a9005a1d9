"""The one error type for everything that people can fix."""


class TemposeError(ValueError):
    """Bad input or a missing part, with a message to show to people as it is; nothing was changed.

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
    """The user asked to stop: a generation's `should_cancel` returned true, or a job was canceled."""
