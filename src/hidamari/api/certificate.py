"""The self-made key of the secure door: one per gateway, with its fingerprint for the screen."""

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hidamari.core.errors import StoreDamaged
from hidamari.store.files import load_file, save_file

FILE = "door.pem"
VERSION = 1
LIFE = timedelta(days=3652)
# The clock may be unknown at first boot: a certificate must not end before it is looked at.
EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DoorKey:
    """Where certificate and key lie (PEM, mode 600), and the fingerprint that people compare."""

    path: Path
    sha256: str

    def context(self) -> ssl.SSLContext:
        """A server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The line of checksum before the PEM is skipped by OpenSSL, as any text outside its marks.
        context.load_cert_chain(self.path)
        context.set_alpn_protocols(["http/1.1"])
        return context


def door_key(folder: Path, names: Iterable[str], now: datetime) -> DoorKey:
    """The key of this gateway; made at the first start, when damaged, or when its time is over."""
    path = folder / FILE
    found = _load(path)
    if found is None or now >= found.not_valid_after_utc:
        content = _make(names, now)
        save_file(path, content, VERSION)
        found = x509.load_pem_x509_certificate(content)
    return DoorKey(path, found.fingerprint(hashes.SHA256()).hex(":").upper())


def _load(path: Path) -> x509.Certificate | None:
    try:
        loaded = load_file(path)
        if loaded is None:
            return None
        serialization.load_pem_private_key(loaded.content, password=None)
        if loaded.is_previous:
            save_file(path, loaded.content, VERSION)
        return x509.load_pem_x509_certificate(loaded.content)
    except (StoreDamaged, ValueError):
        return None


def _make(names: Iterable[str], now: datetime) -> bytes:
    """Private key (P-256) and certificate for these host names and addresses, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hidamari")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(EARLIEST)
        .not_valid_after(max(now, EARLIEST) + LIFE)
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in dict.fromkeys(names)]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
