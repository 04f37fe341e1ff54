"""Sources that callers name: lists of URIs, manifests, sets, clips to retry, uploads."""
