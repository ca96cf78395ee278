"""Statements about budgets and burn rates, checked: right, wrong and why, or not understood."""
