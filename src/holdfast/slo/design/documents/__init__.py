"""The pages of a design, for people. Every number in them is computed from the design."""
