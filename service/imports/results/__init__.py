"""Rows and fates of clips, for all phases that write them."""
