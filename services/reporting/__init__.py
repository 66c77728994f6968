"""The count: ledger, tally, statistics and report."""
