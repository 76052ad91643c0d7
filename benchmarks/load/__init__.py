"""Servers on one core and load from another."""
