"""The window one may look through (查询视图): rows per line, registers, closes."""
