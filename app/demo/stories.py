"""Which late deliveries has Phở Sen lived through, and where does each of them stand at the moment of loading?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum, auto

from app.demo.complaints import COMPLAINTS, Complaint
from app.demo.past import DAY, WorkingPast
from app.processes.library import codes

PROCESS = "giao-hang-cham"
assert PROCESS in codes()

#: above this (₫) the head decides
FREE_TO_GIVE = 500_000
#: Nothing falls due or becomes due soon for so long: half an hour, and the time that loading itself may take.
CALM = timedelta(minutes=36)


class Stand(StrEnum):
    """How far the last step of a story has come."""

    offered = auto()
    claimed = auto()
    in_progress = auto()
    completed = auto()
    cancelled = auto()


@dataclass(frozen=True)
class Story:
    """One complaint. Minutes are working minutes before the moment of loading."""

    customer: str
    initiator: str
    step: str
    stand: Stand
    #: since when the last step has been open; for what is over: since when it has been over
    minutes: float
    compensation: int = 0
    complaint: Complaint = COMPLAINTS[0]
    order: str = ""
    #: who took the first step; the initiator unless said
    receiver: str | None = None
    operator: str = "tuan"
    decision: str = "approve"
    #: steps that took longer than allowed
    late: frozenset[str] = frozenset()
    #: the head gave the last step to this colleague
    reassigned_to: str | None = None
    #: the operator took the last step and gave it back
    was_released: bool = False
    #: (who, what) was noted on the last step, in order
    notes: tuple[tuple[str, str], ...] = field(default=())

    @property
    def path(self) -> tuple[str, ...]:
        """The steps so far, the last one included."""
        steps = ["receive", "find-order", "update", "approve", "call-back"]
        if self.compensation <= FREE_TO_GIVE:
            steps.remove("approve")
        return tuple(steps[: steps.index(self.step) + 1])

    def worker(self, step: str) -> str:
        """Who does this step."""
        return {"receive": self.receiver or self.initiator, "find-order": self.operator, "approve": "minh"}.get(
            step, self.initiator
        )


_offered, _claimed, _in_progress = Stand.offered, Stand.claimed, Stand.in_progress

# A step is due after 5 min (receive), 1 h (find-order, call-back), 2 h (update), 4 h (approve) and due soon from 3,
# 45, 90 and 180 min on. The minutes below keep clear of what CALM forbids: whatever will fall due or become due soon
# has more working time left than that, whatever is late was due at least two working minutes ago.
_OPEN = (
    # Lan
    Story("Đặng Thị Mỹ Duyên", "lan", "call-back", _in_progress, 75, compensation=350_000, order="PS-20418"),
    Story("Ưng Hoàng Đức", "lan", "update", _claimed, 124, complaint=COMPLAINTS[1]),
    Story("Nguyễn Đình Phước", "lan", "find-order", _offered, 5, complaint=COMPLAINTS[2], compensation=50_000),
    Story("Khách sạn Sông Đuống", "lan", "update", _in_progress, 20, complaint=COMPLAINTS[3], compensation=1_200_000,
          operator="binh"),
    Story("Công ty TNHH Thực phẩm Đại Ưng", "lan", "call-back", _claimed, 4, complaint=COMPLAINTS[6],
          compensation=800_000),
    Story("Lương Ỹ Nhi", "lan", "find-order", _claimed, 6, complaint=COMPLAINTS[8],
          notes=(("tuan", "Đang hỏi kho trung chuyển."), ("tuan", "Kho hẹn 15 phút nữa gọi lại."))),
    Story("Đỗ Thị Hồng Nhung", "lan", "update", _claimed, 45, complaint=COMPLAINTS[4], operator="binh"),
    Story("Hoàng Thị Ngọc Ánh", "lan", "approve", _claimed, 30, complaint=COMPLAINTS[5], compensation=900_000,
          notes=(("minh", "Chờ kế toán xác nhận khách đã mua bao nhiêu trong năm."),)),
    # Đạt
    Story("Trần Văn Kỹ", "dat", "approve", _claimed, 185, complaint=COMPLAINTS[5], compensation=650_000),
    Story("Bùi Đức Thưởng", "dat", "call-back", _claimed, 2, complaint=COMPLAINTS[9]),
    Story("Mai Xuân Trường", "dat", "update", _claimed, 10, complaint=COMPLAINTS[11], compensation=100_000),
    # Thủy
    Story("Vũ Quỳnh Như", "thuy", "receive", _offered, 12, complaint=COMPLAINTS[6]),
    Story("Lê Ngọc Bảo Trân", "thuy", "update", _in_progress, 170, complaint=COMPLAINTS[9], compensation=50_000),
    Story("Trương Như Ý", "thuy", "call-back", _claimed, 240, complaint=COMPLAINTS[4]),
    Story("Phan Thị Ngưỡng", "thuy", "find-order", _claimed, 95, complaint=COMPLAINTS[1], operator="binh",
          notes=(("binh", "Bưu cục chưa trả lời, tôi gọi lại lần hai."),)),
    Story("", "thuy", "approve", _claimed, 300, complaint=COMPLAINTS[10], compensation=1_500_000),
    # Nhi
    Story("", "nhi", "update", _in_progress, 135, complaint=COMPLAINTS[2]),
    Story("", "nhi", "find-order", _offered, 80, complaint=COMPLAINTS[8], compensation=200_000),
    Story("", "nhi", "find-order", _offered, 3, complaint=COMPLAINTS[0]),
    # Như
    Story("", "nhu", "receive", _claimed, 25, complaint=COMPLAINTS[8]),
    Story("", "nhu", "find-order", _offered, 8, complaint=COMPLAINTS[11], was_released=True,
          notes=(("tuan", "Tuyến này anh Bình nắm rõ hơn, tôi trả lại để anh nhận."),)),
    Story("", "nhu", "update", _claimed, 50, complaint=COMPLAINTS[7], compensation=150_000),
    Story("", "nhu", "receive", _offered, 200, complaint=COMPLAINTS[9]),
    Story("", "nhu", "call-back", _claimed, 7, complaint=COMPLAINTS[1], reassigned_to="dat",
          notes=(("minh", "Như nghỉ chiều nay, nhờ Đạt gọi giúp."),)),
    # Vận hành
    Story("", "binh", "update", _claimed, 15, complaint=COMPLAINTS[6], receiver="dat"),
)  # fmt: skip

#: One that can be waiting fresh only while nobody works: otherwise it would fall due within minutes.
_AFTER_HOURS = Story("", "lan", "receive", _claimed, 1, complaint=COMPLAINTS[10])

_CALLED_OFF = (
    Story("", "lan", "receive", Stand.cancelled, 3.3 * DAY, complaint=COMPLAINTS[0]),
    Story("", "dat", "find-order", Stand.cancelled, 9.6 * DAY, complaint=COMPLAINTS[2]),
    Story("", "thuy", "update", Stand.cancelled, 15.2 * DAY, complaint=COMPLAINTS[6], operator="binh"),
    Story("", "nhi", "find-order", Stand.cancelled, 31.7 * DAY, complaint=COMPLAINTS[9]),
)

RUNNING = len(_OPEN)
FINISHED = 24

#: who takes the calls
_CALLS = ("lan", "lan", "lan", "dat", "dat", "thuy", "thuy", "thuy", "nhi", "nhu")
_COMPENSATIONS = (0, 0, 0, 50_000, 50_000, 100_000, 200_000, 350_000, 650_000, 800_000, 1_200_000)
_OLDEST = 70 * DAY


def stories(
    rng: random.Random, past: WorkingPast, *, running: int = RUNNING, finished: int = FINISHED
) -> Iterator[Story]:
    """So many that are running, and so many that came to their end in the past months; the first few were called off.

    A story without a customer is anybody's.
    """
    yield from (_numbered(story, rng) for story in _OPEN[:running])
    if past.is_quiet_for(CALM):
        yield _numbered(_AFTER_HOURS, rng)
    yield from (_numbered(story, rng) for story in _CALLED_OFF[:finished])
    for number in range(finished - len(_CALLED_OFF)):
        # The newer, the more: the company has grown.
        minutes = 30 + (_OLDEST - 30) * ((number + rng.random()) / max(finished, 1)) ** 1.6
        yield _numbered(_finished(rng, minutes), rng)


def _finished(rng: random.Random, minutes: float) -> Story:
    late = rng.choice(("receive", "find-order", "update", "approve", "call-back")) if rng.random() < 0.3 else None
    initiator = rng.choice(_CALLS)
    return Story(
        "", initiator, "call-back", Stand.completed, minutes,
        compensation=rng.choice(_COMPENSATIONS),
        complaint=rng.choice(COMPLAINTS),
        receiver=rng.choice(_CALLS) if rng.random() < 0.2 else None,
        operator=rng.choice(("tuan", "tuan", "binh")),
        decision=rng.choice(("approve", "approve", "reject")),
        late=frozenset({late} if late else ()),
    )  # fmt: skip


def _numbered(story: Story, rng: random.Random) -> Story:
    return replace(story, order=story.order or f"PS-{rng.randrange(18_000, 20_400)}")


#: step → (usual, late) working minutes from its opening to its end, as (from, to)
_LASTS = {
    "receive": ((2.0, 4.5), (6.0, 11.0)),
    "find-order": ((14.0, 52.0), (65.0, 110.0)),
    "update": ((12.0, 95.0), (125.0, 170.0)),
    "approve": ((15.0, 200.0), (250.0, 320.0)),
    "call-back": ((6.0, 50.0), (65.0, 100.0)),
}


def opened_at(story: Story, rng: random.Random) -> dict[str, float]:
    """Step → the working minutes before now at which it was opened, for each step of the story's path."""
    ago = story.minutes
    opened: dict[str, float] = {}
    for step in reversed(story.path):
        is_open = step == story.step and story.stand is not Stand.completed
        if not is_open or story.stand is Stand.cancelled:
            usual, late = _LASTS[step]
            ago += rng.uniform(*(late if step in story.late else usual))
        opened[step] = ago
    return opened
