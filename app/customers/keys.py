"""By what is a customer found a second time, where nobody has changed him since such keys are kept?"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.customers import matching
from app.customers.models import Customer

#: customers a call, so that a transaction stays short
MOST = 2_000


def fill_keys(session: Session, most: int = MOST) -> int:
    """Work out the keys of up to so many customers who have none; how many. They do not count as changed by it."""
    rows = session.execute(
        select(
            Customer.id, Customer.name, Customer.kind, Customer.street, Customer.ward_code, Customer.province_code,
            Customer.old_address,
        ).where(Customer.name_key.is_(None)).order_by(Customer.id).limit(most)
    ).all()  # fmt: skip
    keys = [
        {
            "number": row.id,
            "named": matching.name_key(row.name, row.kind),
            "placed": matching.addr_key(row.street, row.ward_code, row.province_code, row.old_address) or None,
        }
        for row in rows
    ]
    if keys:
        table = Customer.__table__
        # Past the rows' own revision and stamps: nobody typed anything.
        change = update(Customer.__table__).where(table.c.id == bindparam("number"))
        values = {"name_key": bindparam("named"), "addr_key": bindparam("placed"), "updated_at": table.c.updated_at}
        session.connection().execute(change.values(values), keys)
    return len(keys)
