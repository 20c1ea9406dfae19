"""Which customer stands in which story, who wrote him down, and who looks after him since when?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.demo import acts, names
from app.demo.acts import Act, Book
from app.demo.names import KNOWN, Profile
from app.demo.past import DAY, WorkingPast
from app.demo.people import COLLEAGUES, PEOPLE
from app.demo.stories import Story

#: so many working minutes ago the company began to use the product
FOUNDED = 150 * DAY

_TEAM_OF = {person.username: person.team for person in (*PEOPLE, *COLLEAGUES)}
_HEAD = "minh"
_STAFF = ("lan", "dat", "thuy", "nhi", "nhu")
_BUSY = (28, 20, 22, 15, 12)
#: the customers of Vận hành: partners whom that team looks after itself
_OPERATORS = ("tuan", "binh")
_ONE_OPERATOR_IN = 30
# A story lasts two days at most, from its first call to where it stands now.
_STORY_LASTS = 2 * DAY

_NEW_NOTES = (
    "Đổi giờ nhận hàng sang buổi tối.",
    "Đã chuyển nhà, hỏi lại địa chỉ trước khi giao.",
    "Muốn nhận báo giá combo Tết vào tháng sau.",
    "Xin không gọi quảng cáo, chỉ nhắn Zalo khi có đơn.",
    "Khách khó tính về giờ giao, nên gọi trước.",
)


@dataclass(frozen=True)
class Seeded:
    """A customer with his place in the company's past."""

    profile: Profile
    #: working minutes since he was written down, and by whom
    minutes: float
    creator: str
    #: who looks after him, when it is not the creator
    owner: str | None = None


@dataclass(frozen=True)
class Cast:
    customers: Sequence[Seeded]
    #: each with a customer now
    stories: Sequence[Story]

    @property
    def calls(self) -> dict[str, str]:
        """Customer's name → how one speaks to him."""
        return {seeded.profile.name: seeded.profile.call for seeded in self.customers}


def cast(rng: random.Random, stories: Sequence[Story], *, customers: int) -> Cast:
    """`customers` of them (the known ones at least), and every story with one who was there before it began."""
    first_story = {story.customer: story for story in reversed(stories) if story.customer}
    seeded = [
        _place(rng, number, profile, first_story.get(profile.name))
        for number, profile in enumerate(names.profiles(rng, max(customers, len(KNOWN) + len(_OPERATORS))))
    ]
    busy = set(first_story)
    told = []
    for story in stories:
        name = story.customer or _choose(rng, seeded, story, busy)
        busy.add(name)
        told.append(replace(story, customer=name))
    return Cast(seeded, told)


def _place(rng: random.Random, number: int, profile: Profile, story: Story | None) -> Seeded:
    # More of them lately: the company has grown.
    minutes = 20 + (FOUNDED - 20) * rng.random() ** 1.4
    if number < len(KNOWN):
        minutes = FOUNDED * rng.uniform(0.4, 0.95)
        return Seeded(profile, minutes, story.initiator if story else rng.choice(_STAFF))
    place = number - len(KNOWN)
    if place % _ONE_OPERATOR_IN < len(_OPERATORS):
        # The first two have been there from the beginning, so that their team has customers for its stories.
        minutes = FOUNDED * rng.uniform(0.7, 0.95) if place < len(_OPERATORS) else minutes
        return Seeded(profile, minutes, _OPERATORS[place % _ONE_OPERATOR_IN])
    colleague = rng.choices(_STAFF, _BUSY)[0]
    if rng.random() < 0.08:
        return Seeded(profile, minutes, _HEAD, owner=colleague)
    return Seeded(profile, minutes, colleague)


def _choose(rng: random.Random, seeded: Sequence[Seeded], story: Story, busy: set[str]) -> str:
    """A customer of the initiator's team who was there in time: if possible his own, and in no other story."""
    team = _TEAM_OF[story.initiator]
    there = [one for one in seeded if _TEAM_OF[one.creator] == team and one.minutes > story.minutes + _STORY_LASTS]
    fitting = [one for one in there if one.profile.is_company == story.complaint.of_company] or there
    free = [one for one in fitting if one.profile.name not in busy] or fitting
    own = [one for one in free if story.initiator in (one.creator, one.owner)]
    return rng.choice(own or free).profile.name


def customer_acts(book: Book, cast: Cast, *, past: WorkingPast, rng: random.Random) -> Iterator[Act]:
    """How the customers came, and what was changed about some of them since."""
    in_stories = {story.customer for story in cast.stories}
    numbers = names.more_numbers(rng, [seeded.profile for seeded in cast.customers])
    archived = 0
    for seeded in cast.customers:
        name, since = seeded.profile.name, seeded.minutes
        yield acts.make_customer(book, seeded.profile, at=past.ago(since), who=seeded.creator, owner=seeded.owner)
        happens = rng.random()
        first, then = past.ago(since * rng.uniform(0.6, 0.9)), past.ago(since * rng.uniform(0.1, 0.4))
        if happens < 0.06:
            yield acts.change_note(book, name, rng.choice(_NEW_NOTES), at=first, who=seeded.creator)
        elif happens < 0.10:
            yield acts.add_number(book, name, next(numbers), at=first, who=seeded.creator)
        elif _TEAM_OF[seeded.creator] != _TEAM_OF[_HEAD]:
            continue
        elif happens < 0.14:
            yield acts.hand_customer_on(book, name, rng.choice(_STAFF), at=first, who=_HEAD)
        elif happens < 0.17 and name not in in_stories and since > DAY:
            yield acts.archive(book, name, at=first, who=_HEAD)
            archived += 1
            if archived == 2:
                yield acts.restore(book, name, at=then, who=_HEAD)
