"""How does what was filled in become paper? A4 as PDF, under the company's letterhead (docs/adr/0030-paper.md)."""
