"""The oracle: a brute-force second reading of the contract, written before the product.

It imports nothing of the product, so that a misunderstanding cannot hide in both. See README.md.
"""
