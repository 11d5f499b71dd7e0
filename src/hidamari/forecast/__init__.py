"""What the house will use and what the roof will make: functions of history, sun and weather."""
