"""Which value tier and behaviour group does a customer belong to? Worked out nightly by rules over his purchases."""
