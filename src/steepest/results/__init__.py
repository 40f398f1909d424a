"""Floor 1: what a study leaves behind: plain records, the store that keeps them, the evidence drawn from them."""
