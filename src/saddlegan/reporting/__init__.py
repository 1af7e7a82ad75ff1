"""Run folders -> tables, statistics, verdicts and pictures, without torch: it only reads what runs wrote."""
