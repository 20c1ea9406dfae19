"""How does a process run? The pure core: read BPMN, check it, decide what follows. No web, no database, no clock."""
