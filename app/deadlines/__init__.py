"""By when: the working calendar and the due moments that it gives."""
