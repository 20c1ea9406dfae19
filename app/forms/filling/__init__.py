"""How is a form filled in that no task asks for? Its page, the draft that keeps itself, the page of what was sent."""
