from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples("photo", right=(([3], [3], "anh.jpg"),), wrong=([4], [3, 4], ["x"]), is_typed_as_shown=False)
