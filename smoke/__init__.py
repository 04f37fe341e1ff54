"""Prove a deployment in its own account: `python -m smoke --stack Clipferry`. It knows only what is deployed."""
