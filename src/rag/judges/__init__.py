"""Models that read a question and a sentence together: whether the one answers the other."""
