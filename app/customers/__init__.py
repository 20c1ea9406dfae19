"""Customers, their contact points and their timeline: one profile each, found in a blink. Knows no task or process."""
