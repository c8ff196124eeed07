"""Spreadsheets as registers and events (表格导入): kinds and their columns, cells, rows that belong together."""
