"""Where does a page live for somebody who is not looking at it, in a mail for instance?"""

from __future__ import annotations

from urllib.parse import quote

_base = "http://127.0.0.1:8080"


def configure(base_url: str) -> None:
    """Set once at start from TANTAM_BASE_URL."""
    global _base
    _base = base_url.rstrip("/")


def absolute(path: str) -> str:
    """The full address of a path that begins with a slash."""
    return _base + path


def task_path(task_id: int) -> str:
    return f"/cong-viec/{task_id}"


#: work that nobody will do by himself, to be given away
ORPHANS = "/cong-viec/bang/list/?view=0&where=is_orphan+%3D+true"


def task_history_path(task_id: int) -> str:
    return f"/cong-viec/bang/show/{task_id}?tab=lich-su"


def instance_history_path(instance_id: int) -> str:
    return f"/ho-so/bang/show/{instance_id}?tab=lich-su"


def instance_path(instance_id: int) -> str:
    return f"/ho-so/{instance_id}"


def customer_path(customer_id: int) -> str:
    return f"/khach-hang/show/{customer_id}"


def covered_contact_path(customer_id: int, contact_id: int) -> str:
    """Where a number or address is opened that one reads with dots."""
    return f"/khach-hang/{customer_id}/lien-he/{contact_id}/mo"


def comment_path(comment_id: int) -> str:
    return f"/trao-doi/{comment_id}"


def process_path(process_id: int) -> str:
    return f"/quy-trinh/show/{process_id}"


def automatic_path(process_code: str, task: str = "") -> str:
    """What the process does by itself, or one task of that."""
    return f"/tu-dong/{quote(process_code)}/{quote(task, safe='')}"


def versions_path(process_code: str) -> str:
    """Which process files run by which version."""
    return f"/phien-ban/{quote(process_code)}/"


def start_path(process_code: str) -> str:
    """Where the process is begun."""
    return f"/ho-so/bat-dau/{quote(process_code, safe='')}"


def form_path(form_id: int) -> str:
    return f"/bieu-mau/show/{form_id}"


def form_drawing_path(code: str) -> str:
    """Where the form is drawn."""
    return f"/bieu-mau/{quote(code, safe='')}/ve"


def filling_path(code: str, customer_id: int | None = None) -> str:
    """Where the form is filled in, about this customer or nobody."""
    about = "" if customer_id is None else f"?khach-hang={customer_id}"
    return f"/dien-phieu/{quote(code, safe='')}{about}"


def filling_choice_path(customer_id: int) -> str:
    """Where one chooses which form is filled in about the customer."""
    return f"/dien-phieu/?khach-hang={customer_id}"


def answer_file_path(form_version_id: int) -> str:
    """Where files are sent that answer the questions of this version; the key of the question comes behind it."""
    return f"/dien-phieu/tep/{form_version_id}"


def submission_path(submission_id: int) -> str:
    return f"/phieu/{submission_id}"


def form_answers_path(code: str) -> str:
    """The answers to the form, as a list with its questions as columns."""
    return f"/bieu-mau/{quote(code, safe='')}/phieu/list/"


def member_path(member_id: int) -> str:
    return f"/nhan-su/show/{member_id}"


def invitation_path(token: str) -> str:
    """Where somebody who was invited makes his password; app/security/rules.py knows how to hide the secret."""
    return f"/loi-moi/{quote(token, safe='')}"


def team_path(team_id: int) -> str:
    return f"/bo-phan/show/{team_id}"


def export_path(export_id: int) -> str:
    return f"/xuat/{export_id}"


DEMO = "/quan-tri/cong-ty-mau"


def demo_path(_removal_id: int) -> str:
    return DEMO


def import_path(import_id: int) -> str:
    return f"/nhap/{import_id}"


def customers_edit_path(bulk_edit_id: int) -> str:
    return f"/khach-hang/sua-hang-loat/{bulk_edit_id}"


def file_path(file_id: int, name: str) -> str:
    return f"/tep/{file_id}/{quote(name, safe='')}"


def logo_path(file_id: int | None) -> str | None:
    """The company's logo, for everybody; the number changes with the picture. None without one."""
    return None if file_id is None else f"/cong-ty/logo?v={file_id}"
