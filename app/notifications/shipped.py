"""Which messages can the product send, with which keys, and how do they read until an admin rewords them?"""

from __future__ import annotations

from app.core.i18n import _
from app.notifications.rules import TemplateKind, register_template

_OVERDUE_VI = """\
Chào {{ name }},

Công việc "{{ task }}" đã quá hạn từ {{ due }}.

{{#if customer}}
Khách hàng: {{ customer }}
{{/if}}
{{#if process}}
Quy trình: {{ process }}
{{/if}}
{{#if assignee}}
Người phụ trách: {{ assignee }}
{{/if}}

Mở công việc: {{ link }}

Thư này do Tận Tâm gửi tự động, bạn không cần trả lời.
"""

_OVERDUE_EN = """\
Hello {{ name }},

The task "{{ task }}" was due {{ due }}.

{{#if customer}}
Customer: {{ customer }}
{{/if}}
{{#if process}}
Process: {{ process }}
{{/if}}
{{#if assignee}}
Assignee: {{ assignee }}
{{/if}}

Open the task: {{ link }}

Tận Tâm sent this mail by itself; there is no need to reply.
"""

_INVITED_VI = """\
Chào {{ name }},

{{ inviter }} mời bạn vào làm việc trên Tận Tâm của {{ company }}.

Tên đăng nhập của bạn: {{ username }}
Đặt mật khẩu của bạn tại đây: {{ link }}

Liên kết dùng được một lần, đến {{ until }}. Quá hạn, bạn nhờ {{ inviter }} gửi lại lời mời.

{{#if signature}}
{{ signature }}
{{/if}}

Thư này do Tận Tâm gửi tự động. Nếu bạn không chờ lời mời nào, bạn bỏ qua thư này.
"""

_INVITED_EN = """\
Hello {{ name }},

{{ inviter }} invites you to work in the Tận Tâm of {{ company }}.

Your user name: {{ username }}
Choose your password here: {{ link }}

The link works once, until {{ until }}. After that, ask {{ inviter }} to send the invitation again.

{{#if signature}}
{{ signature }}
{{/if}}

Tận Tâm sent this mail by itself. If you expect no invitation, you can leave it unanswered.
"""

_TEST_VI = """\
Chào {{ name }},

Thư này cho biết Tận Tâm của {{ company }} gửi thư được. Bạn yêu cầu gửi lúc {{ at }}.

Trở lại trang quản trị: {{ link }}

Thư này do Tận Tâm gửi tự động, bạn không cần trả lời.
"""

_TEST_EN = """\
Hello {{ name }},

This mail shows that the Tận Tâm of {{ company }} can send mail. You asked for it at {{ at }}.

Back to administration: {{ link }}

Tận Tâm sent this mail by itself; there is no need to reply.
"""

TEST_MAIL = register_template(
    TemplateKind(
        code="test_mail",
        label=_("Test mail"),
        keys={
            "name": _("Name of the reader"),
            "company": _("Name of the company"),
            "at": _("When it was asked for, as the reader's clock shows it"),
            "link": _("Link to administration"),
        },
        shipped={
            "vi": ("Thư thử từ {{ company }}", _TEST_VI),
            "en": ("Test mail from {{ company }}", _TEST_EN),
        },
    )
)

MEMBER_INVITED = register_template(
    TemplateKind(
        code="member_invited",
        label=_("A colleague is invited"),
        keys={
            "name": _("Name of the reader"),
            "company": _("Name of the company"),
            "username": _("User name of the reader"),
            "inviter": _("Name of whoever invites"),
            "signature": _("Signature of whoever invites"),
            "until": _("Until when the link works, as the reader's clock shows it"),
            "link": _("Link to the page where the password is chosen"),
        },
        shipped={
            "vi": ("Lời mời vào {{ company }}", _INVITED_VI),
            "en": ("Your invitation to {{ company }}", _INVITED_EN),
        },
    )
)

TASK_OVERDUE = register_template(
    TemplateKind(
        code="task_overdue",
        label=_("A task is overdue"),
        keys={
            "name": _("Name of the reader"),
            "task": _("Name of the task"),
            "customer": _("Name of the customer"),
            "process": _("Name of the process"),
            "assignee": _("Name of the assignee"),
            "due": _("Due moment, as the reader's clock shows it"),
            "link": _("Link to the task"),
        },
        shipped={
            "vi": ("Quá hạn: {{ task }}", _OVERDUE_VI),
            "en": ("Overdue: {{ task }}", _OVERDUE_EN),
        },
    )
)
