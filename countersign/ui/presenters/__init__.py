"""Status values in, screens out. No tkinter, no thread, no clock."""
