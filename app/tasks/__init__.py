"""Work that somebody has to do by some moment: offered, claimed, handed on, finished, overdue."""
