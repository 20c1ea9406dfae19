"""Beside whom do we stand? The same customers shown by Flask-AppBuilder as shipped, and by the barest page there is."""
