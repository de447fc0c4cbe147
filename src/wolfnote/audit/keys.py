"""Ed25519 keys for signatures, as ``openssl genpkey -algorithm ed25519 -out key.pem`` makes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wolfnote.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

REMEDY = "openssl genpkey -algorithm ed25519 -out key.pem"


def read(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file without a password. Raises ``InputError`` for anything else."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ModuleNotFoundError:
        raise MissingExtra("cryptography", "audit") from None
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy=REMEDY) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError("not a private key in PEM without a password", where=str(path), remedy=REMEDY) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError("not an Ed25519 key", where=str(path), remedy=REMEDY)
    return found


def public(key: Ed25519PrivateKey) -> str:
    """Its public half: 64 hex digits."""
    return key.public_key().public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, content: bytes) -> str:
    """The signature over ``content`` in hex."""
    return key.sign(content).hex()


def holds(key: str, value: str, content: bytes) -> bool:
    """Whether the owner of the public key signed ``content``."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError:
        raise MissingExtra("cryptography", "audit") from None
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(value), content)
    except (InvalidSignature, ValueError):
        return False
    return True
