"""The schema `access` (访问控制): keys, the nonces they used, the answers kept under an Idempotency-Key."""
