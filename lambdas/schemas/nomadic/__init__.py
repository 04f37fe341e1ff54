"""Models of the NomadicML door: what its SDKs send and read."""
