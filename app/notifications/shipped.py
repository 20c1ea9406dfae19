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
