"""What a caller named: lists of URIs, manifests, sets, clips to retry, uploads."""
