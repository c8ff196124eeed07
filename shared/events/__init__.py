"""The published language (公共语言): the only words that services share."""
