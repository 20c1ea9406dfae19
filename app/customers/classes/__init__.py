"""Which value tier and behaviour group does a customer belong to? Worked out every night by rules over his purchases."""
