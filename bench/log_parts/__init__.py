"""What bench/log_templates.py is made of: made-up logs whose templates are known."""
