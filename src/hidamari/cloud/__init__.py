"""The server service: accounts, links of homes, their history, the same app from anywhere."""
