"""What happens at closing instants (定时任务): a day closes at 24:00, lists are issued at 09:00."""
