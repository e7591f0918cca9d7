"""The windows: presenters decide and know no Tk, views show and decide nothing."""
