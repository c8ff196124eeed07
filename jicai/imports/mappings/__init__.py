"""The mapping files shipped with the product; each is a page to read and to copy."""
