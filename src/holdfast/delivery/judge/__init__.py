"""The canary judge: `judge(intervals, plan, calibration, judged_at=...)`, usable by itself."""
