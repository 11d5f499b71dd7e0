"""The plan of the home: pure mathematics on numpy and HiGHS."""
