"""Where hospitals pay enterprises by themselves (医疗机构结算模式): payments, what is owed, arrears."""
