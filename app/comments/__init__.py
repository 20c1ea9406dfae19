"""Conversations: what people write to each other on any record, whom they mention, and the files they add."""
