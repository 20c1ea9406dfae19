"""Teams by program: the same rules as on the pages."""

from __future__ import annotations

from tests.rest import Rest


def test_a_team_is_made_changed_filled_and_archived(app):
    hoa = Rest(app, "hoa")
    made = hoa.post("teams/", {"name": "Chăm sóc Hà Nội", "parent": "cskh", "head": "tuan", "head_joins": True})
    assert made.status_code == 201, made.text
    team = made.json
    assert (team["code"], team["parent"], team["head"]) == ("cham-soc-ha-noi", "cskh", "tuan")
    path = f"teams/{team['id']}"
    assert hoa.post(f"{path}/members", {"member": "lan", "primary": True}).status_code == 200
    people = {one["username"]: (one["primary"], one["head"]) for one in hoa.rows(f"{path}/members")}
    assert people == {"lan": (True, False), "tuan": (False, True)}
    assert hoa.post(f"{path}/members/primary", {"member": "tuan"}).status_code == 200
    assert hoa.post(f"{path}/members/remove", {"member": "tuan"}).status_code == 422
    changed = hoa.put(path, {"rev": hoa.get(path).json["rev"], "head": None, "parent": None})
    assert (changed.json["head"], changed.json["parent"]) == (None, None)
    assert hoa.put(path, {"rev": 1, "name": "Khác"}).status_code == 409
    assert hoa.post(f"{path}/archive").status_code == 422
    for name in ("tuan", "lan"):
        assert hoa.post(f"{path}/members/remove", {"member": name}).status_code == 200
    assert hoa.post(f"{path}/archive").json["archived_at"]
    assert hoa.post(f"{path}/restore").json["archived_at"] is None


def test_what_does_not_fit_is_told_by_its_key(app):
    hoa = Rest(app, "hoa")
    cskh = next(one for one in hoa.rows("teams/") if one["code"] == "cskh")
    circle = hoa.put(f"teams/{cskh['id']}", {"rev": cskh["rev"], "parent": "cskh"})
    assert set(circle.json["fields"]) == {"parent"}
    assert set(hoa.post("teams/", {"name": "A", "parent": "x"}).json["fields"]) == {"parent"}
    assert set(hoa.post("teams/", {"name": "A", "head": "nobody"}).json["fields"]) == {"head"}
    assert set(hoa.put(f"teams/{cskh['id']}", {"rev": cskh["rev"], "code": "khac"}).json["fields"]) == {"code"}


def test_whoever_may_only_look_changes_nothing(app):
    lan = Rest(app, "lan")
    team = lan.rows("teams/")[0]
    assert lan.get(f"teams/{team['id']}").status_code == 200
    path = f"teams/{team['id']}"
    assert lan.post("teams/", {"name": "A"}).status_code == 403
    assert lan.post(f"{path}/members", {"member": "lan"}).status_code == 403
    assert lan.post(f"{path}/archive").status_code == 403
    assert lan.put(f"teams/{team['id']}", {"rev": team["rev"], "name": "A"}).status_code == 403
