"""Who is calling, and what they may see (访问主体与可见范围)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from shared.kernel.codes import is_division, is_hospital_id, is_path_id, is_uscc
from shared.kernel.errors import Problem
from shared.runtime.bodies import BODY_BYTES_MAX
from shared.runtime.limits import UNLIMITED, RateLimits
from shared.runtime.sent_body import SentBody
from shared.runtime.signing import HEADERS as SIGNATURE_HEADERS

HEADER = "X-Jicai-Actor"
DIVISION_ROLES = frozenset({"bureau", "regulator", "finance"})
PROVINCE_ROLES = frozenset({"importer", "ops"})
ALL_SEEING = frozenset({"regulator", "ops", "importer"})


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller: a role, the organisation it speaks for, and perhaps a person."""

    role: str
    organisation: str
    person: str | None = None

    @property
    def is_province(self) -> bool:
        """A provincial bureau (省级医疗保障部门)."""
        return self.role == "bureau" and self.organisation.endswith("0000")

    @property
    def sees_everything(self) -> bool:
        """Province, regulator, ops and importer see every organisation's facts."""
        return self.role in ALL_SEEING or self.is_province

    @property
    def counted_as(self) -> str:
        """Whose rate is counted (限流主体): all keys and persons of an organisation together."""
        return f"{self.role}:{self.organisation}"

    def __str__(self) -> str:
        return f"{self.role}:{self.organisation}" + (f"/{self.person}" if self.person else "")


def parse_actor(text: str) -> Actor:
    """`role:organisation[/person]` as a value; ValueError for anything else."""
    role, colon, rest = text.partition(":")
    organisation, slash, person = rest.partition("/")
    if not colon or (slash and not is_path_id(person)):
        raise ValueError("expected role:organisation[/person]")
    if role == "hospital":
        good = is_hospital_id(organisation)
    elif role in ("distributor", "manufacturer"):
        good = is_uscc(organisation)
    elif role in DIVISION_ROLES:
        good = is_division(organisation)
    else:
        good = role in PROVINCE_ROLES and organisation == "360000"
    if not good:
        raise ValueError(f"{role} cannot be {organisation}")
    return Actor(role, organisation, person or None)


def unauthenticated(code: str, zh: str, en: str) -> Problem:
    """401 with the reason (未认证)."""
    return Problem(401, code, zh, en)


@dataclass(frozen=True, slots=True)
class Door:
    """How this installation knows its callers: by the header, by signatures, or by both."""

    trust_actor_header: bool
    is_sandbox: bool = False
    by_signature: Callable[[Request], Awaitable[Actor]] | None = None
    limits: RateLimits = UNLIMITED


async def current_actor(request: Request) -> Actor:
    """The actor of this request: of its signature, or of the header where it is trusted; else 401.

    429 where its organisation has sent too much; a request counts when it is known whose it is.
    """
    known: Actor | None = getattr(request.state, "actor", None)
    if known is None:
        door: Door = request.app.state.door
        known = await _known_by(door, request)
        body: SentBody = request.state.sent_body
        # What is declared beyond the limit is refused unread, and must not cost what it says.
        door.limits.take(known.counted_as, min(body.size, BODY_BYTES_MAX))
        request.state.actor = known
    return known


async def _known_by(door: Door, request: Request) -> Actor:
    text = request.headers.get(HEADER)
    if text is not None and not door.trust_actor_header:
        raise unauthenticated(
            "actor_header_refused",
            f"此环境不接受 {HEADER}; 请使用签名请求",
            f"this installation does not take {HEADER}; sign your requests",
        )
    if door.by_signature is not None and is_signed_request(request):
        return await door.by_signature(request)
    if not door.trust_actor_header:
        raise unauthenticated(
            "unauthenticated",
            f"请求未签名: 缺少 {', '.join(SIGNATURE_HEADERS)}",
            f"the request is not signed: {', '.join(SIGNATURE_HEADERS)} are missing",
        )
    if text is None:
        raise unauthenticated(
            "actor_missing",
            f"缺少请求头 {HEADER}, 例如 hospital:H36010200001",
            f"the header {HEADER} is missing, e.g. hospital:H36010200001",
        )
    try:
        return parse_actor(text)
    except ValueError as error:
        raise unauthenticated(
            "actor_malformed", f"请求头 {HEADER} 格式不正确: {error}", f"{HEADER}: {error}"
        ) from None


def is_signed_request(request: Request) -> bool:
    """Whether the caller means to sign: any of the four headers is there."""
    return any(name in request.headers for name in SIGNATURE_HEADERS)


def spend_events(request: Request, actor: Actor, count: int) -> None:
    """Count events against the rate of their sender, when it is known how many there are (限流)."""
    door: Door = request.app.state.door
    door.limits.spend_events(actor.counted_as, count)


CurrentActor = Annotated[Actor, Depends(current_actor)]


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts where a natural person answers for the act (经办人): approve, pay, lift and the like."""

    actor: Actor
    is_sandbox: bool

    def person(self, *, always: bool = False) -> str | None:
        """The person; 422 where none is named and one must be: outside the sandbox, or `always`.

        The handler calls it when 401, 404 and 403 are behind it, for those go first.
        """
        if self.actor.person is None and (always or not self.is_sandbox):
            raise Problem(
                422,
                "person_missing",
                "此操作须由绑定到个人的密钥发起 (jicai keys add 角色:机构/经办人)",
                "this act needs a key that is bound to a person (jicai keys add role:organisation/person)",
            )
        return self.actor.person


async def acting_person(request: Request, actor: CurrentActor) -> Acting:
    """A dependency of those endpoints whose act a person answers for."""
    return Acting(actor, request.app.state.door.is_sandbox)


ActingPerson = Annotated[Acting, Depends(acting_person)]


def forbidden(zh: str = "该角色无权执行此操作", en: str = "this role may not do this") -> Problem:
    """403: you may see it, but not do it (无权限)."""
    return Problem(403, "forbidden", zh, en)


def not_found(what_zh: str = "未找到", what_en: str = "not found") -> Problem:
    """404: it does not exist, or you may not see it (未找到)."""
    return Problem(404, "not_found", what_zh, what_en)
