"""How good the answers are: cases, scorers, a runner and reports, over the public API only."""
