"""The made-up customers are ones that could be: no two alike, and none on a reserved number."""

from __future__ import annotations

import random
from functools import cache

from app.core.vietnamese import phone_e164
from app.demo.names import KNOWN, is_reserved, more_numbers, profiles


@cache
def drawn(seed="x", count=1500):
    return list(profiles(random.Random(seed), count))


def test_there_are_as_many_as_were_asked_for_and_the_known_ones_come_first():
    assert len(drawn()) == 1500
    assert drawn()[: len(KNOWN)] == list(KNOWN)
    assert drawn(count=7) == list(KNOWN[:7])


def test_names_and_numbers_are_unique():
    customers = drawn()
    assert len({customer.name for customer in customers}) == 1500
    assert len({phone_e164(customer.phone) for customer in customers}) == 1500


def test_every_number_is_valid_and_none_is_reserved():
    for customer in drawn():
        assert phone_e164(customer.phone) is not None, customer
        assert not is_reserved(customer.phone.replace(" ", "")), customer


def test_reserved_numbers_are_known():
    assert all(map(is_reserved, ("0912345678", "0912345600", "0977000000", "0977123456", "0977123999")))
    assert not any(map(is_reserved, ("0912354678", "0977124000", "0976999999", "0977450129")))


def test_mail_goes_to_example_domains_only():
    hosts = {customer.email.partition("@")[2] for customer in drawn() if customer.email}
    assert all(host.endswith(".example") or host in {"example.com", "example.net", "example.org"} for host in hosts)


def test_the_same_seed_makes_the_same_customers():
    one, again, other = (list(profiles(random.Random(seed), 200)) for seed in ("a", "a", "b"))
    assert one == again
    assert one != other


def test_second_numbers_belong_to_nobody_else():
    customers = drawn(count=100)
    numbers = more_numbers(random.Random("x"), customers)
    more = [next(numbers) for _number in range(50)]
    assert len({*map(phone_e164, more), *(phone_e164(customer.phone) for customer in customers)}) == 150
