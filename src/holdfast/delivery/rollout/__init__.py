"""A version rolled out in steps: measured on both arms, judged, taken back where it is worse."""
