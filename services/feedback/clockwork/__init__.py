"""What runs by itself beside the timers (定时核查): the auditor that looks whether they did."""
