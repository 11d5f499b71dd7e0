"""What every server of ours shares: answers, errors, limits, passwords, web app files."""
