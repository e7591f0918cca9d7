"""The wire protocol: messages, frames, one state table for both roles. No input or output here."""
