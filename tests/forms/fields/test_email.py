from __future__ import annotations

from tests.forms.examples import Examples

EXAMPLES = Examples(
    "email",
    right=((" Lan@PhoSen.vn ", "lan@phosen.vn", "lan@phosen.vn"),),
    wrong=("lan", "lan@", "@phosen.vn", "lan@phosen", "a b@c.vn", "lan@phosen.vn, an@phosen.vn",
           5, "a@" + "b" * 300 + ".vn"),
)  # fmt: skip
