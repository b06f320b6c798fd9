from collections.abc import Callable
from typing import TypeVar

_Member = TypeVar("_Member")

def send_by_loop(
    frame: bytes, lane: dict[_Member, Callable[..., int]], /
) -> list[tuple[_Member, int]]: ...
def send_by_ring(
    frame: bytes, lane: dict[_Member, Callable[..., int]], /
) -> list[tuple[_Member, int]]: ...
def open_ring() -> None: ...
