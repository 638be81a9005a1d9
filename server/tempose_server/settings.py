"""Settings: flags, then environment, then a YAML file, then the defaults written here."""

from __future__ import annotations

import os
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, YamlConfigSettingsSource

from tempose_pose.errors import TemposeError
from tempose_pose.limits import MAX_SECONDS
from tempose_pose.local import permissions, runtime_file

ENV_PREFIX = "TEMPOSE_SERVER_"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
SHORTEST_TOKEN = 32


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("tempose")) / "server"


def _names(value: Any) -> Any:
    """Names from a list, or from one string with commas (as in the environment)."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _whole(path: Path) -> Path:
    """The absolute path: the server leaves the folder it is started in."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (links stay links)


AnyPath = Annotated[Path, AfterValidator(_whole)]


def _weights(model: str) -> str:
    return model if model in ("default", "null") else str(_whole(Path(model)))


class ServerSettings(BaseSettings):
    """All settings of a server, in seconds, bytes and counts; docs/server.md lists each default."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    runtime_file: AnyPath = Field(default_factory=runtime_file.default)
    data_dir: AnyPath = Field(default_factory=default_data_dir)
    model: Annotated[str, AfterValidator(_weights)] = "default"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    pose_model: AnyPath | None = None
    engine: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    replicas: int | None = Field(None, gt=0, le=1000)

    token: SecretStr | None = None
    token_file: AnyPath | None = None
    tls_cert: AnyPath | None = None
    tls_key: AnyPath | None = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()

    audio_bytes: int = Field(200_000_000, gt=0)
    audio_seconds: float = Field(1800.0, gt=0)
    decoded_bytes: int = Field(1_000_000_000, gt=0)
    picture_bytes: int = Field(30_000_000, gt=0)
    picture_pixels: int = Field(50_000_000, gt=0)
    video_bytes: int = Field(1_000_000_000, gt=0)
    video_seconds: float = Field(7200.0, gt=0)
    dance_seconds: float = Field(MAX_SECONDS, gt=0, le=MAX_SECONDS)
    json_bytes: int = Field(24_000_000, gt=0)
    json_elements: int = Field(1_000_000, gt=0)
    json_depth: int = Field(12, gt=0)

    queue: int = Field(64, gt=0)
    queue_share: float = Field(0.75, gt=0, le=1)
    short_seconds: float = Field(12.0, ge=0)
    uploads_at_once: int = Field(8, gt=0)
    connections: int = Field(600, gt=0)

    upload_idle_seconds: float = Field(10.0, gt=0)
    upload_grace_seconds: float = Field(20.0, gt=0)
    upload_bytes_per_second: float = Field(16_000.0, gt=0)
    header_seconds: float = Field(10.0, gt=0)
    heartbeat_seconds: float = Field(10.0, gt=0)
    shutdown_seconds: float = Field(10.0, gt=0)

    child_seconds: float = Field(120.0, gt=0)
    child_memory_bytes: int = Field(3_000_000_000, gt=0)
    children_at_once: int = Field(2, gt=0)

    log_file: AnyPath | None = None
    log_json: bool = False
    log_bytes: int = Field(10_000_000, gt=0)
    log_keep: int = Field(5, gt=0)

    keep_jobs: int = Field(500, gt=0)
    keep_days: float = Field(30.0, gt=0)
    keep_audio_bytes: int = Field(8_000_000_000, gt=0)

    @classmethod
    def load(cls, flags: dict[str, Any], config: Path | None = None) -> ServerSettings:
        """Settings from flags (None means "not given"), the environment, and a YAML file.

        Raises
        ------
        TemposeError
            A key is unknown or a value is wrong; the message names it.
        """
        for name in os.environ:
            if (
                name.upper().startswith(ENV_PREFIX)
                and name[len(ENV_PREFIX) :].lower() not in cls.model_fields
            ):
                raise TemposeError("settings", f"There is no setting for the environment variable {name}.")
        values: dict[str, Any] = {}
        if config is not None:
            if not config.is_file():
                raise TemposeError("settings", f"There is no settings file {config}.")
            try:
                values = YamlConfigSettingsSource(cls, config)()
            except Exception as error:  # whatever the YAML reader raises
                raise TemposeError("settings", f"{config} is not a YAML file of settings.") from error
        for name in cls.model_fields:  # the environment wins over the file
            if f"{ENV_PREFIX}{name}".upper() in {key.upper() for key in os.environ}:
                values.pop(name, None)
        values |= {key: value for key, value in flags.items() if value is not None}
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise TemposeError("settings", f"The setting {where!r} is wrong: {first['msg']}.") from None

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def configured_token(self) -> str | None:
        """The token that the owner chose, or None for a fresh random one.

        Raises
        ------
        TemposeError
            The token is too short, has invalid characters, or its file can be read by others.
        """
        token = self.token.get_secret_value() if self.token else None
        if self.token_file is not None:
            try:
                permissions.check_secret(self.token_file, "token_file", "token file")
                token = self.token_file.read_text("ascii").strip()
            except (OSError, UnicodeDecodeError):
                raise TemposeError(
                    "token_file", f"The token file {self.token_file} cannot be read."
                ) from None
        if token is not None and not (
            len(token) >= SHORTEST_TOKEN and token.isascii() and token.isprintable()
        ):
            raise TemposeError(
                "token_short",
                f"A configured token needs at least {SHORTEST_TOKEN} plain characters without spaces.",
            )
        if token is not None and any(c.isspace() for c in token):
            raise TemposeError("token_short", "A configured token must not hold spaces.")
        return token

    def check_tls(self) -> None:
        """Refuse a certificate that cannot be used, or a private key that others can read."""
        if self.tls_cert is None and self.tls_key is None:
            return
        if self.tls_cert is None or self.tls_key is None:
            raise TemposeError("tls", "--tls-cert and --tls-key go together: give both or neither.")
        try:
            permissions.check_secret(self.tls_key, "tls", "key")
            # Without a given password, an encrypted key would ask for one on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.tls_cert, self.tls_key, lambda: "")
        except OSError as error:  # ssl.SSLError is one
            reason = "the key does not fit it or is encrypted, or one is no PEM file"
            if not isinstance(error, ssl.SSLError):
                reason = str(error.strerror)
            raise TemposeError(
                "tls", f"The certificate {self.tls_cert} cannot be used with its key: {reason}."
            ) from None

    def check_bind(self) -> None:
        """Refuse an address that others can reach while only a per-launch token protects it."""
        if not self.is_loopback and self.configured_token is None:
            raise TemposeError(
                "bind_needs_token",
                f"{self.host} can be reached from other machines. Give a token with --token-file, "
                "or stay on --host 127.0.0.1.",
            )
