"""Secrets: cached and rotated; forged tokens cause few requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cutout.adapters.secrets import CURRENT, PREVIOUS, Secret, SigningKeys, signing_keys
from cutout.domain.errors import SettingsError
from cutout.wiring.aws_clients import Clients
from tests.support.aws_account import Account

NAME = "Cutout/callback-signing-key"


@dataclass
class Vault:
    """Secrets Manager, with the stage of every read."""

    clients: Clients
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Record each read."""
        self.clients.secrets.meta.events.register(
            "provide-client-params.secrets-manager.GetSecretValue", self._note
        )

    def store(self, text: str) -> None:
        """Create the secret, or rotate it."""
        client = self.clients.secrets
        if client.list_secrets()["SecretList"]:
            client.put_secret_value(SecretId=NAME, SecretString=text)
        else:
            client.create_secret(Name=NAME, SecretString=text)

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.reads.append(params["VersionStage"])


@dataclass
class Seconds:
    """A clock that a test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Text:
    """A secret with a cached and a fresh text."""

    cached: str | None
    fresh: str | None
    asked: list[bool] = field(default_factory=list)

    def text(self, *, is_fresh: bool = False) -> str | None:
        """Its text."""
        self.asked.append(is_fresh)
        return self.fresh if is_fresh else self.cached


@pytest.fixture
def vault(account: Account) -> Iterator[Vault]:
    """An account with one secret."""
    with account() as clients:
        vault = Vault(clients)
        vault.store("key-1")
        yield vault


def test_current_key_is_read_once(vault: Vault) -> None:
    """A warm function does not read it again for minutes."""
    current = Secret(vault.clients.secrets, NAME)
    assert [current.text() for _ in range(3)] == ["key-1"] * 3
    assert vault.reads == [CURRENT]


def test_rotated_key_is_found_by_a_fresh_read(vault: Vault) -> None:
    """The cache has the old one; a fresh read finds the new one, and caches it."""
    current = Secret(vault.clients.secrets, NAME)
    assert current.text() == "key-1"
    vault.store("key-2")
    assert [current.text(), current.text(is_fresh=True), current.text()] == [
        "key-1",
        "key-2",
        "key-2",
    ]


@pytest.mark.parametrize("text", ["sk-evo-1\n", "  sk-evo-1", "\tsk-evo-1\r\n"])
def test_space_around_a_key_is_not_part_of_it(vault: Vault, text: str) -> None:
    """Keys are pasted, and files end with a line break: no header could carry it."""
    vault.store(text)
    assert Secret(vault.clients.secrets, NAME).text() == "sk-evo-1"


def test_before_a_rotation_there_is_no_previous_key(vault: Vault) -> None:
    """That is cached for minutes, so that it costs no call each time."""
    seconds = Seconds()
    previous = Secret(vault.clients.secrets, NAME, PREVIOUS, seconds)
    assert [previous.text() for _ in range(3)] == [None] * 3
    assert vault.reads == [PREVIOUS]
    seconds.now = 299
    assert (previous.text(), len(vault.reads)) == (None, 1)
    seconds.now = 300
    assert (previous.text(), len(vault.reads)) == (None, 2)


def test_after_a_rotation_there_is_a_previous_key(vault: Vault) -> None:
    """A fresh read finds it although its absence was cached."""
    previous = Secret(vault.clients.secrets, NAME, PREVIOUS)
    assert previous.text() is None
    vault.store("key-2")
    assert previous.text() is None
    assert [previous.text(is_fresh=True), previous.text()] == ["key-1", "key-1"]


def test_both_stages_have_their_own_cache(vault: Vault) -> None:
    """The current key is never taken for the previous one."""
    vault.store("key-2")
    current, previous = (
        Secret(vault.clients.secrets, NAME),
        Secret(vault.clients.secrets, NAME, PREVIOUS),
    )
    assert [current.text(), previous.text()] * 2 == ["key-2", "key-1"] * 2


@pytest.mark.parametrize("stage", [CURRENT, PREVIOUS])
def test_unreadable_secret_does_not_count_as_missing(vault: Vault, stage: str) -> None:
    """Without permission, for example, no callback may count as forged."""
    vault.clients.secrets.meta.events.register(
        "before-call.secrets-manager.GetSecretValue", _refuse
    )
    with pytest.raises(PermissionError):
        Secret(vault.clients.secrets, NAME, stage).text()


def test_missing_secret_is_an_error(vault: Vault) -> None:
    """The current version of a secret of ours always exists."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        Secret(vault.clients.secrets, "no-such-secret").text()


def test_callbacks_signed_before_a_rotation_are_accepted(vault: Vault) -> None:
    """The current key first, then the previous one."""
    keys = signing_keys(vault.clients.secrets, NAME)
    vault.store("key-2")
    assert keys.signing_key() == b"key-2"
    accepted = keys.accepted_keys()
    assert [next(accepted), next(accepted)] == [b"key-2", b"key-1"]


def test_first_matching_key_causes_no_further_read(vault: Vault) -> None:
    """The keys are read one by one, when they are needed."""
    keys = signing_keys(vault.clients.secrets, NAME)
    assert [next(keys.accepted_keys()) for _ in range(3)] == [b"key-1"] * 3
    assert vault.reads == [CURRENT]


def test_function_that_missed_a_rotation_finds_the_new_key(vault: Vault) -> None:
    """None of the cached keys matches, so both are read again."""
    keys = signing_keys(vault.clients.secrets, NAME)
    assert keys.signing_key() == b"key-1"
    vault.store("key-2")
    assert list(keys.accepted_keys()) == [b"key-1", b"key-1", b"key-2", b"key-1"]
    assert keys.signing_key() == b"key-2"


def test_fresh_read_of_the_new_key_does_not_lose_the_old_one(vault: Vault) -> None:
    """Callbacks with the old key are still accepted after the first one with the new key."""
    seconds = Seconds()
    stages = (
        Secret(vault.clients.secrets, NAME),
        Secret(vault.clients.secrets, NAME, PREVIOUS),
    )
    keys = SigningKeys(*stages, seconds)
    assert set(keys.accepted_keys()) == {b"key-1"}
    vault.store("key-2")
    seconds.now = 10
    assert next(key for key in keys.accepted_keys() if key == b"key-2")
    seconds.now = 10.1
    assert list(keys.accepted_keys()) == [b"key-2", b"key-1"]


def test_forged_tokens_do_not_each_cause_a_read() -> None:
    """Keys are read again at most every ten seconds, however many callbacks are forged."""
    seconds = Seconds()
    current, previous = Text("new", "newer"), Text("old", "new")
    keys = SigningKeys(current, previous, seconds)
    cached, fresh = [b"new", b"old"], [b"newer", b"new"]
    assert list(keys.accepted_keys()) == cached + fresh
    for seconds.now in (0.1, 9.9):
        assert list(keys.accepted_keys()) == cached
    seconds.now = 10.0
    assert list(keys.accepted_keys()) == cached + fresh
    assert current.asked.count(True) == 2


def test_only_current_key_is_accepted_if_there_is_no_previous_one() -> None:
    """A function that only signs needs no other."""
    keys = SigningKeys(Text("new", "new"))
    assert list(keys.accepted_keys()) == [b"new", b"new"]
    assert keys.signing_key() == b"new"


@pytest.mark.parametrize("text", [None, ""])
def test_empty_key_signs_and_verifies_nothing(text: str | None) -> None:
    """Anyone could sign with an empty key."""
    keys = SigningKeys(Text(text, text), Text(text, text))
    assert list(keys.accepted_keys()) == []
    with pytest.raises(SettingsError, match="the callback signing key is empty"):
        keys.signing_key()


def _refuse(**_: object) -> None:
    raise PermissionError("AccessDeniedException")
