"""NPS: how likely one would recommend us, from 0 to 10."""

from __future__ import annotations

from app.core.i18n import _
from app.forms.fields.stars import StarsType


class NpsType(StarsType):
    """0 to 6 are critics, 7 and 8 passive, 9 and 10 promoters; what follows from that is the reports' affair."""

    code = "nps"
    label = _("Recommendation from 0 to 10 (NPS)")
    ends = (_("Certainly not"), _("Most certainly"))
    least = 0
    most = 10
