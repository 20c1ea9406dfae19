"""The demo company Phở Sen: everything in it is done by services, in their own past."""
