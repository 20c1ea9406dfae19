"""What may a process write by itself: into which fields of a customer, and with which texts to colleagues?"""

from __future__ import annotations

from app.core.i18n import _
from app.notifications.rules import TemplateKind, register_template

#: of the customer for whom it runs; all else is changed by people
CUSTOMER_FIELDS = frozenset(
    {"stage", "tier", "behaviour", "touchpoint", "source", "note", "risk_reason", "next_contact_on", "tags"}
)
#: those of them that take several values: tags are put on, none is taken off
CUSTOMER_LISTS = frozenset({"tags"})

#: of these the ones that hold a day
CUSTOMER_DAYS = frozenset({"next_contact_on"})

_VI = """\
Chào {{ name }},

Quy trình "{{ process }}" (hồ sơ {{ code }}) báo bạn: {{ step }}.

{{#if words}}
{{ words }}

{{/if}}
{{#if customer}}
Khách hàng: {{ customer }}
{{/if}}
{{#if link}}
Mở hồ sơ: {{ link }}
{{/if}}

Thư này do {{ company }} gửi tự động, bạn không cần trả lời.
"""
_EN = """\
Hello {{ name }},

The process "{{ process }}" (file {{ code }}) tells you: {{ step }}.

{{#if words}}
{{ words }}

{{/if}}
{{#if customer}}
Customer: {{ customer }}
{{/if}}
{{#if link}}
Open the process file: {{ link }}
{{/if}}

{{ company }} sent this mail by itself; there is no need to reply.
"""

PROCESS_NEWS = register_template(
    TemplateKind(
        code="process_news",
        label=_("News of a process file"),
        keys={
            "name": _("Name of the reader"),
            "process": _("Name of the process"),
            "code": _("Code of the process file"),
            "step": _("Name of the step"),
            "customer": _("Name of the customer"),
            "words": _("What the process adds"),
            "company": _("Name of the company"),
            "link": _("Address of the process file"),
        },
        shipped={
            "vi": ("{{ step }} ({{ code }})", _VI),
            "en": ("{{ step }} ({{ code }})", _EN),
        },
    )
)
#: texts that may go to colleagues, or to an address in a field
TO_COLLEAGUES = frozenset({PROCESS_NEWS.code})
