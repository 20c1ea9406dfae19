"""From the file to the customers on the pages, and the same by the interface."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from app.core.db import db
from app.customers.models import Customer
from app.jobs import run_imports
from tests.rest import Rest

SHEET = "Họ tên,SĐT,Ngày sinh\nNgô Văn Mới,0902111222,5/3/90\nLý Thị Sai,123,\n"


def soup_of(response) -> BeautifulSoup:
    return BeautifulSoup(response.data, "lxml")


def soup(response) -> BeautifulSoup:
    assert response.status_code == 200, response.get_data(as_text=True)[:500]
    return soup_of(response)


def work(app: Flask) -> None:
    with app.app_context():
        run_imports()


def sent(text: str = SHEET, target: str = "customers"):
    return {"target": target, "file": (io.BytesIO(text.encode()), "khách tháng 10.csv")}


def test_from_the_file_to_the_customers_and_back(app, client):
    client = client("minh")
    assert "Nhập tệp" in soup(client.get("/nhap/")).get_text()
    ways_in = soup(client.get("/khach-hang/list/")).select(".tt-listhead a[href^='/nhap/moi']")
    assert [one.get_text() for one in ways_in] == ["Nhập từ tệp"]
    soup(client.get(ways_in[0]["href"]))
    answer = client.post("/nhap/moi", data=sent(), content_type="multipart/form-data")
    assert answer.status_code == 302
    address = answer.location
    page = soup(client.get(address))
    chosen = [one["value"] for one in page.select("select[name^=column] option[selected]")]
    assert chosen == ["name", "phone", "birthday"]
    wrong = client.post(f"{address}/thu", data={"column-0": "", "column-1": "phone", "column-2": "tags"})
    assert wrong.status_code == 422
    assert "Cần một trong các cột: Họ và tên, Họ và tên đệm, Tên gọi" in soup_of(wrong).get_text()
    columns = {f"column-{place}": key for place, key in enumerate(chosen)}
    assert client.post(f"{address}/thu", data={**columns, "tags": "hội chợ"}).status_code == 302
    assert "hx-trigger" in client.get(f"{address}?phan=1").get_data(as_text=True)
    work(app)
    ready = client.get(f"{address}?phan=1")
    assert (ready.status_code, ready.headers["HX-Refresh"]) == (286, "true")
    page = soup(client.get(address)).get_text(" ")
    assert "Ghi 1 dòng" in page
    assert "0902 111 222 · 05/03/1990" in page  # as they were understood
    assert "“123”" in page
    with client.get(f"{address}/loi.xlsx") as bad:
        rows = [[cell.value for cell in row] for row in load_workbook(io.BytesIO(bad.data)).worksheets[0].iter_rows()]
    assert rows[0][2:] == ["Họ tên", "SĐT", "Ngày sinh"]
    assert (rows[1][0], rows[1][2]) == (3, "Lý Thị Sai")
    assert "Số điện thoại" in rows[1][1]
    assert client.post(f"{address}/ghi", data={"on_duplicate": "skip"}).status_code == 302
    work(app)
    with app.app_context():
        made = db.session.scalars(select(Customer).where(Customer.name == "Ngô Văn Mới")).one()
        number, phone = made.id, made.phone
    assert phone == "0902 111 222"
    assert "Hoàn tác" in soup(client.get(address)).get_text()
    assert "Ngô Văn Mới" in soup(client.get(f"/khach-hang/show/{number}")).get_text()
    assert client.post(f"{address}/hoan-tac").status_code == 302
    work(app)
    with app.app_context():
        assert db.session.get_one(Customer, number).is_archived
    again = client.post("/nhap/moi", data=sent(), content_type="multipart/form-data").location
    told = soup(client.get(again)).get_text(" ")
    assert "đã hoàn tác nên các dòng được coi là mới. 1 khách hàng của lần đó đang ở mục Lưu trữ" in told


@pytest.mark.parametrize("name", ["customers", "purchases", "interactions"])
def test_a_template_is_read_without_a_question(client, name):
    client = client("minh")
    template = client.get(f"/nhap/mau/{name}.xlsx")
    book = load_workbook(io.BytesIO(template.data))
    book._sheets = book._sheets[1:]  # what stands in the example
    file = io.BytesIO()
    book.save(file)
    data = {"target": name, "file": (io.BytesIO(file.getvalue()), "mẫu.xlsx")}
    address = client.post("/nhap/moi", data=data, content_type="multipart/form-data").location
    page = soup(client.get(address))
    assert all(one.select_one("option[selected]") for one in page.select("select[name^=column]"))


def test_a_program_sends_a_file_looks_writes_and_takes_back(app):
    minh = Rest(app, "minh")
    answer = minh.post("imports/", data=sent(), content_type="multipart/form-data")
    assert answer.status_code == 201, answer.json
    url = f"imports/{answer.json['id']}"
    assert answer.json["mapping"] == ["name", "phone", "birthday"]
    assert minh.post(f"{url}/apply").status_code == 409
    assert minh.post(f"{url}/check", {"tags": ["sỉ"]}).json["state"] == "checking"
    work(app)
    assert minh.get(url).json["found"] == {"new": 1, "error": 1}
    assert [one["row"] for one in minh.rows(f"{url}/rows", finding="error")] == [3]
    assert minh.post(f"{url}/apply").status_code == 200
    work(app)
    assert minh.get(url).json["written"] == {"made": 1}
    assert minh.post(f"{url}/undo").status_code == 200
    work(app)
    assert minh.get(url).json["state"] == "undone"
    assert Rest(app, "lan").get(url).status_code == 403
