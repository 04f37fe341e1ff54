"""Find the service's URL and the API key: in arguments, in the environment, or in a profile saved by `clipferry login`.

The profiles are one JSON file in the user's config folder. Only its owner may read it:
`{"default": "prod", "profiles": {"prod": {"base_url": "https://…", "api_key": "cf_…"}}}`.
"""

import ipaddress
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from platformdirs import user_config_path

from clipferry.errors import ConfigError

BASE_URL = "CLIPFERRY_BASE_URL"
API_KEY = "CLIPFERRY_API_KEY"
PROFILE = "CLIPFERRY_PROFILE"
CONFIG = "CLIPFERRY_CONFIG"
"""Environment variables. `CLIPFERRY_CONFIG` is the path of the file of profiles, in place of the default one."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One service with one key."""

    base_url: str
    api_key: str = field(repr=False)
    project: str | None = None
    """The key's project, as the service reported it at login. None for the admin key."""


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """The content of the file of profiles."""

    default: str | None = None
    by_name: Mapping[str, Profile] = field(default_factory=dict)

    def with_one(self, name: str, profile: Profile) -> "Profiles":
        """Add or replace the profile `name`. The first profile becomes the default one."""
        return Profiles(default=self.default or name, by_name={**self.by_name, name: profile})

    def without(self, name: str) -> "Profiles":
        """Remove the profile `name`; without it there may be no default profile."""
        left = {other: profile for other, profile in self.by_name.items() if other != name}
        return Profiles(default=self.default if self.default in left else None, by_name=left)

    def with_default(self, name: str) -> "Profiles":
        """Make `name` the default profile. Raises `ConfigError` if there is no such profile."""
        self.named(name)
        return replace(self, default=name)

    def named(self, name: str) -> Profile:
        """Return the profile `name`. Raises `ConfigError` if there is no such profile."""
        try:
            return self.by_name[name]
        except KeyError:
            known = ", ".join(sorted(self.by_name)) or "none"
            raise ConfigError(
                f"there is no profile {name!r} (saved: {known}); `clipferry login --profile {name}` saves it"
            ) from None


def profiles_path(env: Mapping[str, str] = os.environ) -> Path:
    """The path of the file of profiles; the file may not exist."""
    given = env.get(CONFIG)
    return Path(given) if given else user_config_path("clipferry") / "profiles.json"


def read_profiles(path: Path) -> Profiles:
    """Read the profiles; without a file there are none. Raises `ConfigError` if it is damaged or others can read it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Profiles()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the profiles in {path}: {error}") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path} has API keys, and other users can read it: run `chmod 600 {path}`")
    try:
        record = json.loads(text)
        found = {name: Profile(**kept) for name, kept in record["profiles"].items()}
        return Profiles(default=record["default"], by_name=found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} is damaged ({type(error).__name__}): correct it, or delete it and log in again"
        ) from None


def write_profiles(path: Path, profiles: Profiles) -> None:
    """Replace the file of profiles atomically; only its owner can read it. Raises `ConfigError`."""
    record = {"default": profiles.default, "profiles": {name: vars(kept) for name, kept in profiles.by_name.items()}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".profiles-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=2)
                file.write("\n")
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"cannot save the profiles in {path}: {error}") from error


def resolve(
    base_url: str | None = None,
    api_key: str | None = None,
    profile: str | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Profile:
    """Find the URL and the key: each in its argument, else in its environment variable, else in a profile.

    The profile is `profile`, else the one that `CLIPFERRY_PROFILE` names, else the profile of the given URL, else the
    default one. A saved key is only sent to the URL that it was saved for. Raises `ConfigError`.
    """
    base_url = base_url or env.get(BASE_URL) or None
    api_key = api_key or env.get(API_KEY) or None
    name = profile or env.get(PROFILE) or None
    if base_url and api_key and not profile:
        return Profile(base_url=checked_url(base_url), api_key=checked_key(api_key))
    profiles = read_profiles(profiles_path(env))
    if name:
        saved = profiles.named(name)
    elif base_url:
        saved = _of_url(profiles, checked_url(base_url))
    elif profiles.default:
        saved = profiles.named(profiles.default)
    else:
        raise ConfigError(f"no service is known: run `clipferry login`, or set {BASE_URL} and {API_KEY}")
    if base_url and checked_url(base_url) != saved.base_url and not api_key:
        raise ConfigError(f"profile {name!r} is for {saved.base_url}: its key is not shown to {base_url}")
    url = checked_url(base_url) if base_url else saved.base_url
    known = saved.project if not api_key else None
    return Profile(base_url=url, api_key=checked_key(api_key or saved.api_key), project=known)


def checked_key(key: str) -> str:
    """Return `key`. Raises `ConfigError`, without the key, if a header cannot contain it."""
    if not all("!" <= character <= "~" for character in key):
        raise ConfigError("the API key has spaces or other characters that no key has: was it copied whole?")
    return key


def _of_url(profiles: Profiles, url: str) -> Profile:
    found = [name for name, profile in profiles.by_name.items() if profile.base_url == url]
    if not found:
        raise ConfigError(f"no key for {url} is saved: set {API_KEY}, or run `clipferry login --base-url {url}`")
    return profiles.by_name[profiles.default if profiles.default in found else found[0]]


def checked_url(url: str) -> str:
    """Return the URL without a trailing slash. Raises `ConfigError` if it cannot be the URL of a service.

    Plain http is allowed for this machine only, because every request contains the key.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
        _ = parts.port
        httpx.URL(url.strip())
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError(f"{url!r} is not a URL: {error}") from None
    odd = any(character.isspace() or not character.isprintable() for character in url.strip())
    if parts.scheme not in ("http", "https") or not host or odd:
        raise ConfigError(
            f"{url!r} is not the URL of a service: give the BaseUrl that `cdk deploy` prints (https://...)"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("a base URL must not have a user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{host} is not this machine, and a key must not be sent in the clear: use https")
    return url.strip().rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
