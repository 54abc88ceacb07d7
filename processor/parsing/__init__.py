"""What texts of strangers say: URLs, campaigns, referrers, user agents. Each has a limit on its cost."""
