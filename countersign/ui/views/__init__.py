"""The only place that imports tkinter."""
