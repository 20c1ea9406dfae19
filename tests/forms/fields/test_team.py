from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples("team", right=((5, 5, "Chăm sóc khách hàng"),), wrong=(2, "CSKH", 0), is_typed_as_shown=False)
