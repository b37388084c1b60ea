"""Coverage beside its peers, in CPU seconds, turn by turn in one run, on a nation that is made here from a seed."""
