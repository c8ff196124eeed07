"""Where money goes, and the files that tell a bank to send it (收款账户与支付文件)."""
