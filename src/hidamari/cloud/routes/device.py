"""What homes ask before they have a link; each request is signed by the key of the home."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.status import HTTP_204_NO_CONTENT

from hidamari.cloud import codes, devices, homes
from hidamari.cloud.audit import Deed
from hidamari.cloud.context import ServiceDep, service_of
from hidamari.cloud.devices import Device, Proofs, Signed
from hidamari.cloud.service import Service, instant
from hidamari.core.errors import InputError
from hidamari.http.errors import ApiError
from hidamari.link.device import AT_HEADER, HOME_HEADER, PREFIX, PROOF_HEADER, home_bytes
from hidamari.schema.cloud import (
    CodeAsked,
    CodeState,
    DeviceStatus,
    IssuedCode,
    Register,
    Registered,
    StatusMember,
)

router = APIRouter(prefix=PREFIX, tags=["device"])


async def signed_of(request: Request) -> Signed:
    """The request with its proof, not yet checked; raises 401."""
    try:
        home = home_bytes(request.headers.get(HOME_HEADER, ""))
        at_ms = int(request.headers.get(AT_HEADER, ""))
    except (InputError, ValueError):
        raise ApiError(401, "this is not signed", f"{HOME_HEADER}, {AT_HEADER}") from None
    proof = devices.proof(request.headers.get(PROOF_HEADER, ""))
    return Signed(home, at_ms, proof, request.method, request.url.path, await request.body())


SignedDep = Annotated[Signed, Depends(signed_of)]


async def device_of(request: Request, signed: SignedDep) -> Device:
    """The registered home that signed this; raises 401, 404 unknown_home."""
    service = service_of(request)
    known = await devices.find(service, signed.home)
    if known is None:
        raise ApiError(404, "this home is not registered", f"{PREFIX}/register", "unknown_home")
    _proofs(request).check(signed, known.public_key, service.now_ms())
    return known


DeviceDep = Annotated[Device, Depends(device_of)]


@router.post("/register")
async def register(
    body: Register, request: Request, service: ServiceDep, signed: SignedDep
) -> Registered:
    """A home says that it is there, again at every start; nothing that is known is deleted."""
    key = devices.public_key(body.public_key)
    _proofs(request).check(signed, key, service.now_ms())
    new = Device(signed.home, body.device_code, key, None)
    known = await devices.register(service, new, body.version)
    return Registered(bound=known.bound_ms is not None, server_time_ms=service.now_ms())


@router.post("/link-code")
async def issue_code(
    service: ServiceDep, device: DeviceDep, body: CodeAsked | None = None
) -> IssuedCode:
    """A new link code in place of the one before; 409 button_needed, 429 too_many_codes."""
    by_button = body is not None and body.button
    issued = await codes.issue(service, device.home, by_button=by_button)
    return IssuedCode(code=issued.code, expires_at=instant(issued.expires_ms))


@router.post("/status")
async def status(service: ServiceDep, device: DeviceDep) -> DeviceStatus:
    """Whether an account holds the home, its members, and the code that is open."""
    return await _status(service, device)


@router.post("/unlink", status_code=HTTP_204_NO_CONTENT)
async def unlink(service: ServiceDep, device: DeviceDep) -> None:
    """The home itself ends the bond with all accounts; its data stay."""
    await homes.unlink(service, device.home, Deed("unlinked"))


async def _status(service: Service, device: Device) -> DeviceStatus:
    async with service.database.reading() as connection:
        members = await homes.members(connection, device.home)
    found = await codes.open_code(service, device.home)
    state = None
    if found is not None:
        state = CodeState(expires_at=instant(found.expires_ms), tries_left=found.tries_left)
    return DeviceStatus(
        bound=device.bound_ms is not None,
        members=[StatusMember(nickname=one.nickname, role=one.role) for one in members],
        code=state,
    )


def _proofs(request: Request) -> Proofs:
    found: Proofs = request.app.state.proofs
    return found
