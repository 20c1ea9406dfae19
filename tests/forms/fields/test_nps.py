from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples("nps", right=((0, 0, "0/10"), ("10", 10, "10/10")), wrong=(-1, 11, "9/10"), is_typed_as_shown=False)
