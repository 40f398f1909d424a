"""Floor 0: declarations, domains, the weighting contract, streams, errors. Knows torch and nothing of ours."""
