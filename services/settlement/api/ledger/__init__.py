"""The ledger's doors: balances, entries, the chain, and what finance posts by itself (账本接口)."""
