"""Which groups of customers does the care team of the demo company keep an eye on? Made by its head, shared with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.customers.segments.services import Typed, create_segment
from app.demo.acts import Act
from app.demo.past import DAY, WorkingPast

_GROUPS = (
    ("Khách VIP", "Gọi hỏi thăm mỗi tháng, báo trước khi có món mới.", "tier = 'vip'"),
    ("Quá lâu chưa trao đổi", "Chia nhau gọi lại trong tuần.", "forgotten = true"),
    ("Biết đến qua mạng, chưa có email", "Xin email trong lần nhắn tới.",
     "source in ('facebook', 'zalo') and email empty"),
    ("Gặp ở hội chợ", "Mời dùng thử combo Tết.", "source = 'fair'"),
)  # fmt: skip


def group_acts(past: WorkingPast) -> Iterator[Act]:
    """One after the other, some days ago."""
    for number, (name, purpose, where) in enumerate(_GROUPS):
        yield Act(past.ago(DAY * 4 - number), "minh", _group(name, purpose, where))


def _group(name: str, purpose: str, where: str) -> Any:
    def do(session: Session, by: Actor) -> None:
        create_segment(session, Typed(name, where, purpose, by.primary_team_id), by=by)

    return do
