"""Pictures for windows, drawn with Pillow: pure functions from numbers and colours to images. No tkinter."""
