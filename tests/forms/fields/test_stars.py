from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples("stars", right=(("4", 4, "4/5"), (1, 1, "1/5")), wrong=(0, 6, "bốn", 3.5), is_typed_as_shown=False)
