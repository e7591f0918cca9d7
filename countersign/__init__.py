"""Countersign: a folder from one computer to another, with nobody in between."""

__version__ = "0.1.0"
