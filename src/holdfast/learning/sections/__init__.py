"""The sections of a post-mortem: each a pure function from the material to paragraphs."""
