"""What happens behind the writers (定时任务): the ledger is sealed about once a second."""
