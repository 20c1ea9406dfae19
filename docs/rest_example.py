# ruff: noqa: ANN001, ANN003, ANN201, S310, T201
"""A late delivery through REST, from the first call to the call back: python docs/rest_example.py [address].

The demo company runs at the address (default http://127.0.0.1:8080); its password is TANTAM_DEMO_PASSWORD, or what
`make run` has put into instance/demo-password.
"""

import json
import os
import pathlib
import sys
import urllib.request

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
PASSWORD = os.environ.get("TANTAM_DEMO_PASSWORD") or pathlib.Path("instance/demo-password").read_text().strip()
TOKENS = {}


def call(method, path, body=None, who=None, **headers):
    """Ask as `who` and give the answer; a refusal raises urllib.error.HTTPError."""
    if who and who not in TOKENS:
        login = {"username": who, "password": PASSWORD, "provider": "db"}
        TOKENS[who] = call("POST", "/api/v1/security/login", login)["access_token"]
    headers |= {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {TOKENS[who]}"} if who else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(ADDRESS + path, data, headers, method=method)) as answer:
        return json.load(answer)


STEPS = {
    "receive": ("lan", {"happened": "Đơn trễ một ngày", "compensation": 600000, "apology": "Em xin lỗi chị"}, None),
    "find-order": ("binh", {"order_status": "on_the_way", "finding": "Xe hỏng ở Gia Lâm, mai giao"}, None),
    "update": ("lan", {"channel": "phone", "message": "Hẹn giao sáng mai"}, None),
    "approve": ("minh", {}, "approve"),
    "call-back": ("lan", {"reached": "reached", "satisfied": True}, None),
}
customer = call("POST", "/api/v1/customers/", {"name": "Đặng Thị Mỹ Duyên", "phone": "0912 345 678"}, who="lan")
start = {"process": "giao-hang-cham", "customer_id": customer["id"]}
instance = call("POST", "/api/v1/instances/", start, who="lan", **{"Idempotency-Key": f"late-{customer['code']}"})
while instance["status"] == "running":
    task = instance["open_tasks"][0]
    who, answers, outcome = STEPS[task["step"]]
    rev = call("GET", f"/api/v1/tasks/{task['id']}", who=who)["rev"]
    done = {"answers": answers, "outcome": outcome, "rev": rev}
    call("POST", f"/api/v1/tasks/{task['id']}/complete", done, who=who)
    instance = call("GET", f"/api/v1/instances/{instance['id']}", who="lan")
    print(f"{who} finished “{task['name']}”")
print(instance["code"], instance["status"])
print(call("GET", "/api/v1/alerts/", who="lan")["count"], "alerts for Lan")
print("health:", call("GET", "/health/live"))
