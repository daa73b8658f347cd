"""Questions about a study as a whole, asked of its cells together: risks on risks, exposure, mechanism, order, cost."""
